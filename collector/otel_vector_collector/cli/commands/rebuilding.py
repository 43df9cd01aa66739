"""`otel-vector reindex` and `reembed`: points and vectors made again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from otel_vector_collector.cli.options import AsJson, Config, Data, loaded

if TYPE_CHECKING:
    from otel_vector.settings.config import EmbedConfig

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
    from otel_vector_collector.cli.working import work

    settings = loaded(data, config).settings
    if not yes:
        typer.confirm(f"make all points of {settings.data} again?", abort=True, err=True)
    done = work(settings, "reindex", None, {}).result or {}
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
    from otel_vector_collector.cli.working import work

    settings = loaded(data, config).settings
    if not yes:
        question = f"replace the vectors of {facet or 'all texts'} by those of {model}?"
        typer.confirm(question, abort=True, err=True)
    done = work(settings, "reembed", None, _given(model=model, facet=facet, url=url)).result or {}
    if as_json:
        print_json(done)
    else:
        refused = f", {done['refused']:,} are not taken by it" if done["refused"] else ""
        print(f"{done['texts']:,} texts have vectors of {done['model']}{refused}")
        if not facet:
            _tell_settings(settings.embed, str(done["model"]), url)


def _tell_settings(config: EmbedConfig, model: str, url: str) -> None:
    """Say what has to be set before the store is opened again, where something has to."""
    from otel_vector.jobs.contract import NO_URL
    from otel_vector_collector.cli.console import say

    to_set = []
    if url and url not in {NO_URL, config.url}:
        to_set = [f"embed.url = {url}", "embed.api_key if it takes one"]
    elif url == NO_URL and config.url:
        to_set = ["no embed.url"]
    if (to_set and url != NO_URL) or (config.model and config.model != model):
        to_set.insert(0, f"embed.model = {model}")
    if to_set:
        say(f"before the next start or command, set {', '.join(to_set)}")


def _given(**texts: str) -> dict[str, str]:
    """Return the arguments that are not empty."""
    return {name: text for name, text in texts.items() if text}
