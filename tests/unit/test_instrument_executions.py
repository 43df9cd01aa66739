"""Executions and functions are found as applications ask for them, by HTTP and in one process."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.searching import asking, find, numbers
from support.world import World, at

from otel_vector.describe.functions import function_body
from otel_vector.errors import InvalidInputError
from otel_vector.instrument.asking import Embedded
from otel_vector.instrument.definitions import functions_about
from otel_vector.instrument.executions import Executions, Wish
from otel_vector.instrument.ordered import Order
from otel_vector.spans.functions import FunctionRecord
from otel_vector.spans.meanings import Facet
from otel_vector.testing.builders import TENANT, SpanRow

MS = 1_000_000


def call(name, number, *, ends, lasts=1.0, run=None, error="", **values):
    """Return a span of a decorated function; times in seconds after the start of the world."""
    attributes = {"code.function.name": f"shop.{name}", **values}
    if run:
        attributes["otel_vector.run.kind"] = run
    if error:
        attributes |= {"otel_vector.error.code": error, "error.type": "builtins.ValueError"}
    return SpanRow(
        name=name,
        trace=number,
        span=number,
        start_ns=at(ends - lasts),
        duration_ns=round(lasts * 1000) * MS,
        status=2 if error else 0,
        attributes=attributes,
        means=((Facet.ERROR, f"{error}: the card was declined"),) if error else (),
    )


CALLS = [
    call("pay", 1, ends=10, lasts=9, **{"otel_vector.tag.team": "billing", "otel_vector.argument.amount": 30}),
    call("Cart.pay", 2, ends=5, **{"otel_vector.tag.team": "cart", "otel_vector.argument.status": "odd"}),
    call("pay_all", 3, ends=20, lasts=2, error="CARD", **{"otel_vector.argument.amount": 50}),
    call("load", 4, ends=7, lasts=0.5, **{"otel_vector.tag.priority": 1, "otel_vector.argument.team": "x", "otel_vector.tag.team": "y"}),
    call("load", 5, ends=8, run="test", **{"input.value": '{"order":"A-7"}', "output.value": '{"paid":true}'}),
    SpanRow(name="GET /pay", trace=6, span=6, start_ns=at(6), duration_ns=MS, parent=3),
]  # fmt: skip


@pytest.fixture(params=["embedded", "collector"])
def asked(request):
    world = World()
    world.write(CALLS)
    yield from asking(request.param, world)


@pytest.fixture(params=["embedded", "collector"])
def of_nothing(request):
    yield from asking(request.param, World())


def test_the_latest_to_end_come_first(asked):
    assert numbers(find(asked)) == [3, 1, 4, 6, 2]
    assert numbers(find(asked, limit=2)) == [3, 1]


def test_a_row_tells_all_of_a_call(asked):
    (row,) = find(asked, filters={"trace_id": f"{3:032x}"})
    assert row == {
        "uuid": row["uuid"],
        "trace_id": f"{3:032x}",
        "span_id": f"{3:016x}",
        "parent_span_id": None,
        "service_name": "shop",
        "function_name": "pay_all",
        "function_uuid": "shop/shop.pay_all",
        "timestamp_utc": datetime.fromtimestamp(at(20) / 1e9, UTC).isoformat(
            timespec="microseconds"
        ),
        "duration_ms": 2000.0,
        "status": "ERROR",
        "error_code": "CARD",
        "error_message": row["error_message"],
        "input_value": None,
        "return_value": None,
        "exec_source": "REALTIME",
        "amount": 50,
    }
    assert asked.span(row["uuid"])["span_id"] == row["span_id"]


def test_a_name_that_is_taken_stands_under_its_attribute(asked):
    (cart,) = find(asked, filters={"team": "cart"})
    assert (cart["status"], cart["otel_vector.argument.status"]) == ("SUCCESS", "odd")
    (both,) = find(asked, filters={"otel_vector.tag.team": "y"})
    assert (both["team"], both["otel_vector.tag.team"]) == ("x", "y")


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"function_name": "pay"}, [1, 2]),
        ({"function_name": "GET /pay"}, [6]),
        ({"function_name__like": "pay*"}, [3, 1, 2]),
        ({"function_name__not_equal": ["pay", "load"]}, [3, 6]),
        ({"function_uuid": "shop/shop.pay_all"}, [3]),
        ({"status": "ERROR"}, [3]),
        ({"status": "SUCCESS", "team": ["cart", "billing"]}, [1, 2]),
        ({"error_code": "CARD"}, [3]),
        ({"error_code": None, "amount__gte": 1}, [1]),
        ({"amount__gt": 30}, [3]),
        ({"amount__lte": 30}, [1]),
        ({"priority": 1}, [4]),
        ({"duration_ms__gte": 2000}, [3, 1]),
        ({"duration_ms__lt": 500}, [6]),
        ({"parent_span_id": None, "function_name": "load"}, [4]),
        ({"parent_span_id__not_equal": None}, [6]),
        ({"span_id": f"{2:016x}"}, [2]),
        ({"trace_id": [f"{1:032x}", f"{6:032x}"]}, [1, 6]),
        ({"trace_id": []}, []),
        ({"exec_source": "TEST"}, [5]),
        ({"exec_source": ["TEST", "REALTIME"], "function_name": "load"}, [5, 4]),
        ({"exec_source__not_equal": "REALTIME"}, [5]),
    ],
)  # fmt: skip
def test_filters_narrow_down(asked, filters, found):
    assert numbers(find(asked, filters=filters)) == found


@pytest.mark.parametrize(
    "filters", [{"input_value__like": '*"order":"A-?"*'}, {"return_value": '{"paid":true}'}]
)
def test_what_a_call_was_given_and_gave_is_in_its_row_and_found_by_it(asked, filters):
    (row,) = find(asked, filters={**filters, "exec_source": "TEST"})
    assert (row["input_value"], row["return_value"]) == ('{"order":"A-7"}', '{"paid":true}')


@pytest.mark.parametrize("name", ["trace_id", "span_id", "uuid"])
def test_ids_are_found_in_upper_case(asked, name):
    (row, *_) = find(asked)
    assert find(asked, filters={name: row[name].upper()}) == [row]


def test_executions_of_a_service_are_found(asked):
    assert len(find(asked, filters={"service_name": "shop"})) == 5
    assert find(asked, filters={"service_name": "mail"}) == []


@pytest.mark.parametrize("wrong", ["team", 5, ["team", "billing"]])
def test_filters_that_are_no_mapping_are_refused(asked, wrong):
    with pytest.raises(InvalidInputError, match="filters are values by name"):
        find(asked, filters=wrong)


def moment(second):
    return datetime.fromtimestamp(at(second) / 1e9, UTC)


def test_times_are_those_of_the_end(asked):
    assert numbers(find(asked, filters={"timestamp_utc__gte": moment(10)})) == [3, 1]
    assert numbers(find(asked, filters={"timestamp_utc__gt": moment(10).isoformat()})) == [3]
    assert numbers(find(asked, filters={"timestamp_utc__lt": moment(6)})) == [2]
    own = find(asked, filters={"timestamp_utc": moment(7)})
    assert numbers(own) == [4]
    assert numbers(find(asked, filters={"timestamp_utc": own[0]["timestamp_utc"]})) == [4]


@pytest.mark.parametrize(
    ("order", "found"),
    [
        (Order("timestamp_utc", ascending=True), [2, 6, 4, 1, 3]),
        (Order("duration_ms"), [1, 3, 2, 4, 6]),
        (Order("duration_ms", ascending=True), [6, 4, 2, 3, 1]),
        (Order("amount"), [3, 1]),
        (Order("amount", ascending=True), [1, 3]),
        (Order("function_name", ascending=True), [6, 4]),
        (Order("team"), [4, 2]),
    ],
)
def test_rows_are_sorted_by_any_name(asked, order, found):
    assert numbers(find(asked, order=order, limit=len(found))) == found


def test_executions_are_looked_up_by_their_ids(asked):
    rows = find(asked)
    for row in rows:
        assert find(asked, filters={"uuid": row["uuid"]}) == [row]
    assert find(asked, filters={"uuid": "0" * 32}) == []
    with pytest.raises(InvalidInputError, match="equality"):
        find(asked, filters={"uuid__like": "0*"})


def test_words_find_what_failed_alike(asked):
    rows = find(asked, words="declined card", facets=("error",))
    assert numbers(rows) == [3]
    assert rows[0]["uuid"]
    of_load = {"function_name": "load"}
    assert find(asked, words="declined card", facets=("error",), filters=of_load) == []
    assert numbers(find(asked, words="load", filters=of_load)) == [4]


def test_runs_of_other_kinds_count_when_they_are_the_callers_own(asked):
    assert numbers(find(asked, filters={"function_name": "load"}, runs=("live", "test"))) == [5, 4]


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ({"filters": {"function_nam": "pay"}}, "did you mean 'function_name'"),
        ({"filters": {"amout__gt": 3}}, "did you mean 'amount'"),
        ({"filters": {"teams__not_equal": 3}}, "did you mean 'team'"),
        ({"order": Order("duration")}, "did you mean 'duration_ms'"),
        ({"filters": {"zzz": 1}}, "known are"),
        ({"filters": {"status": "FAILED"}}, "one of ERROR, SUCCESS"),
        ({"limit": 0}, "limit"),
    ],
)
def test_what_cannot_be_meant_is_refused(asked, wish, says):
    with pytest.raises(InvalidInputError, match=says):
        find(asked, **wish)


def test_names_that_nothing_has_yet_find_nothing_where_there_is_nothing(of_nothing):
    assert find(of_nothing, filters={"team": "billing"}) == []
    assert functions_about(of_nothing, "payments", 5, {"team": "billing"}) == []


def test_a_tag_that_is_declared_may_be_asked_for_before_it_is_used(asked):
    assert Executions(asked, ["tier"]).find(Wish(filters={"tier": "gold"})) == []


ENDS = st.lists(
    st.tuples(st.integers(0, 5000), st.sampled_from([0, 1, 2, 700, 4000])),
    min_size=300,
    max_size=900,
)


@settings(max_examples=8, deadline=None)
@given(ENDS, st.sampled_from(["timestamp_utc", "duration_ms"]), st.booleans(), st.integers(1, 400))
def test_the_first_of_an_order_are_those_of_all(times, name, ascending, limit):
    """Several pages, spans that overlap and spans that start and end at once."""
    world = World(without_embedder=True)
    rows = [
        SpanRow(name="n", trace=n + 1, span=n + 1, start_ns=at(0) + start, duration_ns=lasts)
        for n, (start, lasts) in enumerate(times)
    ]
    world.write(rows)
    asked = Embedded(world.services, TENANT)
    found = find(asked, order=Order(name, ascending=ascending), limit=limit)
    of = (lambda s, d: s + d) if name == "timestamp_utc" else (lambda _, d: d)
    every = sorted(((of(*t), -t[0]) for t in times), reverse=not ascending)
    starts = {row.trace: times[n] for n, row in enumerate(rows)}
    shown = [starts[number] for number in numbers(found)]
    assert [(of(*t), -t[0]) for t in shown] == every[:limit]
    assert len({row["span_id"] for row in found}) == len(found)


FUNCTIONS = [
    FunctionRecord(
        "shop", "pay", description="charges a credit card", tags=(("team", "billing"),)
    ),
    FunctionRecord("shop", "Cart.load", docstring="Reads the cart.", switches=(("replay", True),)),
    FunctionRecord("mail", "send", narrative="after a payment", source="def send(): ...\n"),
]


@pytest.fixture(params=["embedded", "collector"])
def defined(request):
    world = World()
    records = [
        {
            "key": f"shop/{f.name}",
            "body": function_body("shop", f),
            "texts": [{"facet": "code", "text": f.description or f.docstring or f.narrative}],
        }
        for f in FUNCTIONS
    ]
    world.services.records.put(TENANT, "functions", records)
    world.services.records.put(
        TENANT, "notes", [{"key": "x", "texts": [{"facet": "code", "text": "credit card"}]}]
    )
    world.embed()
    yield from asking(request.param, world)


def test_functions_are_found_by_what_they_do(defined):
    (first,) = functions_about(defined, "charge a credit card", 1, None)
    assert first["uuid"] == "shop/shop.pay"
    assert first["properties"] == {
        "function_name": "pay",
        "module_name": "shop",
        "qualified_name": "shop.pay",
        "service_name": "shop",
        "signature": "",
        "docstring": "",
        "source_code": "",
        "source_hash": "",
        "search_description": "charges a credit card",
        "sequence_narrative": "",
        "file_path": "",
        "line": 0,
        "team": "billing",
    }
    distance = first["metadata"].distance
    assert 0 <= distance < 1
    assert first["metadata"]["distance"] == distance
    with pytest.raises(KeyError):
        first["metadata"]["certainty"]


def test_functions_are_filtered_by_their_properties(defined):
    def names(query="", **filters):
        found = functions_about(defined, query, 5, filters)
        return [one["properties"]["function_name"] for one in found]

    assert names() == ["send", "load", "pay"]
    assert names("credit card", team="billing") == ["pay"]
    assert names(function_name=["load", "send"]) == ["send", "load"]
    assert names(source_code__like="def send*") == ["send"]
    assert names(replay=True) == ["load"]
    assert names(team__not_equal="billing") == ["send", "load"]
    with pytest.raises(InvalidInputError, match="did you mean 'module_name'"):
        names(module_nam="shop")
