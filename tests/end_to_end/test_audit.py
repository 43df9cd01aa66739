"""The audit log as its owner reads it on the command line."""

from isolating import spans
from serving import Served, cli, eventually

from otel_vector.keys.audit import Act, AuditLog
from otel_vector.spans.ids import Tenant


def filled(tmp_path):
    served = Served(tmp_path)
    served.data.mkdir()
    log = AuditLog(served.data)
    log.record(Act("keys.create", tenants=(Tenant("acme"),), counts={"keys": 1}))
    log.record(Act("spans.delete", who="0a1b2c3d4e5f", counts={"spans": 12_345}))
    return served


def test_acts_are_listed_newest_last(tmp_path):
    served = filled(tmp_path)
    assert "no administrative acts" in cli(served, "audit", "--since", "2100-01-01").err
    lines = cli(served, "audit").out.splitlines()
    assert "local user" in lines[1] and "acme" in lines[1] and "1 keys" in lines[1]
    assert "0a1b2c3d4e5f" in lines[2] and "all" in lines[2] and "12,345 spans" in lines[2]
    newest = cli(served, "audit", "--limit", "1", "--json").json
    assert [(one["what"], one["counts"]) for one in newest] == [
        ("spans.delete", {"spans": 12_345})
    ]


def test_a_log_that_was_changed_is_told_and_ends_the_command_with_1(tmp_path):
    served = filled(tmp_path)
    assert "2 entries, none changed or missing" in cli(served, "audit", "--verify").out
    file = served.data / "audit.jsonl"
    file.write_bytes(file.read_bytes().replace(b"12345", b"12344"))
    changed = cli(served, "audit", "--verify", check=False)
    assert changed.code == 1
    assert "line 2 (entry 2) was edited" in changed.err
    as_json = cli(served, "audit", "--verify", "--json", check=False).json
    assert not as_json["sound"]
    assert len(as_json["complaints"]) == 1


def test_every_change_of_keys_is_recorded_and_no_secret(tmp_path):
    served = Served(tmp_path)
    made = cli(
        served, "keys", "create", "shop", "--role", "ingest", "--rate", "spans=500", "--json"
    ).json
    rotated = cli(served, "keys", "rotate", made["id"], "--json").json
    cli(served, "keys", "disable", made["id"], "--yes")
    acts = cli(served, "audit", "--json").json
    assert [act["what"] for act in acts] == ["keys.create", "keys.rotate", "keys.disable"]
    assert all(
        act["detail"]["key"] == made["id"] and act["tenants"] == ["default"] for act in acts
    )
    recorded = (served.data / "audit.jsonl").read_text()
    assert made["key"] not in recorded and rotated["key"] not in recorded
    refused = cli(
        served, "keys", "create", "x", "--role", "read", "--rate", "spans=0", check=False
    )
    assert refused.code == 2


def test_what_retention_drops_is_recorded(tmp_path):
    served = Served(tmp_path)
    old = tmp_path / "old.pb"
    data = spans("mine", 0xA1, 4)
    old.write_bytes(data.SerializeToString())
    cli(served, "import", old)
    try:
        served.start("--set", "retention.max_age_s=1d", "--set", "retention.every_s=1")
        log = AuditLog(served.data)
        eventually(lambda: any(e.act.what == "retention.drop" for e in log.entries()))
    finally:
        served.end()
    (entry,) = [e for e in log.entries() if e.act.what == "retention.drop"]
    assert (entry.act.who, entry.act.tenants) == ("retention", ("default",))
    assert entry.act.counts == {"items": 4}


def test_a_rebuild_on_the_command_line_is_the_local_users(tmp_path):
    served = Served(tmp_path)
    data = tmp_path / "some.pb"
    data.write_bytes(spans("mine", 0xA1, 4).SerializeToString())
    cli(served, "import", data)
    cli(served, "reindex", "--yes")
    acts = [entry.act for entry in AuditLog(served.data).entries()]
    assert [(act.what, act.who, act.outcome) for act in acts] == [
        ("jobs.start", "local user", "done"),
        ("store.reindex", "job", "begun"),
        ("store.reindex", "job", "done"),
    ]
