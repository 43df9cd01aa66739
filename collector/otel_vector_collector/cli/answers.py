"""Answers of a search as tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.text import Text

from otel_vector_collector.cli.console import printable, say, show, table
from otel_vector_collector.units import ago, count, duration, moment

__all__ = ["show_answer", "show_meanings", "show_spans"]

_GROUPED = (
    ("#", "right"),
    ("score", "right"),
    ("spans", "right"),
    ("errors", "right"),
    ("p50", "right"),
    ("p95", "right"),
    ("last seen", "left"),
    ("facet", "left"),
    ("meaning", "full"),
)
_LISTED = (
    ("start", "left"),
    ("service", "left"),
    ("name", "full"),
    ("duration", "right"),
    ("status", "left"),
    ("trace id", "whole"),
    ("id", "whole"),
)
_EXAMPLES = (("#", "right"), ("example", "left"), ("trace id", "whole"), ("id", "whole"))
_RECORDS = (
    ("score", "right"),
    ("collection", "whole"),
    ("key", "full"),
    ("version", "right"),
    ("text", "left"),
)
_LONGEST_TEXT = 160


def show_answer(answer: Mapping[str, Any]) -> None:
    """Print one page of an answer, grouped or not, and how to get the next."""
    if set(answer.get("searched", ())) != {"records"}:
        if "groups" in answer:
            _show_groups(answer["groups"])
        else:
            show_spans(_items(answer))
    if answer.get("records") is not None:
        _show_records(answer["records"])
    _show_rest(answer)


def show_meanings(answer: Mapping[str, Any]) -> None:
    """Print meanings in order, and whether others might belong among them."""
    _show_groups(answer["groups"])
    if answer["truncated"]:
        compared, found = count(answer["compared"]), count(answer["found"])
        say(f"only the {compared} meanings with most spans were compared, of {found}")


def show_spans(spans: list[Mapping[str, Any]]) -> None:
    """Print spans (or log records) one to a row."""
    if not spans:
        say("nothing found")
        return
    scored = any(span.get("score") is not None for span in spans)
    columns = ((("score", "right"),) if scored else ()) + _LISTED
    show(table(columns, [tuple(_listed(span, scored)) for span in spans]))


def _items(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [*answer.get("spans", ()), *answer.get("logs", ())]


def _show_groups(groups: list[Mapping[str, Any]]) -> None:
    if not groups:
        say("nothing found")
        return
    numbered = list(enumerate(groups, 1))
    show(table(_GROUPED, [tuple(_grouped(n, group)) for n, group in numbered]))
    rows = [_example(n, span) for n, group in numbered for span in group.get("examples", ())]
    if rows:
        print()
        show(table(_EXAMPLES, rows))


def _show_records(records: list[Mapping[str, Any]]) -> None:
    if not records:
        say("no records found")
        return
    print()
    show(table(_RECORDS, [tuple(_record(record)) for record in records]))


def _record(record: Mapping[str, Any]) -> Iterator[object]:
    yield _score(record.get("score"))
    yield record["collection"]
    yield record["key"]
    yield record["version"]
    yield _cut(record["text"])


def _grouped(number: int, group: Mapping[str, Any]) -> Iterator[object]:
    yield number
    spans, meaning = group.get("spans") or group.get("logs") or {}, group["meaning"]
    yield _score(group.get("score"))
    yield count(spans.get("count", 0))
    failed = spans.get("errors", 0)
    yield Text(count(failed), style="red" if failed else "")
    yield duration(int(spans.get("p50_ns") or 0))
    yield duration(int(spans.get("p95_ns") or 0))
    yield ago(int(spans.get("last_seen_unix_nano") or 0))
    yield meaning["facet"]
    yield _cut(meaning["text"])


def _example(number: int, span: Mapping[str, Any]) -> tuple[object, ...]:
    name = f"{span.get('service', '')}: {_cut(span.get('name') or span.get('body') or '')}"
    return (number, name, span.get("trace_id", ""), span["id"])


def _listed(span: Mapping[str, Any], scored: bool) -> Iterator[object]:
    if scored:
        yield _score(span.get("score"))
    yield moment(int(span.get("start_time_unix_nano") or span.get("time_unix_nano") or 0))
    yield span.get("service", "")
    yield _cut(span.get("name") or span.get("body") or "")
    yield duration(int(span["duration_nano"])) if "duration_nano" in span else ""
    status = str(span.get("status") or span.get("severity") or "")
    yield Text(printable(status), style="red" if status == "error" else "")
    yield span.get("trace_id", "")
    yield span["id"]


def _show_rest(answer: Mapping[str, Any]) -> None:
    if answer.get("pending"):
        say(f"{count(answer['pending'])} texts have no vector yet and are found by words only")
    if answer.get("next"):
        say("there is more: ask for it with --limit, or go on with the cursor that --json gives")


def _score(score: float | None) -> str:
    return "" if score is None else f"{score:.3f}"


def _cut(text: object) -> str:
    whole = printable(text)
    return whole if len(whole) <= _LONGEST_TEXT else whole[:_LONGEST_TEXT] + "…"
