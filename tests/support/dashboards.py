"""The shipped dashboards, and the requests that Grafana and its plugins make of them.

How variables are written into queries is Grafana's (`formatRegistry`): a `textbox` stands as it
is, `:doublequote` puts quotes around it and a backslash before those inside. What the Infinity
plugin asks is that of its version 3.11.1: `url` behind the data source's, parameters after it,
`data` as the body (pkg/infinity/request.go, headers.go).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

ROOT = Path(__file__).parents[2]
GRAFANA = ROOT / "deploy" / "grafana"
BOARDS = {
    path.stem: json.loads(path.read_text())
    for path in sorted((GRAFANA / "dashboards").glob("*.json"))
}
INFINITY = "yesoreyeram-infinity-datasource"
BUILT_IN = {"__from", "__to", "__rate_interval", "__value", "__all"}
"""Variables that Grafana itself fills in."""

_VARIABLE = re.compile(r"\$(?:\{(\w+)(?:[.:][^}]*)?\}|(\w+))")
_WRITTEN = re.compile(
    r"\$(?:\{(?P<braced>\w+)(?:\.raw)?(?::(?P<format>[a-z:]+))?\}|(?P<bare>\w+))"
)


@dataclass(frozen=True)
class Target:
    """One query of one panel."""

    board: str
    panel: str
    query: dict[str, Any]

    @property
    def kind(self) -> str:
        return str(self.query["datasource"]["type"])

    def __str__(self) -> str:
        return f"{self.board}: {self.panel} {self.query['refId']}"


def targets(kind: str) -> list[Target]:
    """Return every query of the dashboards that a data source of a type is asked."""
    asked = [
        Target(name, panel["title"], query)
        for name, board in BOARDS.items()
        for panel in board["panels"]
        for query in panel.get("targets", ())
    ]
    return [target for target in asked if target.kind == kind]


def texts(value: Any) -> Iterator[str]:
    """Yield every text in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from texts(inner)


def variables_in(value: Any) -> set[str]:
    """Return the names of the variables that stand anywhere in a JSON value."""
    found = (match for text in texts(value) for match in _VARIABLE.finditer(text))
    return {match[1] or match[2] for match in found}


def filled(text: str, values: Mapping[str, str]) -> str:
    """Write variables into a text as Grafana does; unknown ones stay as they are."""

    def written(match: re.Match[str]) -> str:
        name = match["braced"] or match["bare"]
        if name not in values:
            return match[0]
        value, how = values[name], match["format"]
        if how == "doublequote":
            return '"' + value.replace('"', '\\"') + '"'
        if how == "percentencode":
            return quote(value, safe="")
        assert how in {None, "date:iso"}, f"{how} is not known to this test"
        return value

    return _WRITTEN.sub(written, text)


def infinity_request(
    base: str, query: Mapping[str, Any], values: Mapping[str, str]
) -> httpx.Request:
    """Return the request that the Infinity plugin makes of a query, without key and tenant."""
    options = query["url_options"]
    headers = {
        "Accept": "application/json;q=0.9,text/plain",
        "Accept-Encoding": "gzip",
        "x-api-key": "",
        "x-tenant": "",
    }
    body = None
    if options["method"] == "POST":
        headers["Content-Type"] = options["body_content_type"]
        body = filled(options["data"], values).encode()
    return httpx.Request(
        options["method"],
        base + filled(query["url"], values),
        params=[(pair["key"], filled(pair["value"], values)) for pair in options["params"]],
        headers=headers,
        content=body,
    )


def selected(value: Any, selector: str) -> Any:
    """Return what a selector, as `spans.count` or `examples.0.trace_id`, finds in a JSON value."""
    for step in selector.split(".") if selector else ():
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value
