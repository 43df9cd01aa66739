"""Decorated functions as a type checker sees them; checked by a test, never run."""

from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from typing import Any, assert_type

from otel_vector import trace_span, vectorize
from otel_vector.instrument.context import context_executor, with_carrier, with_context


@vectorize("Adds", capture_inputs=True, team="billing", priority=1)
def add(left: int, right: int = 2, *, exact: bool = True) -> float:
    return left + right


@trace_span
async def later(text: str) -> int:
    return len(text)


@trace_span(attributes_to_capture=["count"])
def items(count: int) -> Generator[int, str, bool]:
    yield count
    return True


@vectorize
async def items_later(count: int) -> AsyncGenerator[int, None]:
    yield count


class Till:
    @trace_span
    def pay(self, amount: int) -> bool:
        return amount > 0

    @classmethod
    @trace_span(capture_inputs=True)
    def open(cls, name: str) -> "Till":
        return cls()

    @staticmethod
    @vectorize()
    def rate(currency: str) -> float:
        return 1.0


assert_type(add(1), float)
assert_type(items(1), Generator[int, str, bool])
assert_type(items_later(1), AsyncGenerator[int, None])
assert_type(Till().pay(1), bool)
assert_type(Till.open("a"), Till)
assert_type(Till.rate("EUR"), float)
assert_type(with_context(add)(1, exact=False), float)
assert_type(with_carrier(add)(1), float)

awaited: Callable[[str], Coroutine[Any, Any, int]] = later

add("1")  # type: ignore[arg-type]
add(1, wrong=True)  # type: ignore[call-arg]
Till().pay("1")  # type: ignore[arg-type]
with_context(add)("1")  # type: ignore[arg-type]
vectorize(capture_inputs="yes")  # type: ignore[call-overload]
trace_span(3)  # type: ignore[call-overload]


def submit() -> None:
    from concurrent.futures import ThreadPoolExecutor

    with context_executor(ThreadPoolExecutor(1)) as pool:
        assert_type(pool.submit(add, 1).result(), float)
