"""The real process: OTLP in by the stock exporters, answers out, through stops and kills."""

import json
import os
import signal
import socket

import httpx
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import StatusCode
from serving import Served, cli, eventually


@pytest.fixture
def served(tmp_path):
    process = Served(tmp_path)
    yield process
    process.end()


def send(exporter, names, service="checkout"):
    provider = TracerProvider(resource=Resource({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    for name in names:
        with tracer.start_as_current_span(name) as span:
            span.set_status(StatusCode.ERROR, "card declined by the bank")
    provider.shutdown()


def send_http(served, names):
    url = f"http://{served.endpoints['otlp_http']}/v1/traces"
    send(HttpExporter(endpoint=url), names)


def stored(served):
    return httpx.get(f"http://{served.endpoints['api']}/v1/stats").json()["spans"]


def test_spans_of_both_exporters_are_found_by_the_command_line(served):
    served.start()
    grpc = served.endpoints["otlp_grpc"]
    send(GrpcExporter(endpoint=f"http://{grpc}", insecure=True), ["charge the card"], "payment")
    send_http(served, ["ship the parcel"])
    eventually(lambda: stored(served) == 2)

    eventually(lambda: cli(served, "stats", "--json").json["meanings"]["pending"] == 0)
    answer = cli(served, "search", "payment was refused", "--json").json
    assert answer["groups"][0]["spans"]["count"] >= 1
    text = cli(served, "search", "charge the card").out
    assert "charge the card" in text
    trace_id = cli(served, "search", "", "--flat", "--json").json["spans"][0]["trace_id"]
    assert "✗" in cli(served, "trace", trace_id).out


def test_endpoints_are_published_privately_and_taken_back_at_a_stop(served):
    served.start()
    file = served.data / "endpoints.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert set(served.endpoints) == {
        *("otlp_grpc", "otlp_http", "api", "pid", "started_unix_nano", "tls", "socket"),
        "jaeger_grpc",
    }
    assert served.endpoints["pid"] == served.process.pid
    assert served.stop() == 0
    assert not file.exists()


def test_nothing_in_the_folder_is_for_others_whatever_the_umask(served):
    before = os.umask(0o022)
    try:
        served.start()
    finally:
        os.umask(before)
    send_http(served, ["charge the card"])
    eventually(lambda: stored(served) == 1)
    assert served.stop() == 0
    assert not [path for path in served.data.rglob("*") if path.stat().st_mode & 0o077]


def test_a_stop_stores_what_was_accepted(served):
    served.start()
    send_http(served, [f"step {n}" for n in range(200)])
    assert served.stop() == 0
    assert cli(served, "stats", "--json").json["spans"] == 200


def test_nothing_accepted_is_lost_by_kill_9_and_the_folder_reopens(served):
    served.start()
    send_http(served, [f"step {n}" for n in range(300)])
    served.process.send_signal(signal.SIGKILL)
    served.process.wait()
    assert (served.data / "endpoints.json").exists()
    served.start()
    eventually(lambda: stored(served) == 300)


def test_doors_end_with_their_parent(served):
    served.start()
    host, port = served.endpoints["otlp_http"].rsplit(":", 1)
    served.process.send_signal(signal.SIGKILL)
    served.process.wait()
    eventually(lambda: refuses(host, int(port)))


def refuses(host, port):
    try:
        socket.create_connection((host, port), 0.2).close()
    except OSError:
        return True
    return False


def test_a_door_that_dies_is_replaced_on_its_port(served):
    import psutil

    served.start()
    (door,) = psutil.Process(served.process.pid).children()
    door.kill()
    eventually(
        lambda: [c.pid for c in psutil.Process(served.process.pid).children()] != [door.pid]
    )
    host, port = served.endpoints["otlp_http"].rsplit(":", 1)
    eventually(lambda: not refuses(host, int(port)))
    send_http(served, ["after the door died"])
    eventually(lambda: stored(served) == 1)


def test_readiness_names_the_doors(served):
    import psutil

    served.start()
    (door,) = psutil.Process(served.process.pid).children()
    ready = httpx.get(f"http://{served.endpoints['api']}/ready")
    (doors,) = [part for part in ready.json()["parts"] if part["name"] == "doors"]
    assert (doors["ok"], doors["detail"]) == (True, f"process {door.pid}")


def test_followers_of_events_do_not_hold_up_a_stop(served):
    served.start("--set", "embed.model=none")
    with httpx.stream("GET", f"http://{served.endpoints['api']}/v1/events") as answer:
        assert next(answer.iter_lines()) == ": still here"
        assert served.stop() == 0
    assert "graceful shutdown exceeded" not in served.log()


def test_a_second_process_on_the_folder_is_told_who_has_it_and_the_way_out(served):
    served.start()
    result = cli(served, "serve", *served.addresses, check=False)
    assert result.code == 1
    assert f"process {served.process.pid}" in result.err
    assert f"http://{served.endpoints['api']}" in result.err
    assert "--data" in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize("flag", ["--otlp-grpc", "--otlp-http", "--jaeger-grpc", "--api"])
def test_a_taken_port_is_a_sentence_that_names_it_and_the_flag(served, flag):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        arguments = [*served.addresses, flag, f"127.0.0.1:{port}"]
        result = cli(served, "serve", *arguments, check=False)
    assert result.code == 1
    assert f"port {port}" in result.err
    assert flag in result.err
    assert "Traceback" not in result.err


def test_an_address_that_other_machines_reach_is_refused(served):
    result = cli(served, "serve", *served.addresses, "--api", "0.0.0.0:0", check=False)
    assert result.code == 1
    assert "loopback" in result.err


def test_a_second_signal_leaves_at_once_and_loses_nothing(served):
    served.start("--set", "serve.drain_s=60", "--set", "embed.model=none")
    send_http(served, [f"step {n}" for n in range(100)])
    served.process.send_signal(signal.SIGTERM)
    served.process.send_signal(signal.SIGTERM)
    served.process.wait(50)  # of the 60 that draining may take
    served.start("--set", "embed.model=none")
    eventually(lambda: stored(served) == 100)


def test_the_log_is_json_by_setting(served):
    served.start("--set", "log.json=true")
    served.stop()
    lines = [line for line in served.log().splitlines() if line.startswith("{")]
    assert any(json.loads(line)["message"] == "ready" for line in lines)


def test_doctor_is_content_with_a_served_folder_and_names_what_a_kill_left(served):
    served.start()
    assert cli(served, "doctor", "--json").json["ok"]
    os.kill(served.process.pid, signal.SIGKILL)
    served.process.wait()
    result = cli(served, "doctor", "--json", check=False)
    wrong = [
        f for f in result.json["findings"] if not f["ok"] and not f["name"].startswith("port")
    ]
    assert result.code == 1
    assert [f["name"] for f in wrong] == ["process"]
    assert "killed" in wrong[0]["detail"]


def test_tail_shows_what_is_stored(served):
    served.start()
    with served.tail() as lines:
        eventually(
            lambda: (
                send_http(served, ["seen by tail"])
                or any("seen by tail" in line for line in lines)
            )
        )
