"""`otel-vector reindex` and `reembed`: points and vectors made again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from otel_vector_collector.cli.options import AsJson, Config, Data, loaded

if TYPE_CHECKING:
    from otel_vector.progress import Progress
    from otel_vector.settings.config import Settings

__all__ = ["reembed", "reindex"]


def reindex(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Describe every stored block again, and make points and meanings from it.

    Ended before its end, the same command goes on with what is left.
    """
    from otel_vector_collector.cli.console import print_json

    settings = loaded(data, config).settings
    if not yes:
        typer.confirm(f"make all points of {settings.data} again?", abort=True, err=True)
    done = _worked(settings, "reindex", {})
    if as_json:
        print_json(done)
    else:
        print(f"made {done['items']:,} points in {done['partitions']} partitions again")


def reembed(
    model: Annotated[str, typer.Option("--model", metavar="NAME", help="The model to come.")],
    facet: Annotated[
        str, typer.Option("--facet", help="Only texts of this facet, as a model of its own.")
    ] = "",
    url: Annotated[
        str,
        typer.Option(
            "--url", help="An OpenAI-compatible endpoint that has the model; none for a local one."
        ),
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Give all texts vectors of another model, then answer by it.

    Ended before its end, the same command goes on where it was; until then the old model answers.
    """
    from otel_vector_collector.cli.console import print_json

    settings = loaded(data, config).settings
    if not yes:
        question = f"replace the vectors of {facet or 'all texts'} by those of {model}?"
        typer.confirm(question, abort=True, err=True)
    done = _worked(settings, "reembed", {"model": model, "facet": facet, "url": url})
    if as_json:
        print_json(done)
    else:
        refused = f", {done['refused']:,} are not taken by it" if done["refused"] else ""
        print(f"{done['texts']:,} texts have vectors of {done['model']}{refused}")


def _worked(settings: Settings, kind: str, arguments: Mapping[str, str]) -> Mapping[str, Any]:
    """Open the folder and do the work here, alone.

    Raises:
        StoreLockedError: another process has the folder open.
    """
    from otel_vector.keys.audit import LOCAL_USER
    from otel_vector.wiring.acts import kinds_recorded
    from otel_vector.wiring.upkeep import upkeep_kinds
    from otel_vector_collector.cli.connect import engine_opened
    from otel_vector_collector.cli.console import Progress

    line = Progress(kind)
    try:
        with engine_opened(settings, f"otel-vector {kind}") as engine:
            kinds = kinds_recorded(upkeep_kinds(engine), settings.data, LOCAL_USER)
            work = kinds[kind]
            return work.work(None, work.check(dict(arguments)), _told(line))
    finally:
        line.end()


def _told(line: Any) -> Progress:
    def progress(done: int, total: int | None = None, note: str = "") -> None:
        line.update({"done": f"{done:,}", "now": note}, done / total if total else None)

    return progress
