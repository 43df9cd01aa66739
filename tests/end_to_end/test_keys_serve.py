"""Keys and TLS as a user runs them: made while it serves, never shown, no hindrance to the owner."""

import json

import httpx
import pytest
from sending import post, settle
from serving import Served, cli, eventually
from support.certificates import issued

PROTOBUF = {"content-type": "application/x-protobuf"}


@pytest.fixture
def served(tmp_path):
    made = Served(tmp_path)
    yield made
    made.end()


def sample(name="charge card"):
    from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

    data = TracesData()
    scope = data.resource_spans.add().scope_spans.add()
    scope.spans.add(
        trace_id=b"t" * 16,
        span_id=b"s" * 8,
        name=name,
        start_time_unix_nano=1_700_000_000_000_000_000,
        end_time_unix_nano=1_700_000_000_250_000_000,
    )
    return data.SerializeToString()


def made_key(served, name, *roles, tenant="default", **more):
    flags = [flag for role in roles for flag in ("--role", role)]
    done = cli(served, "keys", "create", name, *flags, "--tenant", tenant, "--json", **more)
    return done.json["key"]


def set_variables(served, **variables):
    """Set variables of the commands that run in the folder."""
    lines = [f"OTEL_VECTOR_{name}={value}" for name, value in variables.items()]
    (served.folder / ".env").write_text("\n".join(lines))


def status(served, path="/v1/stats", **headers):
    return httpx.get(f"http://{served.endpoints['api']}{path}", headers=headers).status_code


def test_other_machines_are_served_once_there_is_a_key(served):
    served.addresses = [
        "--otlp-grpc",
        "0.0.0.0:0",
        "--otlp-http",
        "0.0.0.0:0",
        "--jaeger-grpc",
        "0.0.0.0:0",
        "--api",
        "0.0.0.0:0",
    ]
    refused = cli(served, "serve", *served.addresses, check=False)
    assert refused.code == 1
    assert "otel-vector keys create" in refused.err
    key = made_key(served, "shop", "ingest", "read")
    served.start()
    for name in ("otlp_http", "api"):
        port = served.endpoints[name].rpartition(":")[2]
        served.endpoints[name] = f"127.0.0.1:{port}"
    assert post(served, b"").status == 401
    assert post(served, b"", PROTOBUF | {"x-api-key": key}).status == 200
    assert status(served) == 401
    assert status(served, **{"x-api-key": key}) == 200
    assert "travel unencrypted" in served.log()
    assert served.stop() == 0


def test_keys_made_and_ended_while_it_serves_are_in_force_within_seconds(served):
    served.start()
    assert post(served, sample()).status == 200
    settle(served)
    sender = made_key(served, "shop", "ingest", tenant="acme")
    eventually(lambda: post(served, sample()).status == 401, 30)
    eventually(lambda: status(served) == 401, 30)
    answer = post(served, sample("ship order"), PROTOBUF | {"x-api-key": sender})
    assert answer.status == 200
    cli(served, "keys", "disable", "shop", "--yes")
    again = {"authorization": f"Bearer {sender}"} | PROTOBUF
    eventually(lambda: post(served, sample(), again).status == 401, 30)

    listed = cli(served, "keys", "list", "--json").json
    assert [(key["name"], key["state"]) for key in listed] == [("shop", "disabled")]


def test_the_owner_of_the_folder_needs_no_key_and_chooses_any_tenant(served):
    served.start()
    key = made_key(served, "shop", "ingest", tenant="acme")
    with_key = PROTOBUF | {"x-api-key": key}
    eventually(lambda: post(served, sample("ship order"), with_key).status == 200, 30)
    set_variables(served, CLIENT_TENANT="acme")
    eventually(lambda: '"spans": 1' in cli(served, "stats", "--json", check=False).out)
    assert "ship order" in cli(served, "search", "", "--flat").out
    set_variables(served)
    assert cli(served, "stats", "--json").json["spans"] == 0
    assert cli(served, "doctor", check=False).code in {0, 1}
    served.stop()
    set_variables(served, CLIENT_TENANT="acme")
    assert cli(served, "stats", "--json").json["spans"] == 1


def test_a_command_may_ask_with_a_key_like_everybody_else(served):
    served.start()
    reader = made_key(served, "reader", "read")
    sender = made_key(served, "sender", "ingest")
    set_variables(served, API_KEY=reader)
    eventually(lambda: cli(served, "stats", check=False).code == 0, 30)
    set_variables(served, API_KEY=reader, CLIENT_URL=f"http://{served.endpoints['api']}")
    assert cli(served, "stats", "--json").json["spans"] == 0
    set_variables(served, API_KEY=sender)
    refused = cli(served, "stats", check=False)
    assert refused.code == 1
    assert "role read" in refused.err
    set_variables(served, API_KEY="ov_wrong")
    refused = cli(served, "stats", check=False)
    assert refused.code == 1
    assert "ov_wrong" not in refused.err


def test_a_key_is_told_once_and_shown_nowhere_else(served):
    served.start()
    made = cli(served, "keys", "create", "shop", "--role", "read", "--role", "ingest")
    key = made.out.strip()
    assert made.out.count("\n") == 1
    assert key not in made.err
    secret = key.rpartition("_")[2]
    headers = {"x-api-key": key}
    eventually(lambda: status(served, **headers) == 200, 30)
    status(served, f"/v1/stats?api_key={key}", **headers)
    post(served, sample(), PROTOBUF | headers, path=f"/v1/traces?api_key={key}")
    post(served, b"\xff", PROTOBUF | headers)
    rotated = cli(served, "keys", "rotate", "shop", "--grace", "0s").out.strip()
    eventually(lambda: status(served, **headers) == 401, 30)
    assert status(served, **{"x-api-key": rotated}) == 200
    set_variables(served, API_KEY=rotated)
    shown = [
        cli(served, "stats", "--json").out,
        cli(served, "config").out,
        cli(served, "keys", "list", "--json").out,
        json.dumps(served.endpoints),
    ]
    assert served.stop() == 0
    shown.append(served.log())
    files = [path for path in served.data.rglob("*") if path.is_file()]
    for text in (secret, rotated.rpartition("_")[2]):
        assert not [one for one in shown if text in one]
        assert not [path for path in files if text.encode() in path.read_bytes()]


def test_over_tls_the_folder_says_https_and_its_owner_goes_on_as_before(served):
    authority = issued(served.folder / "tls")
    tls = authority.config
    served.start(
        *("--set", f"tls.cert={tls.cert}", "--set", f"tls.key={tls.key}"),
        *("--set", f"tls.client_ca={authority.ca}"),
    )
    assert served.endpoints["tls"] is True
    assert f"https://{served.endpoints['api']}" in served.log()
    assert f"https://{served.endpoints['otlp_grpc']}" in served.log()
    assert cli(served, "stats", "--json").json["spans"] == 0
    assert f"https://{served.endpoints['api']}" in cli(served, "doctor").out

    cert, key = authority.client()
    url = f"https://localhost:{served.endpoints['api'].rpartition(':')[2]}"
    set_variables(served, CLIENT_URL=url, CLIENT_CA=authority.ca, CLIENT_CERT=cert, CLIENT_KEY=key)
    assert cli(served, "stats", "--json").json["spans"] == 0
    set_variables(served, CLIENT_URL=url, CLIENT_CERT=cert, CLIENT_KEY=key)
    assert "client.ca" in cli(served, "stats", check=False).err
    set_variables(served, CLIENT_URL=url, CLIENT_CA=authority.ca)
    assert cli(served, "stats", check=False).code == 1
    set_variables(served, CLIENT_URL=url, CLIENT_CA=served.folder / "none.pem")
    assert "client.ca" in cli(served, "stats", check=False).err


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("tls.cert=none.pem", "tls.key is not set"),
        ("tls.client_ca=none.pem", "tls.cert is not set"),
    ],
    ids=["half", "authority alone"],
)
def test_tls_that_cannot_be_is_refused_before_anything_starts(served, setting, sentence):
    refused = cli(served, "serve", *served.addresses, "--set", setting, check=False)
    assert refused.code == 1
    assert sentence in refused.err


def test_a_socket_that_a_killed_process_left_is_cleared_away(served):
    served.start()
    served.process.kill()
    served.process.wait()
    assert len(list(served.data.glob("run-*"))) == 1
    served.start()
    assert len(list(served.data.glob("run-*"))) == 1
    assert cli(served, "stats", "--json").json["spans"] == 0
    assert served.stop() == 0
    assert list(served.data.glob("run-*")) == []
