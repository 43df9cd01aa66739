"""Options that several commands share, and the settings they lead to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from otel_vector.settings.load import Loaded

__all__ = ["AsJson", "Config", "Data", "Filter", "Limit", "Since", "Until", "loaded"]

Data = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="The data folder.", show_default=False)
]
Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="A TOML file of settings.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Filter = Annotated[
    str | None,
    typer.Option("--filter", help="Only what matches, in the query language or as JSON."),
]
Since = Annotated[
    str | None,
    typer.Option("--since", help="From then on: RFC 3339, nanoseconds, or 15m, 2h, 7d."),
]
Until = Annotated[str | None, typer.Option("--until", help="Before then.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="How many at most.")]


def loaded(data: Path | None, config: Path | None, **flags: Any) -> Loaded:
    """Return the settings in force under these options.

    Raises:
        ConfigError: something is wrong with them.
    """
    from otel_vector.settings.load import load

    return load({"data": data and str(data), **flags}, config=config)
