"""`otel-vector health`: whether the folder is served, by exit code, for whoever watches it.

Asks what `doctor` would take seconds and a look at everything for: one request to the process
that serves the folder, by the owner's socket, so that neither a key nor TLS is in the way.
"""

from __future__ import annotations

from typing import Annotated

import typer

from otel_vector_collector.cli.options import Config, Data, loaded

__all__ = ["health"]


def health(
    ready: Annotated[
        bool, typer.Option("--ready", help="Ask whether all parts work, too, as /ready does.")
    ] = False,
    data: Data = None,
    config: Config = None,
) -> None:
    """Ask the process that serves the folder whether it answers; exit code 1 if it does not."""
    from otel_vector.errors import StoreUnavailableError
    from otel_vector_collector.cli.connect import client_of, served_at
    from otel_vector_collector.cli.console import say

    settings = loaded(data, config).settings
    served = served_at(settings.data, wait_s=0)
    if served is None:
        raise StoreUnavailableError(
            f"no process serves {settings.data}, or it is not ready yet; `otel-vector doctor` "
            "says more"
        )
    with client_of(settings, served) as client:
        client.health()
        ill = [part for part in client.ready()["parts"] if not part["ok"]] if ready else []
    for part in ill:
        say(f"{part['name']}: {part['detail']}")
    if ill:
        raise typer.Exit(1)
