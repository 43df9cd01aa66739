"""A program that knows nothing of us, under `opentelemetry-instrument`: its functions have spans."""

import json
import os
import subprocess
import sys
from pathlib import Path

from support.zero_code import write

AGENT = Path(sys.executable).parent / "opentelemetry-instrument"
PROGRAM = {
    "app.py": """
        import multiprocessing

        from shop.cart import Cart
        from shop.prices import taxed

        if __name__ == "__main__":
            print(Cart().add(2).add(3).total())
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                print(*pool.map(taxed, [7]))
                pool.close()
                pool.join()
    """,
    "shop/__init__.py": "",
    "shop/prices.py": """
        def taxed(price):
            return price * 2
    """,
    "shop/cart.py": """
        from shop.prices import taxed

        class Cart:
            def __init__(self):
                self.prices = []

            def add(self, price):
                self.prices.append(price)
                return self

            def total(self):
                return taxed(sum(self.prices))
    """,
}


def run(folder, **settings):
    write(folder, PROGRAM)
    kept = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")}
    exporters = {f"OTEL_{kind}_EXPORTER": "none" for kind in ("METRICS", "LOGS")}
    return subprocess.run(
        [AGENT, "--traces_exporter", "console", sys.executable, "app.py"],
        cwd=folder,
        env={**kept, **exporters, "OTEL_BSP_SCHEDULE_DELAY": "100", **settings},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )


def spans(output):
    """Return the spans that the console exporter printed between the program's own lines."""
    decoder, found, at = json.JSONDecoder(), [], output.find("{\n")
    while at >= 0:
        span, end = decoder.raw_decode(output, at)
        found.append(span)
        at = output.find("{\n", end)
    return found


def test_its_functions_have_spans_also_in_processes_that_it_starts(tmp_path):
    done = run(
        tmp_path,
        OTEL_VECTOR_INSTRUMENT="shop.cart:Cart.*,shop.**:taxed",
        OTEL_VECTOR_INSTRUMENT_CAPTURE_INPUTS="true",
    )
    found = spans(done.stdout)
    by_id = {span["context"]["span_id"]: span for span in found}
    assert sorted(span["name"] for span in found) == [
        "Cart.add", "Cart.add", "Cart.total", "taxed", "taxed",
    ]  # fmt: skip
    inner = next(span for span in found if span["name"] == "taxed" and span["parent_id"])
    assert by_id[inner["parent_id"]]["name"] == "Cart.total"
    assert json.loads(inner["attributes"]["input.value"]) == {"price": 5}
    assert inner["attributes"]["code.function.name"] == "shop.prices.taxed"
    assert done.stderr == ""


def test_without_the_setting_nothing_is_wrapped(tmp_path):
    done = run(tmp_path)
    assert done.stdout == "10\n14\n"
    assert done.stderr == ""


def test_a_program_runs_on_whatever_is_wrong_with_the_setting(tmp_path):
    done = run(tmp_path, OTEL_VECTOR_INSTRUMENT="shop.cart,shop.prices:taxed")
    assert [span["name"] for span in spans(done.stdout)] == ["taxed", "taxed"]
    assert "'shop.cart' names no functions: write module:function" in done.stderr


def test_a_misspelt_variable_of_ours_is_told_and_the_program_runs_on(tmp_path):
    done = run(tmp_path, OTEL_VECTOR_INSTRUMNT="shop.cart:*")
    assert done.stdout == "10\n14\n"
    assert "did you mean OTEL_VECTOR_INSTRUMENT" in done.stderr
