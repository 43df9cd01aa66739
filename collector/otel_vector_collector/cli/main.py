"""The command line's entry: its commands, and what becomes of an error.

An error is one sentence on stderr and exit code 1, a wrong argument exit code 2, and no
traceback unless `--debug` is given. Whatever is heavy is imported by the command that needs it.
"""

from __future__ import annotations

import logging
import sys
from typing import Annotated, Final

import typer

from otel_vector.errors import OtelVectorError
from otel_vector_collector.cli.commands import (
    audit,
    backup,
    catalog,
    config,
    deadletter,
    delete,
    doctor,
    export,
    health,
    imports,
    jobs,
    keys,
    migrate,
    rebuilding,
    records,
    restore,
    search,
    serve,
    stats,
    tail,
    traces,
    version,
)

__all__ = ["app", "main"]

_DEBUG: Final = "--debug"
_INTERRUPTED: Final = 130

app = typer.Typer(
    name="otel-vector",
    help="Keeps OpenTelemetry spans and finds them by meaning.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def options(
    debug: Annotated[bool, typer.Option(_DEBUG, help="Show where an error comes from.")] = False,
) -> None:
    """Keeps OpenTelemetry spans and finds them by meaning."""


app.command()(serve.serve)
app.command()(search.search)
app.command()(search.similar)
app.command()(traces.trace)
app.command()(traces.span)
app.command()(stats.stats)
app.command()(tail.tail)
app.command()(catalog.services)
app.command()(catalog.operations)
app.command()(catalog.meanings)
app.command("import")(imports.import_files)
app.command()(export.export)
app.command()(delete.delete)
app.command()(migrate.migrate)
app.command()(rebuilding.reindex)
app.command()(rebuilding.reembed)
app.add_typer(jobs.app, name="jobs")
app.command()(backup.backup)
app.command()(restore.restore)
app.add_typer(deadletter.app, name="deadletter")
app.add_typer(keys.app, name="keys")
app.command()(audit.audit)
app.add_typer(records.app, name="records")
app.command()(doctor.doctor)
app.command()(health.health)
app.command()(config.config)
app.command()(version.version)


def main() -> None:
    """Run the command line."""
    if _DEBUG in sys.argv[1:]:
        app()
        return
    # What went wrong is told once, as a sentence; `serve` sets up the log it needs.
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        app()
    except OtelVectorError as error:
        _leave(str(error), 1)
    except KeyboardInterrupt:
        _leave("interrupted", _INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 -- the last resort, told rather than swallowed
        kind = type(error).__name__
        _leave(f"internal error: {kind}: {error} (run `otel-vector --debug …` to see where)", 1)


def _leave(sentence: str, code: int) -> None:
    from otel_vector_collector.cli.console import say

    say(f"otel-vector: {sentence}")
    sys.exit(code)
