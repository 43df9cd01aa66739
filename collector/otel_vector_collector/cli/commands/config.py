"""`otel-vector config`: what is in force, and where it comes from."""

from __future__ import annotations

from otel_vector_collector.cli.options import AsJson, Config, Data, loaded

__all__ = ["config"]

_HIDDEN = "(hidden)"


def config(data: Data = None, config: Config = None, as_json: AsJson = False) -> None:
    """Print the settings in force and where each comes from; secrets are hidden."""
    from otel_vector.settings.schema import entries, value_at
    from otel_vector.settings.values import written
    from otel_vector_collector.cli.console import print_json, show, table

    found = loaded(data, config)
    shown = {
        path: {
            "value": _HIDDEN
            if entry.secret and value_at(found.settings, path)
            else written(value_at(found.settings, path)),
            "origin": found.origins[path],
        }
        for path, entry in entries().items()
    }
    if as_json:
        print_json(shown)
        return
    columns = (("setting", "left"), ("value", "full"), ("comes from", "full"))
    rows = [(path, _text(facts["value"]), facts["origin"]) for path, facts in shown.items()]
    show(table(columns, rows))


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(value)
