"""The shapes of records in requests and answers, for the OpenAPI schema."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel, Field

from otel_vector.services.records import TEXT_FACETS

__all__ = [
    "RECORD_BODY",
    "CollectionRow",
    "CollectionsAnswer",
    "RecordAnswer",
    "RecordError",
    "RecordText",
    "RecordVersion",
    "RecordsAnswer",
    "StoredAnswer",
    "VersionsAnswer",
]

_RECORD: Final = {
    "type": "object",
    "additionalProperties": False,
    "required": ["key"],
    "properties": {
        "key": {"type": "string", "minLength": 1, "maxLength": 512},
        "body": {"type": "object", "description": "any JSON object up to 1 MiB"},
        "texts": {
            "type": "array",
            "description": "what it is found by; at most 256 passages in all",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["facet", "text"],
                "properties": {
                    "facet": {"type": "string", "enum": [str(facet) for facet in TEXT_FACETS]},
                    "text": {"type": "string"},
                },
            },
        },
    },
    "example": {
        "key": "shop.checkout:place_order",
        "body": {"file": "shop/checkout.py", "line": 42},
        "texts": [{"facet": "code", "text": "def place_order(cart): ..."}],
    },
}

RECORD_BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "oneOf": [
                        _RECORD,
                        {"type": "array", "maxItems": 1000, "items": _RECORD},
                    ]
                }
            },
            "application/x-ndjson": {
                "schema": {"type": "string", "description": "a record on each line"}
            },
        },
    }
}
"""What `POST /v1/records/{collection}` takes."""


class RecordText(BaseModel):
    """A text that a record is found by."""

    id: str = Field(description="id of the meaning, 16 hex digits")
    facet: str
    text: str


class RecordVersion(BaseModel):
    """One version of a record."""

    collection: str
    key: str
    version: int
    active: bool = Field(description="whether it is the version in force")
    created_unix_nano: str = Field(description="nanoseconds, a decimal string")
    body: dict[str, Any]
    meanings: list[str] = Field(description="ids of its texts, 16 hex digits each")


class RecordAnswer(RecordVersion):
    """One version of a record with its texts, as far as an active version has them."""

    texts: list[RecordText]


class RecordsAnswer(BaseModel):
    """Active records in the order of keys."""

    records: list[RecordVersion]
    next: str | None = Field(description="cursor of the next page; null at the end")


class VersionsAnswer(BaseModel):
    """Every version of a record, the latest first."""

    versions: list[RecordVersion]


class CollectionRow(BaseModel):
    """A collection."""

    collection: str
    records: int


class CollectionsAnswer(BaseModel):
    """The collections."""

    collections: list[CollectionRow]


class RecordError(BaseModel):
    """Why a record was refused."""

    type: str = Field(examples=["urn:otel-vector:problem:invalid-input"])
    detail: str


class StoredAnswer(BaseModel):
    """What became of a record: a version and a status, or an error."""

    key: str = Field(description="empty if it could not be read")
    version: int | None = None
    status: str | None = Field(None, description="created, updated or unchanged")
    error: RecordError | None = None
    line: int | None = Field(None, description="of lines: its number from 1, blank ones left out")
