"""What docs/instrument/zero-code.md says to install and to run works as it stands."""

import importlib.metadata
import re
import runpy
import signal
import tomllib

import httpx
import pytest
from example_programs import Workplace, exported, settled, stored, terminals
from serving import Served, eventually
from support.sources import ROOT
from support.zero_code import write

PAGE = ROOT / "docs" / "instrument" / "zero-code.md"
INSTALL = terminals("Install", PAGE)
RUN, QUESTION = terminals("Run", PAGE)
_, BESIDE = terminals("Side by side with Jaeger", PAGE)
(CALL,) = terminals("Functions of your own", PAGE, "python")
(LIFESPAN,) = terminals("What the agent can lose", PAGE, "python")
PROGRAM = {
    "shop/__init__.py": "",
    "shop/payments.py": """
        import logging

        def charge(card):
            if card.endswith("2"):
                logging.getLogger("shop").warning("not paid")
                raise ValueError("the bank refused this card")
            return "paid"
    """,
    "app.py": """
        from shop.payments import charge

        charge("4141")
        try:
            charge("4142")
        except ValueError as error:
            print(error)
    """,
}

ROUTE = """

import logging


@app.get("/")
def root():
    logging.getLogger("shop").warning("nothing is left")
    return "sold out"
"""


@pytest.fixture
def served(tmp_path_factory):
    collector = Served(tmp_path_factory.mktemp("collector"))
    collector.start()
    yield collector
    collector.end()


@pytest.fixture
def place(tmp_path, served):
    write(tmp_path, PROGRAM)
    return Workplace(tmp_path, served)


@pytest.mark.parametrize(("name", "version"), re.findall(r"([\w-]+)==(\S+)", "".join(INSTALL)))
def test_the_versions_that_are_pinned_are_those_that_are_tested(name, version):
    assert importlib.metadata.version(name) == version


def test_the_extra_of_the_examples_pins_the_same_versions():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extra = dict(
        re.fullmatch(r"([\w.-]+)==([\w.]+)", entry).groups()
        for entry in project["optional-dependencies"]["demo"]
        if "==" in entry
    )
    pinned = re.findall(r"([\w-]+)==(\S+)", "".join(INSTALL))
    assert {name: extra.get(name) for name, _ in pinned} == dict(pinned)


def test_the_pairs_that_are_named_are_those_of_the_matrix():
    pairs = runpy.run_path(str(ROOT / "tests" / "matrix" / "run.py"))["PAIRS"]
    named = re.findall(r"^\| ([\d.]+) \| ([\d.]+b\d) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert dict(named) == pairs


def test_the_command_sends_spans_of_functions_and_logs_and_the_question_finds_them(place, served):
    assert place.run(RUN) == "the bank refused this card\n"
    settled(served, 2)
    assert [span.name for span in stored(served)] == ["charge", "charge"]
    eventually(lambda: "the bank refused this card" in place.run(QUESTION))


def test_beside_another_otlp_receiver_both_get_the_spans(place, served, tmp_path_factory):
    jaeger = Served(tmp_path_factory.mktemp("jaeger"))
    try:
        jaeger.start()
        command = BESIDE.replace("127.0.0.1:14317", jaeger.endpoints["otlp_grpc"])
        place.run(command.replace("127.0.0.1:4317 ", f"{served.endpoints['otlp_grpc']} "))
        settled(served, 1)
        settled(jaeger, 1)
        assert [s.span_id for s in stored(jaeger)] == [s.span_id for s in stored(served)]
    finally:
        jaeger.end()


def test_a_call_in_a_program_wraps_what_it_names(place, served):
    write(
        place.folder, {"app.py": CALL + "\nfrom shop.payments import charge\n\ncharge('4141')\n"}
    )
    place.run("python app.py")
    settled(served, 1)
    (span,) = stored(served)
    assert span.inputs == {"card": "4141"}


def test_an_application_that_shuts_down_at_its_end_loses_nothing_by_a_signal(place, served):
    write(place.folder, {"app.py": LIFESPAN + ROUTE})
    port = place.own_port(8004)
    command = RUN.replace("python app.py", "uvicorn app:app --port 8004")
    with place.running(command, port) as process:
        url = f"http://127.0.0.1:{port}/"
        assert httpx.get(url, timeout=30, trust_env=False).json() == "sold out"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == -signal.SIGTERM
    settled(served, 1)
    assert "GET /" in {span.name for span in stored(served)}
    told = [record["body"]["stringValue"] for _, _, record in exported(served, "logs")]
    assert "nothing is left" in told
