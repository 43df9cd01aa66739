"""`otel-vector serve`."""

from __future__ import annotations

from typing import Annotated

import typer

from otel_vector_collector.cli.options import Config, Data, loaded

__all__ = ["serve"]


def serve(
    data: Data = None,
    config: Config = None,
    otlp_grpc: Annotated[
        str | None,
        typer.Option(
            "--otlp-grpc", metavar="HOST:PORT", help="The OTLP gRPC door; `off` closes it."
        ),
    ] = None,
    otlp_http: Annotated[
        str | None,
        typer.Option(
            "--otlp-http", metavar="HOST:PORT", help="The OTLP HTTP door; `off` closes it."
        ),
    ] = None,
    jaeger_grpc: Annotated[
        str | None,
        typer.Option(
            "--jaeger-grpc", metavar="HOST:PORT", help="Jaeger's remote storage; `off` closes it."
        ),
    ] = None,
    api: Annotated[
        str | None, typer.Option("--api", metavar="HOST:PORT", help="The HTTP API.")
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            "--store", metavar="URL", help="A Qdrant server's gRPC port, http://host:6334."
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Any setting; may be repeated."),
    ] = None,
) -> None:
    """Take OTLP and answer questions until stopped; port 0 takes a free one."""
    from otel_vector_collector.serve.run import serve as run

    options = {
        "serve.otlp_grpc": otlp_grpc,
        "serve.otlp_http": otlp_http,
        "serve.jaeger_grpc": jaeger_grpc,
        "serve.api": api,
        "store.url": store,
    }
    given = {name: value for name, value in options.items() if value is not None}
    flags = {**_pairs(set_ or []), **given}
    run(loaded(data, config, **flags).settings)


def _pairs(texts: list[str]) -> dict[str, str]:
    pairs = (text.partition("=") for text in texts)
    return {name.strip(): value for name, _, value in pairs}
