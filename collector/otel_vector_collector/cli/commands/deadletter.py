"""`otel-vector deadletter`: deliveries that could not be stored by a fault of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from otel_vector_collector.cli.options import AsJson, Config, Data, Limit, loaded

if TYPE_CHECKING:
    from otel_vector.inbox.contract import DeadLetter, DeadLetters

__all__ = ["app"]

app = typer.Typer(
    help="Deliveries that could not be stored by a fault of ours.", no_args_is_help=True
)

_Ids = Annotated[list[int] | None, typer.Argument(metavar="ID…", help="Their numbers.")]
_All = Annotated[bool, typer.Option("--all", help="All of them.")]
_AT_ONCE = 100_000


@app.command("list")
def list_letters(
    limit: Limit = 100, data: Data = None, config: Config = None, as_json: AsJson = False
) -> None:
    """List them, newest first."""
    from otel_vector_collector.cli.console import print_json, say, show, table
    from otel_vector_collector.units import ago

    with _letters(data, config) as letters:
        found = letters.list(limit)
    if as_json:
        print_json([_facts(letter) for letter in found])
    elif not found:
        say("no dead letters")
    else:
        columns = (("id", "right"), ("died", "left"), ("tries", "right"), ("holds", "left"))
        rows = [
            (one.id, ago(one.died_ns), one.attempt, one.envelope.signal, one.reason)
            for one in found
        ]
        show(table((*columns, ("why", "full")), rows))


@app.command()
def show(
    letter_id: Annotated[int, typer.Argument(metavar="ID", help="Its number.")],
    raw: Annotated[bool, typer.Option("--raw", help="Write its body to stdout, as sent.")] = False,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show one; its body is as it was sent, before redaction."""
    import sys

    from otel_vector_collector.cli.console import print_json
    from otel_vector_collector.cli.details import lines

    with _letters(data, config) as letters:
        letter = letters.show(letter_id)
    if raw:
        sys.stdout.buffer.write(letter.envelope.body)
    elif as_json:
        print_json(_facts(letter))
    else:
        print("\n".join(lines(_facts(letter))))


@app.command()
def retry(ids: _Ids = None, every: _All = False, data: Data = None, config: Config = None) -> None:
    """Put them back into the inbox."""
    from otel_vector_collector.cli.console import say

    _check(ids, every)
    with _letters(data, config) as letters:
        done = letters.retry(_chosen(letters, ids))
    say(f"{done} put back into the inbox")
    _require_all(done, ids or [])


@app.command()
def drop(ids: _Ids = None, every: _All = False, data: Data = None, config: Config = None) -> None:
    """Delete them for good."""
    from otel_vector.keys.audit import Act, AuditLog
    from otel_vector_collector.cli.console import say

    _check(ids, every)
    with _letters(data, config) as letters:
        dropped = letters.drop(_chosen(letters, ids))
    log = AuditLog(loaded(data, config).settings.data)
    log.record(Act("deadletters.drop", counts={"deadletters": dropped}))
    say(f"{dropped} deleted")
    _require_all(dropped, ids or [])


def _require_all(done: int, named: list[int]) -> None:
    from otel_vector.errors import NotFoundError

    missing = len(set(named)) - done
    if missing > 0:
        raise NotFoundError(
            f"{missing} of these numbers are of no dead letter; `otel-vector deadletter list` "
            "names those there are"
        )


def _check(ids: list[int] | None, every: bool) -> None:
    if bool(ids) == every:
        raise typer.BadParameter("name their numbers, or all of them with --all")


def _chosen(letters: DeadLetters, ids: list[int] | None) -> list[int]:
    return ids or [letter.id for letter in letters.list(_AT_ONCE)]


@contextmanager
def _letters(data: Data, config: Config) -> Iterator[DeadLetters]:
    """Open the folder's dead letters; other processes may use the inbox meanwhile."""
    from otel_vector.errors import ConfigError
    from otel_vector.wiring import open_inbox

    settings = loaded(data, config).settings
    if not settings.data.is_dir():
        raise ConfigError(f"there is no data folder {settings.data}: name one with --data")
    inbox = open_inbox(settings)
    try:
        yield inbox
    finally:
        inbox.close()


def _facts(letter: DeadLetter) -> dict[str, Any]:
    envelope = letter.envelope
    facts: dict[str, Any] = {
        "id": letter.id,
        "reason": letter.reason,
        "died_unix_nano": str(letter.died_ns),
        "attempt": letter.attempt,
        "tenant": envelope.tenant,
        "signal": envelope.signal,
        "content_type": envelope.content_type,
        "encoding": envelope.encoding,
        "received_unix_nano": str(envelope.received_ns),
    }
    return facts | ({"body_bytes": len(envelope.body)} if envelope.body else {})
