"""A TraceQL query finds the spans that reading its conditions one by one finds.

Random spans and random queries from a small vocabulary, so that they meet. The reading here knows
nothing of the parser, the filters or the evaluation: queries are made as values and written out.
"""

import json
import operator
import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.world import World

from otel_vector.spans.conventions import family
from otel_vector.spans.matching import matches
from otel_vector.spans.values import plain
from otel_vector.testing.builders import T0_NS, TENANT, Event, Link, SpanRow, item_of
from otel_vector_collector.tempo.parameters import Asked, Window
from otel_vector_collector.tempo.search import question_of
from otel_vector_collector.tempo.traceql.covering import covering
from otel_vector_collector.tempo.traceql.parser import parse

KEYS = ("http.status_code", "http.response.status_code", "a b", "a b", "a b", "service.name")
VALUES = (
    "500",
    500,
    500.0,
    0.5,
    True,
    "gold",
    ["gold", 500, [0]],
    ["shop"],
    b"gold",
    {"a": 1},
    None,
)
SCOPES = ("", "", "span", "span", "resource", "event", "link", "instrumentation")
TEXTS = ("500", "gold", "shop", "true", 'é"\\`')
NAMES = ("GET /cart", "GET /orders/9", "", 'é"\\`')
PATTERNS = ("500|gold", "go.*", ".*declined.*", "GET /(cart|x)", "[a-z]+", "", "sho?p", "G.*|x")
NUMBERS = (500, 500.0, 0.5, -1)
DURATIONS = ("0ns", "1ns", "1ms", "1000001ns", "0.999999ms", "1.5s", "17m")
UNITS = {"ns": 1, "ms": 10**6, "s": 10**9, "m": 60 * 10**9}
STATUSES = ("unset", "ok", "error")
KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
ORDERS = {"=": operator.eq, ">": operator.gt, ">=": operator.ge,
          "<": operator.lt, "<=": operator.le}  # fmt: skip
EQUALITY = ("=", "!=")
INTRINSICS_OF_TEXT = {
    "name": NAMES,
    "span:name": NAMES,
    "rootName": NAMES,
    "trace:rootName": NAMES,
    "rootServiceName": ("shop", "cart"),
    "statusMessage": ("card declined", ""),
    "event:name": ("gold", "x"),
    "instrumentation:name": ("library", "lib"),
    "span:id": (f"{1:016x}", "2"),
    "span:parentID": ("1",),
    "trace:id": ("1", f"{2:032x}"),
    "link:traceID": ("1", "3"),
    "link:spanID": ("2",),
}
DIGITS = {
    "span:id": 16,
    "span:parentID": 16,
    "trace:id": 32,
    "link:traceID": 32,
    "link:spanID": 16,
}
INTRINSIC_DURATIONS = ("duration", "span:duration", "traceDuration", "trace:duration")


def quoted(text):
    as_raw = "`" not in text and len(text) % 2
    return f"`{text}`" if as_raw else json.dumps(text, ensure_ascii=False)


def attribute(scope, key):
    return f"{scope}." + (f'"{key}"' if " " in key else key)


ATTRIBUTES = st.builds(lambda *of: ("attribute", *of), st.sampled_from(SCOPES),
                       st.sampled_from(KEYS))  # fmt: skip


def condition(field, op, written, meant):
    return ("compare", field, op, written, meant)


def on_attributes():
    def text(field, op, value):
        return condition(field, op, quoted(value), value)

    def number(field, op, value):
        return condition(field, op, repr(value), value)

    def truth(field, op, value):
        return condition(field, op, str(value).lower(), value)

    ops = (*ORDERS, "!=")
    return st.one_of(
        st.builds(text, ATTRIBUTES, st.sampled_from(ops), st.sampled_from(TEXTS)),
        st.builds(text, ATTRIBUTES, st.sampled_from(["=~", "!~"]), st.sampled_from(PATTERNS)),
        st.builds(number, ATTRIBUTES, st.sampled_from(ops), st.sampled_from(NUMBERS)),
        st.builds(truth, ATTRIBUTES, st.sampled_from(EQUALITY), st.booleans()),
        st.builds(lambda *of: ("nil", *of), ATTRIBUTES, st.sampled_from(EQUALITY)),
    )


def on_intrinsics():
    def text(name, op, value):
        whole = value.rjust(DIGITS[name], "0") if name in DIGITS else value
        return condition(("intrinsic", name), op, quoted(value), whole)

    def texts(name):
        values = st.sampled_from(INTRINSICS_OF_TEXT[name])
        return st.builds(text, st.just(name), st.sampled_from((*ORDERS, "!=")), values)

    def pattern(name, op, value):
        return condition(("intrinsic", name), op, quoted(value), value)

    def length(name, op, value):
        number, unit = re.fullmatch(r"([0-9.]+)([a-z]+)", value).groups()
        return condition(("intrinsic", name), op, value, round(float(number) * UNITS[unit]))

    def word(name, op, value):
        return condition(("intrinsic", name), op, value, value)

    plain_texts = [name for name in INTRINSICS_OF_TEXT if name not in DIGITS]
    regexes = st.sampled_from(["=~", "!~"])
    equality = st.sampled_from(EQUALITY)
    names = st.sampled_from([*INTRINSICS_OF_TEXT, "duration", "kind"])
    return st.one_of(
        st.sampled_from(list(INTRINSICS_OF_TEXT)).flatmap(texts),
        st.builds(pattern, st.sampled_from(plain_texts), regexes, st.sampled_from(PATTERNS)),
        st.builds(length, st.sampled_from(INTRINSIC_DURATIONS),
                  st.sampled_from((*ORDERS, "!=")), st.sampled_from(DURATIONS)),
        st.builds(word, st.sampled_from(["status", "span:status"]), equality,
                  st.sampled_from(STATUSES)),
        st.builds(word, st.sampled_from(["kind", "span:kind"]), equality, st.sampled_from(KINDS)),
        st.builds(length, st.just("event:timeSinceStart"), st.sampled_from(["<", ">="]),
                  st.sampled_from(DURATIONS)),
        st.builds(lambda n, op, v: condition(("intrinsic", n), op, str(v), v),
                  st.just("span:childCount"), st.sampled_from(list(ORDERS)), st.integers(0, 2)),
        st.builds(lambda name, op: ("nil", ("intrinsic", name), op), names, equality),
    )  # fmt: skip


def rows():
    held = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES), min_size=1, max_size=3)
    own = held.map(lambda values: {k: v for k, v in values.items() if k != "service.name"})
    runs = st.sampled_from([{}, {}, {}, {"otel_vector.run.kind": "replay"}])
    events = st.builds(Event, st.sampled_from(["gold", "x"]), held)
    return st.builds(
        SpanRow,
        name=st.sampled_from(NAMES),
        service=st.sampled_from(["shop", "gold", ""]),
        trace=st.integers(1, 3),
        span=st.integers(1, 3),
        parent=st.integers(0, 2),
        start_ns=st.sampled_from([T0_NS, T0_NS + 1, T0_NS + 10**6]),
        duration_ns=st.sampled_from([-1, 0, 1, 999_999, 1_000_000, 1_000_001, 10**12]),
        kind=st.integers(0, 5),
        status=st.integers(0, 2),
        status_message=st.sampled_from(["", "card declined", "gold"]),
        attributes=st.builds(operator.or_, held, runs),
        resource=own,
        scope_attributes=held,
        events=st.lists(events, max_size=2).map(tuple),
        links=st.lists(
            st.builds(Link, st.integers(1, 3), st.integers(1, 3), held), max_size=1
        ).map(tuple),
    )


def queries():
    return st.recursive(
        st.one_of(on_attributes(), on_attributes(), on_intrinsics()),
        lambda inner: st.one_of(
            st.builds(lambda *of: ("&&", of), inner, inner),
            st.builds(lambda *of: ("||", of), inner, inner),
        ),
        max_leaves=4,
    )


def written(query):
    match query:
        case ("compare", field, op, value, _):
            return f"{written_field(field)} {op} {value}"
        case ("nil", field, op):
            return f"{written_field(field)}{op}nil"
        case (op, parts):
            return f" {op} ".join(f"({written(part)})" for part in parts)


def written_field(field):
    return attribute(*field[1:]) if field[0] == "attribute" else field[1]


def holds(query, item, trace):
    match query:
        case ("nil", field, op):
            return bool(list(read(field, item, trace))) is (op == "!=")
        case ("compare", field, op, _, value):
            return compares(list(elements(read(field, item, trace))), op, value)
        case ("&&", parts):
            return all(holds(part, item, trace) for part in parts)
        case ("||", parts):
            return any(holds(part, item, trace) for part in parts)


def compares(values, op, wanted):
    values = [v for v in values if kind_of(v) == kind_of(wanted)]
    if op in {"!=", "!~"}:
        return bool(values) and not compares(values, {"!=": "=", "!~": "=~"}[op], wanted)
    if op == "=~":
        return any(re.fullmatch(wanted, value, re.DOTALL) for value in values)
    return any(ORDERS[op](value, wanted) for value in values)


def kind_of(value):
    if isinstance(value, bool):
        return "truth"
    return "number" if isinstance(value, int | float) else type(value).__name__


def elements(values):
    for value in values:
        if isinstance(value, list):
            yield from elements(value)
        else:
            yield value


def read(field, item, trace):
    if field[0] == "intrinsic":
        return intrinsic(field[1], item, trace)
    _, scope, key = field
    if key == "service.name" and scope in {"", "resource"}:
        return [item.service] if item.service else []
    names = family(key)
    return [typed(a.value) for a in own(scope, item) if a.key in names]


def typed(value):
    """Return a value as Python has it; bytes are no text."""
    return value.bytes_value if value.WhichOneof("value") == "bytes_value" else plain(value)


def own(scope, item):
    span = item.message
    places = {
        "span": span.attributes,
        "resource": item.resource.resource.attributes,
        "instrumentation": item.scope.scope.attributes,
        "event": [a for event in span.events for a in event.attributes],
        "link": [a for link in span.links for a in link.attributes],
    }
    return places[scope] if scope else [a for place in places.values() for a in place]


def intrinsic(name, item, trace):
    span = item.message
    roots = sorted(
        (i for i in trace if not i.message.parent_span_id), key=lambda i: (i.start_ns, i.id)
    )
    trace_ns = max(i.end_ns for i in trace) - min(i.start_ns for i in trace)
    values = {
        "name": [span.name],
        "duration": [max(0, item.end_ns - item.start_ns)],
        "status": [STATUSES[span.status.code]],
        "kind": [KINDS[span.kind]],
        "statusMessage": [span.status.message],
        "rootName": [roots[0].name] if roots and roots[0].name else [],
        "rootServiceName": [roots[0].service] if roots and roots[0].service else [],
        "traceDuration": [max(0, trace_ns)],
        "event:name": [event.name for event in span.events],
        "event:timeSinceStart": [
            max(0, e.time_unix_nano - span.start_time_unix_nano) for e in span.events
        ],
        "instrumentation:name": [item.scope.scope.name],
        "span:id": [span.span_id.hex()],
        "span:parentID": [span.parent_span_id.hex()] if span.parent_span_id else [],
        "span:childCount": [sum(i.message.parent_span_id == span.span_id for i in trace)],
        "trace:id": [span.trace_id.hex()],
        "link:traceID": [link.trace_id.hex() for link in span.links],
        "link:spanID": [link.span_id.hex() for link in span.links],
    }
    values["trace:rootName"], values["trace:duration"] = (
        values["rootName"],
        values["traceDuration"],
    )
    return values.get(name) if name in values else values[name.removeprefix("span:")]


@given(st.lists(rows(), min_size=1, max_size=12), st.lists(queries(), min_size=8, max_size=16))
@settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_a_query_finds_what_its_conditions_hold_of(spans, asked):
    world = World(without_embedder=True)
    world.write(spans)
    items = {item.id: item for item in map(item_of, spans)}
    for query in asked:
        expected = {
            item.id
            for item in items.values()
            if item.run == "live" and holds(query, item, trace_of(item, items.values()))
        }
        text = "{" + written(query) + "}"
        question = question_of(Asked(parse(text), Window(), 100, 3))
        found = list(world.services.finding.traces(TENANT, question))
        assert {span for trace in found for span in trace.matched} == expected, text
        covers = covering(parse(text))
        assert covers is None or all(matches(covers, items[i]) for i in expected), text


def trace_of(item, items):
    return [other for other in items if other.trace_hex == item.trace_hex]
