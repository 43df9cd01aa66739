"""What Jaeger's UI makes of its configuration file: its shape, and how it fills in links.

The shape is that of `packages/jaeger-ui/src/types/config.ts`, as far as the file uses it; the
filling-in that of `src/model/link-patterns.ts`: parameters in `#{…}`, each value encoded as
`encodeURIComponent` does.
"""

# ruff: noqa: N815 -- names as the file has them
from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

CONFIG = Path(__file__).parents[2] / "deploy" / "jaeger" / "ui.json"
_PARAMETER = re.compile(r"#\{([^{}]*)\}")
_UNENCODED = "!~*'()"
_OF_TRACES = {"traceID", "traceName", "duration", "startTime", "endTime"}
_Url = Annotated[str, Field(pattern=r"^https?://[^\s]+$")]
_Lookback = Annotated[str, Field(pattern=r"^[1-9][0-9]*[mhdw]$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class MenuItem(_Part):
    label: str = Field(min_length=1)
    url: _Url | None = None
    anchorTarget: Literal["_self", "_blank", "_parent", "_top"] | None = None


class MenuGroup(_Part):
    label: str = Field(min_length=1)
    items: list[MenuItem] = Field(min_length=1)


class LinkPattern(_Part):
    type: Literal["process", "tags", "logs", "traces"]
    key: str | None = None
    url: _Url
    text: str = Field(min_length=1)

    def parameters(self) -> set[str]:
        return set(_PARAMETER.findall(self.url)) | set(_PARAMETER.findall(self.text))

    def filled(self, values: Mapping[str, str]) -> str:
        """Return the link for values; the UI shows none where one is missing."""
        return _PARAMETER.sub(lambda m: quote(values[m[1]], safe=_UNENCODED), self.url)


class MaxLookback(_Part):
    label: str = Field(min_length=1)
    value: _Lookback


class Search(_Part):
    maxLookback: MaxLookback
    maxLimit: int = Field(ge=1)


class Dependencies(_Part):
    menuEnabled: bool
    dagMaxNumServices: int | None = None


class UiConfig(_Part):
    menu: list[MenuItem | MenuGroup]
    search: Search
    dependencies: Dependencies
    topTagPrefixes: list[str]
    linkPatterns: list[LinkPattern]

    def items(self) -> list[MenuItem]:
        groups = [e.items if isinstance(e, MenuGroup) else [e] for e in self.menu]
        return [item for group in groups for item in group]


def config() -> UiConfig:
    return UiConfig.model_validate(_document())


def of_traces() -> set[str]:
    """Return what a link of a whole trace can be filled with."""
    return _OF_TRACES


def _document() -> Any:
    return json.loads(CONFIG.read_text(), object_pairs_hook=_without_repeats)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    assert len(found) == len(pairs), f"a name stands twice among {[name for name, _ in pairs]}"
    return found
