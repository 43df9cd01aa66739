"""`otel-vector records`: versioned records of the folder, stored, shown, listed, deleted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import IO, Annotated, Any, Final

import typer

from otel_vector_collector.cli.options import AsJson, Config, Data, Limit, loaded

__all__ = ["app"]

app = typer.Typer(help="Versioned records, found by meaning as spans are.", no_args_is_help=True)

_AT_ONCE: Final = 1000  # records of a page, at most
_LONGEST_BODY: Final = 200
_COLUMNS: Final = (("key", "full"), ("version", "right"), ("stored", "left"), ("body", "left"))

_Collection = Annotated[str, typer.Argument(metavar="COLLECTION", help="Where they are.")]
_Key = Annotated[str, typer.Argument(metavar="KEY", help="Its name in the collection.")]


@app.command()
def put(
    collection: _Collection,
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A record on each line as JSON; - for stdin.")
    ],
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Store records, each as the latest version of its key; exit code 1 if one was refused."""
    from otel_vector_collector.cli.connect import connected
    from otel_vector_collector.cli.console import json_text, say

    counts: dict[str, int] = {}
    settings = loaded(data, config).settings
    with _lines(file) as lines, connected(settings) as client:
        for answer in client.put_records(collection, _told(lines)):
            status = answer.get("status") or "refused"
            counts[status] = counts.get(status, 0) + 1
            if as_json:
                print(json_text(answer))
            elif error := answer.get("error"):
                named = f" ({answer['key']})" if answer["key"] else ""
                say(f"record {answer['line']}{named}: {error['detail']}")
    if not as_json:
        told = ", ".join(f"{count:,} {status}" for status, count in sorted(counts.items()))
        say(told or "no records")
    if "refused" in counts:
        raise typer.Exit(1)


@app.command()
def get(
    collection: _Collection,
    key: _Key,
    version: Annotated[
        int | None, typer.Option("--version", min=1, help="This one, not the latest.")
    ] = None,
    versions: Annotated[bool, typer.Option("--versions", help="All of them.")] = False,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show a record."""
    from otel_vector_collector.cli.connect import connected
    from otel_vector_collector.cli.console import print_json
    from otel_vector_collector.cli.details import lines

    if versions and version is not None:
        raise typer.BadParameter("name one version, or ask for all with --versions")
    with connected(loaded(data, config).settings) as client:
        found: Mapping[str, Any] = (
            client.record_versions(collection, key)
            if versions
            else client.record(collection, key, version)
        )
    if as_json:
        print_json(found)
    else:
        print("\n".join(lines(found)))


@app.command("list")
def list_records(
    collection: Annotated[
        str | None, typer.Argument(metavar="COLLECTION", help="Which; else the collections.")
    ] = None,
    limit: Limit = 100,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """List the records of a collection by key, or the collections."""
    from otel_vector_collector.cli.connect import connected
    from otel_vector_collector.cli.console import print_json, say, show, table

    with connected(loaded(data, config).settings) as client:
        rows: Sequence[Mapping[str, Any]] = (
            client.collections()["collections"]
            if collection is None
            else list(islice(client.records_all(collection, min(limit, _AT_ONCE)), limit))
        )
    if as_json:
        print_json(rows)
    elif not rows:
        say("no records")
    elif collection is None:
        columns = (("collection", "full"), ("records", "right"))
        show(table(columns, [(row["collection"], row["records"]) for row in rows]))
    else:
        show(table(_COLUMNS, [_row(record) for record in rows]))


@app.command()
def delete(
    collection: _Collection,
    key: _Key,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data: Data = None,
    config: Config = None,
) -> None:
    """Delete a record with all its versions."""
    from otel_vector_collector.cli.connect import connected
    from otel_vector_collector.cli.console import say

    with connected(loaded(data, config).settings) as client:
        count = len(client.record_versions(collection, key)["versions"])
        if not yes:
            typer.confirm(
                f"delete {key!r} of {collection!r} with {count} versions?", abort=True, err=True
            )
        client.delete_record(collection, key)
    say(f"deleted, with {count} versions")


@contextmanager
def _lines(file: str) -> Iterator[IO[bytes]]:
    """Open a file, or take stdin.

    Raises:
        InvalidInputError: it cannot be read.
    """
    import sys

    from otel_vector.errors import InvalidInputError

    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        opened = open(file, "rb")  # noqa: SIM115, PTH123 -- closed below
    except OSError as error:
        raise InvalidInputError(f"{file} cannot be read: {error.strerror}") from error
    with opened:
        yield opened


def _told(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield lines, telling now and then how many they are."""
    from otel_vector_collector.cli.console import Progress

    progress = Progress("storing")
    for number, line in enumerate(lines, 1):
        yield line
        progress.update({"records": f"{number:,}"})
    progress.end()


def _row(record: Mapping[str, Any]) -> tuple[object, ...]:
    from otel_vector_collector.cli.console import json_text
    from otel_vector_collector.units import ago

    body = json_text(record["body"])
    shown = body if len(body) <= _LONGEST_BODY else body[:_LONGEST_BODY] + "…"
    return record["key"], record["version"], ago(int(record["created_unix_nano"])), shown
