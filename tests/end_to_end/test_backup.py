"""Back up while serving, wipe, restore: every answer and every span is what it was."""

from __future__ import annotations

import json
import shutil
import threading
from functools import partial
from hashlib import blake2b
from pathlib import Path

import httpx
import orjson
import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from serving import Served, cli, eventually

QUESTIONS = ("payment was refused", "order 7 for somebody", "disk is slow")


@pytest.fixture
def served(tmp_path):
    process = Served(tmp_path)
    yield process
    process.end()


def send(served, first, count):
    url = f"http://{served.endpoints['otlp_http']}/v1/traces"
    provider = TracerProvider(resource=Resource({"service.name": "shop"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=url)))
    tracer = provider.get_tracer("test")
    for n in range(first, first + count):
        with tracer.start_as_current_span(f"order {n} for {QUESTIONS[n % 3]}") as span:
            span.set_attribute("order", n)
    provider.shutdown()


def settled(served):
    def is_so():
        stats = cli(served, "stats", "--json").json
        return not stats["inbox"]["pending"] and not stats["meanings"]["pending"]

    eventually(is_so, 60)


def answers(served):
    """Everything that can be asked, in bytes."""
    with httpx.Client(base_url=f"http://{served.endpoints['api']}", timeout=60) as client:
        found = [
            client.post("/v1/export", json={"signal": "spans"}).content,
            json.dumps(client.get("/v1/stats").json()["spans"]).encode(),
            client.get("/v1/services").content,
            client.get("/v1/operations").content,
        ]
        for question in QUESTIONS:
            answer = client.post("/v1/search", json={"text": question, "limit": 50}).json()
            found.append(json.dumps([answer["groups"]], sort_keys=True).encode())
        flat = client.post("/v1/search", json={"text": "", "group": False, "limit": 20}).json()
        traces = [client.get(f"/v1/traces/{span['trace_id']}") for span in flat["spans"]]
        return found + [trace.content for trace in traces]


def test_a_backup_made_while_serving_restores_every_answer(served, tmp_path):
    served.start()
    send(served, 0, 60)
    settled(served)
    expected, target = answers(served), tmp_path / "backups"
    folder = Path(cli(served, "backup", str(target)).out.strip())
    (job,) = cli(served, "jobs", "list", "--json").json["jobs"]
    assert (job["kind"], job["state"], job["tenant"]) == ("backup", "done", None)
    assert served.stop() == 0
    shutil.rmtree(served.data)
    assert cli(served, "backup", "--verify", str(folder), "--json").json["whole"]
    cli(served, "restore", str(folder))
    served.start()
    settled(served)
    assert answers(served) == expected


def test_what_is_accepted_while_a_backup_is_made_is_whole(served, tmp_path):
    served.start()
    sender = threading.Thread(target=send, args=(served, 0, 300))
    sender.start()
    folder = Path(cli(served, "backup", str(tmp_path / "backups")).out.strip())
    sender.join()
    settled(served)
    everything = set(lines(served))
    assert served.stop() == 0
    shutil.rmtree(served.data)
    cli(served, "restore", str(folder))
    served.start()
    settled(served)
    assert set(lines(served)) <= everything


def lines(served):
    url = f"http://{served.endpoints['api']}/v1/export"
    found = httpx.post(url, json={"signal": "spans"}, timeout=60).text.splitlines()
    spans = []
    for line in found:
        for resource in json.loads(line)["resourceSpans"]:
            for scope in resource["scopeSpans"]:
                spans += [json.dumps(span, sort_keys=True) for span in scope["spans"]]
    return spans


def test_offline_too_and_what_was_deleted_after_it_stays_deleted(served, tmp_path):
    served.start()
    send(served, 0, 10)
    settled(served)
    spans = httpx.post(
        f"http://{served.endpoints['api']}/v1/search", json={"text": "", "group": False}
    ).json()["spans"]
    folder = cli(served, "backup", str(tmp_path / "backups"), "--json").json["folder"]
    asked = "restore", folder, "--data", str(tmp_path / "new"), "--forget-from", str(served.data)
    in_use = cli(served, *asked, check=False)
    assert in_use.code == 1 and "stop it first" in in_use.err
    assert not list(tmp_path.glob("new*"))
    assert served.stop() == 0
    cli(served, "delete", "--trace", spans[0]["trace_id"], "--yes")
    old = tmp_path / "old"
    served.data.rename(old)
    cli(served, "restore", folder, "--forget-from", str(old))
    assert cli(served, "stats", "--json").json["spans"] == 9


def test_what_is_wrong_with_a_backup_is_said_and_nothing_is_made(served, tmp_path):
    served.start()
    send(served, 0, 5)
    settled(served)
    inside = cli(served, "backup", str(served.data / "here"), check=False)
    assert inside.code == 1 and "lies in the data folder" in inside.err
    folder = Path(cli(served, "backup", str(tmp_path / "backups")).out.strip())
    in_use = cli(served, "restore", str(folder), check=False)
    assert in_use.code == 1 and "is in use by otel-vector serve" in in_use.err
    assert served.stop() == 0
    not_empty = cli(served, "restore", str(folder), check=False)
    assert not_empty.code == 1 and "is not empty" in not_empty.err
    served.data.rename(tmp_path / "old")
    for spoil, sentence in (
        (partial(spoiled, folder / "store" / "store.json", b"x"), "store.json was edited"),
        (lambda: spoiled(folder / "backup.json", b'"modem"', b'"model"'), "was edited"),
        (lambda: (folder / "redact").write_bytes(b""), "redact does not belong"),
        ((folder / "state" / "redact.key").unlink, "redact.key is missing"),
        ((folder / "backup.json").unlink, "cut short"),
    ):
        kept = tmp_path / "kept"
        shutil.copytree(folder, kept)
        spoil()
        result = cli(served, "restore", str(folder), check=False)
        assert result.code == 1 and sentence in result.err, result.err
        assert not served.data.exists()
        shutil.rmtree(folder)
        kept.rename(folder)
    cli(served, "restore", str(folder))


def test_a_backup_of_a_newer_version_is_refused_and_nothing_is_made(served, tmp_path):
    served.data.mkdir()
    folder = Path(cli(served, "backup", str(tmp_path / "backups")).out.strip())
    shutil.rmtree(served.data)
    manifest = json.loads((folder / "backup.json").read_bytes())
    for name, sentence in (
        ("format", "has format 99, this version reads up to"),
        ("schema", "has a store of schema 99, this version reads up to"),
    ):
        (folder / "backup.json").write_bytes(sealed(manifest | {name: 99}))
        for asked in (("restore", str(folder)), ("backup", "--verify", str(folder))):
            result = cli(served, *asked, check=False)
            assert result.code == 1, result.out
            assert sentence in result.err
            assert "restore it with the version of otel-vector that made it" in result.err
        assert not served.data.exists()
        assert not list(tmp_path.glob("*.partial"))
    (folder / "backup.json").write_bytes(sealed(manifest))
    cli(served, "restore", str(folder))


def sealed(manifest):
    """Return a manifest as the version that made it would have written it."""
    content = {name: value for name, value in manifest.items() if name != "seal"}
    text = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    seal = blake2b(text, digest_size=32).hexdigest()
    return orjson.dumps(content | {"seal": seal})


def spoiled(path, more, instead_of=b""):
    content = path.read_bytes()
    path.write_bytes(content.replace(instead_of, more) if instead_of else content[:-1] + more)
