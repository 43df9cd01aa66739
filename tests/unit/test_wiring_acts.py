"""What jobs do is recorded when it begins and when it ends, and what they are told is not."""

import pytest

from otel_vector.errors import StorageFullError
from otel_vector.jobs.contract import Kind
from otel_vector.keys.audit import AuditLog
from otel_vector.progress import unreported
from otel_vector.spans.ids import Tenant
from otel_vector.wiring.acts import kinds_recorded


def full(_tenant, _arguments, _progress):
    raise StorageFullError("the disk is full")


def test_jobs_are_recorded_with_their_counts_and_how_they_ended(tmp_path):
    kinds = kinds_recorded(
        {
            "reindex": Kind(lambda *_: {"items": 7, "note": "words"}),
            "backup": Kind(full),
            "seal": Kind(lambda *_: {}),
        },
        tmp_path,
    )
    assert kinds["reindex"].work(Tenant("a"), {"secret": "word"}, unreported)["items"] == 7
    assert kinds["seal"].work(None, {}, unreported) == {}
    with pytest.raises(StorageFullError):
        kinds["backup"].work(None, {}, unreported)
    acts = [entry.act for entry in AuditLog(tmp_path).entries()]
    assert [(act.what, act.outcome) for act in acts] == [
        ("store.reindex", "begun"),
        ("store.reindex", "done"),
        ("store.backup", "begun"),
        ("store.backup", "failed"),
    ]
    assert (acts[1].who, acts[1].tenants, dict(acts[1].counts)) == ("job", ("a",), {"items": 7})
    assert "word" not in (tmp_path / "audit.jsonl").read_text()
