"""Whatever a value is and does, it gets a text."""

import asyncio
import io
import json
import math
import socket
import subprocess
import sys
import threading
import types
from datetime import UTC, datetime, tzinfo
from pathlib import Path

import numpy as np
import pytest
from pydantic import BaseModel, SecretStr
from support import shapes

from otel_vector.canonical.decode import value_of
from otel_vector.canonical.encode import is_exact, text_of
from otel_vector.canonical.values import Opaque


class Place(tzinfo):
    """A time zone of an application's own."""

    def utcoffset(self, when):
        raise RuntimeError("not known")


class Plain:
    """Says nothing of itself."""


class Talkative:
    def __repr__(self):
        return f"<talk of {object.__repr__(self)}>"


class Greedy:
    """Would be read by who asks what it is."""

    def __init__(self):
        self.read_of = 0

    def __iter__(self):
        self.read_of += 1
        return iter(())

    def __repr__(self):
        self.read_of += 1
        return "greedy"


def stream():
    raise AssertionError("the stream was read")
    yield 1


async def later():
    raise AssertionError("the coroutine was awaited")


async def stream_later():
    raise AssertionError("the stream was read")
    yield 1


def within_itself(made, put):
    put(made, made)
    return made


def nested(width, levels):
    made = []
    for _ in range(levels):
        made = [made] * width
    return made


ODD = {
    "hostile": shapes.Hostile,
    "of a hostile class": lambda: object.__new__(shapes.HostileKind),
    "a hostile class": lambda: shapes.HostileKind,
    "a liar": shapes.Liar,
    "a list within itself": lambda: within_itself([], list.append),
    "a dict within itself": lambda: within_itself({}, lambda d, v: d.update(a=[v])),
    "a field within itself": lambda: within_itself(shapes.Open(1), shapes.Open.__init__),
    "deep": lambda: nested(1, 100_000),
    "wide": lambda: nested(2, 70),
    "a long list": lambda: list(range(200_000)),
    "a large text": lambda: "x" * 30_000_000,
    "many bytes": lambda: b"x" * 30_000_000,
    "a large array": lambda: np.zeros(4_000_000),
    "an array of objects": lambda: np.array([object()], dtype=object),
    "an array of records": lambda: np.zeros(2, dtype=[("a", "<i4")]),
    "a zone": lambda: datetime(2026, 1, 1, tzinfo=Place()),
    "a module": lambda: sys,
    "a lock": threading.Lock,
    "a file": lambda: io.StringIO("x"),
    "a function": lambda: stream,
    "a lambda": lambda: lambda: None,
    "a class": lambda: Plain,
    "a method": lambda: Greedy().__init__,
    "an object": Plain,
    "a proxy": lambda: types.MappingProxyType({}),
    "a secret": lambda: SecretStr("do not tell"),
    "statistics of a file": lambda: Path("/").stat(),
}


@pytest.mark.parametrize("made", ODD.values(), ids=ODD)
def test_a_value_without_a_text_of_its_own_is_opaque(made):
    text = text_of(made())
    assert not is_exact(text)
    assert len(text) < 100_000
    json.loads(text.encode("utf-8"))
    value_of(text)
    assert text_of([made(), b"", 1]) == text_of([made(), b"", 1])


def test_what_is_opaque_is_told_by_type_and_what_it_says():
    assert value_of(text_of(shapes.Hostile())) == Opaque(
        "support.shapes.Hostile", "<support.shapes.Hostile>"
    )
    assert value_of(text_of(shapes.Hostile)) == Opaque("builtins.type", "support.shapes.Hostile")
    assert value_of(text_of(len)).text == "builtins.len"
    assert "tell" not in text_of(SecretStr("do not tell"))


def test_what_is_opaque_has_no_addresses_and_a_bounded_text():
    told = value_of(text_of(Talkative())).text
    assert told == text_json(Talkative())
    assert "0x…" in told
    assert len(value_of(text_of(shapes.Liar())).text) == 200


def text_json(value):
    return json.loads(text_of(value))["v"]


def test_what_is_opaque_is_the_same_text_after_it_was_decoded():
    text = text_of({"a": [Plain(), (Plain(), 1)]})
    assert text_of(value_of(text)) == text


def test_only_the_part_that_is_too_much_is_opaque():
    value = {"few": [1, 2], "many": list(range(200_000)), "deep": None}
    found = value_of(text_of(value))
    assert found == {"few": [1, 2], "many": Opaque("builtins.list", "<too much>"), "deep": None}
    assert text_of({**value, "when": b"x"}).startswith('{"deep":null,"few":[1,2],"many":{"$ov"')


def test_each_part_that_is_too_much_is_opaque_by_itself():
    value = {"rows": list(range(1_000_000)), "more": dict.fromkeys(range(1_000_000)), "few": 1}
    assert text_of(value).count("too much") == 2
    assert value_of(text_of(value))["few"] == 1


def test_64_values_within_each_other_come_back_and_one_more_is_opaque():
    value = 1
    for _ in range(64):
        value = [value]
    assert value_of(text_of(value)) == value
    assert not is_exact(text_of([value]))
    assert not is_exact(text_of((value,)))
    assert text_of([value]).count("too deep") == 1


def test_a_value_that_is_referred_to_twice_is_not_within_itself():
    part = [1]
    assert value_of(text_of((part, part))) == (part, part)


def test_streams_are_not_read():
    coroutine, greedy = later(), Greedy()
    left, right = socket.socketpair()
    values = [stream(), stream_later(), coroutine, iter([1]), map(int, "1"), greedy, left, zip()]
    try:
        for value in values:
            assert not is_exact(text_of(value))
        assert greedy.read_of == 0
        assert next(values[3]) == 1
    finally:
        coroutine.close()
        left.close()
        right.close()


def test_a_value_that_changes_while_it_is_read_has_a_text_all_the_same():
    changing, stopped = {i: (i,) for i in range(500)}, threading.Event()

    def change():
        while not stopped.is_set():
            for i in range(500, 520):
                changing[i] = (i,)
            for i in range(500, 520):
                del changing[i]

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(200):
            json.loads(text_of(changing))
    finally:
        stopped.set()
        thread.join()


def test_a_call_deep_in_the_stack_has_a_text_all_the_same():
    value = [(1,), shapes.Open((2,))]

    def fall(left):
        return fall(left - 1) if left else text_of(value)

    room = frames_left()
    for left in range(room - 40, room - 6):
        json.loads(fall(left))


def frames_left():
    try:
        return frames_left() + 1
    except RecursionError:
        return 0


def test_writing_plain_values_loads_nothing_it_does_not_need():
    code = """
import sys
from otel_vector.canonical.encode import text_of
assert "orjson" not in sys.modules
text_of({"a": [1, 2.5, None, "x"]})
text_of((1, b"x", {2}))
assert not {"numpy", "pydantic", "decimal", "fractions", "pathlib"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_numpy_has_no_exact_bytes_of_is_opaque():
    assert not is_exact(text_of(np.longdouble(1)))
    assert not is_exact(text_of(np.zeros(1, np.clongdouble)))
    assert not is_exact(text_of(np.ma.masked_array([1])))
    assert math.isnan(value_of(text_of(np.float64("nan"))))


def test_an_event_loop_s_task_is_neither_awaited_nor_numbered():
    async def texts():
        tasks = [asyncio.create_task(asyncio.sleep(0)) for _ in range(2)]
        found = {text_of(task) for task in tasks}
        await asyncio.gather(*tasks)
        return found

    assert len(asyncio.run(texts())) == 1


def test_models_of_one_call_and_of_another_spelling_keep_what_was_given():
    class_, given = shapes.Model, {"a": 1, "b": None}
    assert value_of(text_of(class_(a=1))).model_dump(exclude_unset=True) == {"a": 1}
    assert value_of(text_of(class_(**given))).model_dump(exclude_unset=True) == given
    assert isinstance(value_of(text_of(class_(a=1))), BaseModel)


def test_a_moment_in_utc_reads_as_such():
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert text_of(moment) == '{"$ov":"datetime","v":"2026-01-02T03:04:05+00:00"}'
