"""Jobs over HTTP: started, followed, ended; files only where settings allow."""

from __future__ import annotations

import json

import httpx
import pytest
from serving import Served, cli, eventually

DEADLINE_S = 60


def _at(url):
    return {"kind": "reembed", "arguments": {"model": "any", "url": url}}


@pytest.fixture
def served(tmp_path):
    process = Served(tmp_path)
    yield process
    process.end()


@pytest.fixture
def api(served, tmp_path):
    (tmp_path / "otel-vector.toml").write_text(f'[jobs]\nallowed_paths = ["{tmp_path}/allowed"]\n')
    served.start("--config", str(tmp_path / "otel-vector.toml"))
    url = f"http://{served.endpoints['api']}/v1"
    with httpx.Client(base_url=url, timeout=DEADLINE_S) as client:
        yield client


def events(api, job_id):
    with api.stream("GET", f"jobs/{job_id}/events", timeout=DEADLINE_S) as answer:
        return [json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: ")]


def send_one(served):
    span = {"traceId": "1" * 32, "spanId": "2" * 16, "name": "buy", "startTimeUnixNano": "1"}
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    httpx.post(f"http://{served.endpoints['otlp_http']}/v1/traces", json=body).raise_for_status()


def test_a_backup_is_started_followed_to_its_end_and_listed(api, served, tmp_path):
    body = {"kind": "backup", "arguments": {"target": str(tmp_path / "allowed" / "here")}}
    started = api.post("jobs", json=body)
    assert started.status_code == 202, started.text
    told = events(api, started.json()["id"])
    assert (told[-1]["state"], told[-1]["error"]) == ("done", "")
    assert cli(served, "backup", "--verify", told[-1]["result"]["folder"], "--json").json["whole"]
    (listed,) = api.get("jobs").json()["jobs"]
    assert listed == api.get(f"jobs/{listed['id']}").json() == told[-1]
    shown = cli(served, "jobs", "show", listed["id"], "--follow", "--json").json
    assert shown == listed
    assert api.delete(f"jobs/{listed['id']}").json()["state"] == "done"


def test_reindexing_is_the_tenants_own(api):
    job = api.post("jobs", json={"kind": "reindex"}).json()
    assert job["tenant"] == "default"
    assert events(api, job["id"])[-1]["state"] == "done"


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        ({"kind": "paint"}, 400, "there is no kind of job 'paint'"),
        ({"kind": "backup", "arguments": {"target": "/etc"}}, 400, "jobs.allowed_paths"),
        ({"kind": "backup"}, 400, "jobs.allowed_paths"),
        ({"kind": "reindex", "arguments": {"a": 1}}, 400, "takes no arguments"),
        (_at("http://169.254.169.254/v1"), 400, "no other server than embed.url"),
        (_at("none@127.0.0.1"), 400, "no other server than embed.url"),
        ({"arguments": {}}, 422, "kind"),
    ],
    ids=["unknown", "elsewhere", "nowhere", "argument", "a server", "a user", "no kind"],
)
def test_what_cannot_be_started_is_said(api, body, status, sentence):
    answer = api.post("jobs", json=body)
    assert (answer.status_code, sentence in answer.text) == (status, True), answer.text
    assert api.get("jobs").json() == {"jobs": []}


def test_a_way_out_of_an_allowed_folder_is_refused(api, tmp_path):
    (tmp_path / "allowed").mkdir()
    (tmp_path / "allowed" / "link").symlink_to(tmp_path)
    for target in ("allowed/../secret", "allowed/link/secret"):
        body = {"kind": "backup", "arguments": {"target": f"{tmp_path}/{target}"}}
        assert "jobs.allowed_paths" in api.post("jobs", json=body).text


def test_a_job_that_is_none_is_not_found(api):
    for answer in (api.get("jobs/0"), api.get("jobs/0/events"), api.delete("jobs/0")):
        assert answer.status_code == 404


def test_keys_of_one_tenant_neither_see_nor_start_work_on_the_whole_store(api, served, tmp_path):
    body = {"kind": "backup", "arguments": {"target": str(tmp_path / "allowed")}}
    whole = api.post("jobs", json=body).json()["id"]
    events(api, whole)
    send_one(served)
    eventually(lambda: api.get("stats").json()["spans"] == 1)

    def key(*options):
        return {"x-api-key": cli(served, "keys", "create", *options, "--json").json["key"]}

    everywhere = key("ops", "--role", "admin", "--tenant", "*")
    one = key("shop", "--role", "admin", "--tenant", "shop")
    eventually(lambda: api.get("jobs").status_code == 401)
    assert api.get("jobs", headers=one).json() == {"jobs": []}
    assert api.get(f"jobs/{whole}", headers=one).status_code == 404
    assert api.delete(f"jobs/{whole}", headers=one).status_code == 404
    assert api.post("jobs", json=body, headers=one).status_code == 403
    chosen = {**everywhere, "x-tenant": "default"}
    seen = api.get("jobs", headers=chosen)
    assert [job["id"] for job in seen.json().get("jobs", ())] == [whole], seen.text


def test_an_import_shows_as_a_job_whether_or_not_the_folder_is_served(api, served, tmp_path):
    span = {"traceId": "1" * 32, "spanId": "2" * 16, "name": "buy", "startTimeUnixNano": "1"}
    file = tmp_path / "spans.jsonl"
    file.write_text(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}))
    cli(served, "import", str(file))
    (listed,) = api.get("jobs").json()["jobs"]
    assert (listed["kind"], listed["state"], listed["result"]["spans"]) == ("import", "done", 1)
    assert served.stop() == 0
    cli(served, "import", str(file), "--restart")
    kinds = [
        (job["kind"], job["state"]) for job in cli(served, "jobs", "list", "--json").json["jobs"]
    ]
    assert kinds == [("import", "done"), ("import", "done")]
