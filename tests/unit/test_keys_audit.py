"""The audit log: appended by many, durable, and nothing can be taken from it unnoticed."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import orjson
import pytest

from otel_vector.keys.audit import LOCAL_USER, Act, AuditLog, Head
from otel_vector.spans.ids import Tenant

A, B = Tenant("a"), Tenant("b")


def recorded(folder, acts=5):
    log = AuditLog(folder)
    for number in range(acts):
        log.record(Act(f"jobs.cancel{number}", who="key1", tenants=(A,), counts={"jobs": number}))
    return log


def lines(folder):
    return (folder / "audit.jsonl").read_bytes().splitlines(keepends=True)


def rewrite(folder, changed):
    (folder / "audit.jsonl").write_bytes(b"".join(changed))


def test_an_act_is_read_back_as_it_was_recorded(tmp_path):
    act = Act("spans.delete", "key7", (A,), "done", {"spans": 3}, {"filter": "service"})
    log = AuditLog(tmp_path)
    entry = log.record(act)
    assert list(AuditLog(tmp_path).entries()) == [entry]
    assert entry.act == act
    assert log.verify().complaints == ()
    assert log.verify().head == entry.head


def test_the_files_are_for_their_owner_only(tmp_path):
    recorded(tmp_path)
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}


def test_nothing_recorded_is_sound(tmp_path):
    verdict = AuditLog(tmp_path).verify()
    assert (verdict.entries, verdict.head, verdict.complaints) == (0, Head(), ())


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda all_: all_[:3], "ends at entry 3, but 5 were recorded"),
        (lambda _: [], "ends at entry 0, but 5 were recorded"),
        (lambda all_: all_[1:], "entry 1 has to be there"),
        (lambda all_: [*all_[:2], *all_[3:]], "entry 3 has to be there"),
        (lambda all_: [*all_[:2], all_[3], all_[2], all_[4]], "entry 3 has to be there"),
        (lambda all_: [*all_, all_[4]], "entry 6 has to be there"),
        (
            lambda all_: [line.replace(b"key1", b"key2") for line in all_],
            "line 1 (entry 1) was edited",
        ),
        (lambda all_: [*all_[:2], b"nonsense\n", *all_[3:]], "line 3 cannot be read"),
    ],
    ids=["tail", "all", "head", "middle", "swapped", "repeated", "edited", "nonsense"],
)
def test_what_was_changed_shows(tmp_path, change, complaint):
    log = recorded(tmp_path)
    rewrite(tmp_path, change(lines(tmp_path)))
    assert complaint in " ".join(log.verify().complaints)


def test_a_cut_end_still_shows_after_further_acts(tmp_path):
    log = recorded(tmp_path)
    rewrite(tmp_path, lines(tmp_path)[:2])
    entry = log.record(Act("keys.create"))
    assert entry.head.sequence == 6
    assert "entry 3 has to be there" in log.verify().complaints[0]


def test_a_line_whose_hash_was_made_anew_does_not_fit_the_next(tmp_path):
    log = recorded(tmp_path)
    all_ = lines(tmp_path)
    other = AuditLog(tmp_path / "other")
    (tmp_path / "other").mkdir()
    for number in range(5):
        other.record(Act(f"jobs.cancel{number}", who="somebody else"))
    rewrite(tmp_path, [all_[0], lines(tmp_path / "other")[1], *all_[2:]])
    assert "line 2 does not follow" in log.verify().complaints[0]
    rewrite(tmp_path, lines(tmp_path / "other"))
    assert "is not the one that audit.head names" in log.verify().complaints[0]


def test_a_line_that_a_crash_left_unfinished_is_written_over(tmp_path):
    log = recorded(tmp_path)
    with (tmp_path / "audit.jsonl").open("ab") as file:
        file.write(b'{"sequence": 6, "wh')
    assert log.verify().complaints == ()
    assert log.record(Act("keys.create")).head.sequence == 6
    assert log.verify().complaints == ()
    assert len(lines(tmp_path)) == 6


def test_a_crash_between_line_and_head_loses_nothing(tmp_path):
    log = recorded(tmp_path, 2)
    before = (tmp_path / "audit.head").read_bytes()
    log.record(Act("keys.create"))
    (tmp_path / "audit.head").write_bytes(before)
    assert log.verify().complaints == ()
    assert log.record(Act("keys.create")).head.sequence == 4
    assert log.verify().complaints == ()


def test_only_acts_on_the_askers_own_tenants_are_told(tmp_path):
    log = AuditLog(tmp_path)
    for tenants in ((A,), (B,), (A, B), ()):
        log.record(Act("x", tenants=tenants))
    assert [e.act.tenants for e in log.entries(tenants={A})] == [(A,)]
    assert [e.act.tenants for e in log.entries(tenants={A, B})] == [(A,), (B,), (A, B)]
    assert len(list(log.entries())) == 4


def test_an_act_that_takes_long_is_recorded_when_it_begins_and_when_it_ends(tmp_path):
    log = AuditLog(tmp_path)
    with log.during(Act("spans.delete", tenants=(A,))) as counts:
        counts["spans"] = 7
    with pytest.raises(KeyError), log.during(Act("store.restore")):
        raise KeyError
    assert [(e.act.outcome, dict(e.act.counts)) for e in log.entries()] == [
        ("begun", {}),
        ("done", {"spans": 7}),
        ("begun", {}),
        ("failed", {}),
    ]
    assert [e.act.who for e in log.entries()] == [LOCAL_USER] * 4


def test_threads_and_processes_share_one_chain(tmp_path):
    program = (
        "import sys; from pathlib import Path; from otel_vector.keys.audit import Act, AuditLog\n"
        "for n in range(20): AuditLog(Path(sys.argv[1])).record(Act('keys.create'))"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path)]) for _ in range(2)
    ]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: AuditLog(tmp_path).record(Act("x")), range(20)))
    assert [process.wait(60) for process in processes] == [0, 0]
    verdict = AuditLog(tmp_path).verify()
    assert (verdict.entries, verdict.complaints) == (60, ())
    assert [orjson.loads(line)["sequence"] for line in lines(tmp_path)] == list(range(1, 61))
