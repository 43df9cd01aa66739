"""What `catalog` answers with; written by `generate.py` from the API's schema."""

from __future__ import annotations

from typing import TypedDict, final

__all__ = [
    "AttributeKey",
    "AttributeKeysAnswer",
    "AttributeValue",
    "AttributeValuesAnswer",
    "OperationRow",
    "OperationsAnswer",
    "ServiceRow",
    "ServicesAnswer",
]


@final
class AttributeKey(TypedDict):
    """An attribute key in one scope."""

    key: str
    scope: str
    types: list[str]
    items: int


@final
class AttributeKeysAnswer(TypedDict):
    """Attribute keys of the newest items.

    Attributes:
        looked_at: items that were looked at, the newest.
    """

    attributes: list[AttributeKey]
    looked_at: int


@final
class AttributeValue(TypedDict):
    """A value of an attribute.

    Attributes:
        value: text form, cut at 1,000 characters.
    """

    value: str
    type: str
    items: int


@final
class AttributeValuesAnswer(TypedDict):
    """Values of one attribute among the newest items, the commonest first.

    Attributes:
        names: every name of the key's family.
        having: items that have the attribute.
        looked_at: items that were looked at, the newest.
    """

    key: str
    names: list[str]
    values: list[AttributeValue]
    distinct: int
    having: int
    looked_at: int


@final
class OperationRow(TypedDict):
    """An operation."""

    service: str
    name: str
    kind: str
    spans: int
    meaning: str


@final
class OperationsAnswer(TypedDict):
    """Operations, those with most spans first."""

    operations: list[OperationRow]


@final
class ServiceRow(TypedDict):
    """A service."""

    service: str
    spans: int
    operations: int


@final
class ServicesAnswer(TypedDict):
    """Services, those with most spans first."""

    services: list[ServiceRow]
