"""A trace is drawn whole, whatever its parents say."""

from otel_vector_collector.cli.console import show
from otel_vector_collector.cli.waterfall import rows, title, waterfall


def span(span_id, parent="", start=0, length=10, **more):
    return {
        "trace_id": "t" * 32,
        "span_id": span_id,
        "parent_span_id": parent,
        "service": "shop",
        "name": f"name-{span_id}",
        "status": "unset",
        "start_time_unix_nano": str(1_000_000 + start),
        "duration_nano": str(length),
        **more,
    }


def names(tree):
    return [row.lead + row.span["span_id"] for row in tree]


def test_children_stand_below_their_parent_by_start():
    tree = rows([span("c", "a", 5), span("b", "a", 2), span("d", "b", 3), span("a", length=100)])
    assert names(tree) == ["a", "├ b", "│ └ d", "└ c"]


def test_orphans_rings_and_doubles_are_not_lost():
    spans = [
        span("a"),
        span("orphan", "gone", 1),
        span("r1", "r2", 2),
        span("r2", "r1", 3),
        span("self", "self", 4),
        span("a", start=9),
    ]
    tree = rows(spans)
    assert sorted(id(row.span) for row in tree) == sorted(map(id, spans))


def test_a_very_deep_trace_is_drawn(capsys):
    spans = [span(str(n), str(n - 1) if n else "", n) for n in range(5000)]
    tree = rows(spans)
    assert len(tree) == 5000
    show(waterfall(tree[:3000]))
    assert capsys.readouterr().out.count("\n") == 3001


def test_log_records_are_counted_at_their_span():
    tree = rows([span("a"), span("b", "a")], [{"span_id": "b"}, {"span_id": "b"}, {}])
    assert [row.logs for row in tree] == [0, 2]


def test_failures_are_marked_and_bars_lie_on_the_scale(capsys):
    spans = [
        span("a", length=1000),
        span("b", "a", 500, 500, status="error"),
        span("c", "a", 999, 0),
    ]
    show(waterfall(rows(spans)))
    first, *drawn = capsys.readouterr().out.splitlines()
    assert "0 … 1 µs" in first
    assert drawn[0].count("█") == 36
    assert drawn[1].count("█") == 18
    assert "name-b ✗" in drawn[1]
    assert "▏" in drawn[2]
    assert title(spans).endswith(
        "3 spans of 1 service, 1 failed, 1 µs, from 1970-01-01 00:00:00.001Z"
    )


def test_nothing_stored_moves_the_cursor(capsys):
    nasty = span("a\x1b[2J", name="n\x1b]0;x\x07", service="s\r")
    print(title([nasty]))
    show(waterfall(rows([nasty])))
    assert "\x1b" not in capsys.readouterr().out
