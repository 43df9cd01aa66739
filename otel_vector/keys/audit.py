"""The audit log: who did which administrative act, when, to whose data, and how it ended.

One line of JSON an act in `audit.jsonl`, mode 0600, only ever appended to, durable when
`AuditLog.record` returns. Each line carries a hash over itself and the hash of the line before
it, and `audit.head` names the last line, so that editing, cutting and swapping lines show::

    {… "sequence": 6, "previous": H5, "hash": H6}
    {… "sequence": 7, "previous": H6, "hash": H7}      audit.head: 7 H7

A line that a crash left unfinished was never acknowledged; the next act writes over it. Whoever
can write the folder can make a whole new chain: note the head elsewhere to notice that, too.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import orjson

from otel_vector.errors import ConfigError, StorageFullError
from otel_vector.spans.ids import Tenant

__all__ = ["LOCAL_USER", "Act", "AuditLog", "Entry", "Head", "Verdict"]

LOCAL_USER: Final = "local user"
"""Who acts on the command line, on a folder that is the user's own."""

_LOG: Final = "audit.jsonl"
_HEAD: Final = "audit.head"
_FIRST: Final = ""  # what the first line calls the hash before it
_LONGEST_LINE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Act:
    """An administrative act.

    Attributes:
        what: the part and the act, as `keys.create`, `spans.delete`, `store.restore`.
        who: the id of the key, never its secret, or `LOCAL_USER`.
        tenants: whose data or access it changed; none for an act on the whole store.
        outcome: `begun`, `done`, `refused` or `failed`.
        counts: how much it changed.
        detail: what else tells what was done, in words; no secrets and no stored text.
    """

    what: str
    who: str = LOCAL_USER
    tenants: tuple[Tenant, ...] = ()
    outcome: str = "done"
    counts: Mapping[str, int] = field(default_factory=dict)
    detail: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Head:
    """The last line: its number, from 1, and its hash. 0 before the first."""

    sequence: int = 0
    hash: str = _FIRST


@dataclass(frozen=True, slots=True)
class Entry:
    """An act as it is recorded, at a time in nanoseconds since the epoch."""

    act: Act
    time_ns: int
    head: Head

    def to_json(self) -> dict[str, Any]:
        """Return plain values, as the API and the command line show them."""
        return {**_facts(self.act, self.time_ns, self.head.sequence), "hash": self.head.hash}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verifying found: lines read, the head, and what is wrong, in words; none if sound."""

    entries: int
    head: Head
    complaints: tuple[str, ...]


class AuditLog:
    """The audit log of a data folder; any number of threads and processes may append."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / _LOG
        self._head = folder / _HEAD

    def record(self, act: Act) -> Entry:
        """Append an act; it is durable when this returns.

        Raises:
            StorageFullError: the disk is full.
            ConfigError: the file cannot be written.
        """
        with self._translated(), self._appending() as file:
            before = self._last(file)
            fields = _facts(act, time.time_ns(), before.sequence + 1) | {"previous": before.hash}
            head = Head(before.sequence + 1, _hash(fields))
            _write(file, orjson.dumps(fields | {"hash": head.hash}) + b"\n")
            self._set_head(head)
        return Entry(act, int(fields["time_unix_nano"]), head)

    @contextmanager
    def during(self, act: Act) -> Iterator[dict[str, int]]:
        """Record that an act has begun, and after the block how it ended.

        Yields:
            Counts to add to while it goes on; they are recorded with its end.
        """
        self.record(replace(act, outcome="begun"))
        counts = dict(act.counts)
        try:
            yield counts
        except BaseException as error:  # also when interrupted: the trail must not end at "begun"
            detail = {**act.detail, "error": type(error).__name__}
            self.record(replace(act, outcome="failed", counts=counts, detail=detail))
            raise
        self.record(replace(act, outcome="done", counts=counts))

    def entries(
        self, since_ns: int = 0, tenants: Collection[Tenant] | None = None
    ) -> Iterator[Entry]:
        """Yield what is recorded, oldest first; lines that cannot be read are left out.

        Args:
            since_ns: only acts from then on.
            tenants: only acts that concern these tenants and no others; None for every act,
                those on the whole store included.
        """
        for line in self._lines():
            entry = _entry(line)
            if entry is None or entry.time_ns < since_ns:
                continue
            concerned = entry.act.tenants
            if tenants is None or (concerned and set(concerned) <= set(tenants)):
                yield entry

    def verify(self) -> Verdict:
        """Read the whole log and say whether it is what was recorded."""
        complaints, last, recorded = list[str](), Head(), self._recorded_head()
        seen = Head()
        for number, line in enumerate(self._lines(), 1):
            complaint, last = _checked(line, number, last)
            complaints += [complaint] if complaint else []
            if recorded and last.sequence == recorded.sequence:
                seen = last
        complaints += _ending(recorded, seen, last)
        return Verdict(last.sequence, last, tuple(complaints))

    def _lines(self) -> Iterator[bytes]:
        """Yield the complete lines without their ends."""
        try:
            with self._log.open("rb") as file:
                for line in file:
                    if line.endswith(b"\n"):
                        yield line[:-1]
        except FileNotFoundError:
            return

    @contextmanager
    def _appending(self) -> Iterator[int]:
        """Yield the log, opened by nobody else to append to and ending in a whole line."""
        is_new = not self._log.exists()
        file = os.open(self._log, os.O_CREAT | os.O_RDWR | os.O_APPEND, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            if is_new:
                _sync_folder(self._log.parent)
            yield file
        finally:
            os.close(file)

    def _last(self, file: int) -> Head:
        """Return what the next line follows.

        That is the head where the log's own end is not what the head says: the gap stays
        visible for ever.
        """
        size = os.fstat(file).st_size
        tail = os.pread(file, _LONGEST_LINE, max(0, size - _LONGEST_LINE))
        whole = tail.rfind(b"\n") + 1
        if whole < len(tail):
            os.ftruncate(file, size - len(tail) + whole)
        line = tail[:whole].rstrip(b"\n").rpartition(b"\n")[2]
        entry, recorded = _entry(line), self._recorded_head() or Head()
        last = entry.head if entry else Head()
        return last if last.sequence > recorded.sequence else recorded

    def _recorded_head(self) -> Head | None:
        try:
            sequence, _, digest = self._head.read_text("ascii").strip().partition(" ")
            return Head(int(sequence), digest)
        except (FileNotFoundError, ValueError):
            return None

    def _set_head(self, head: Head) -> None:
        draft = self._head.with_suffix(".head.new")
        file = os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        try:
            _write(file, f"{head.sequence} {head.hash}\n".encode("ascii"))
        finally:
            os.close(file)
        draft.replace(self._head)
        _sync_folder(self._head.parent)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise StorageFullError(
                    f"the disk is full: {self._log} cannot grow, and no act is done unrecorded; "
                    "make room"
                ) from error
            raise ConfigError(
                f"{self._log} cannot be written ({error.strerror}); administrative acts are "
                "recorded there: let the user who serves the folder own it"
            ) from error


def _facts(act: Act, time_ns: int, sequence: int) -> dict[str, Any]:
    return {
        "sequence": sequence,
        "time_unix_nano": str(time_ns),
        "who": act.who,
        "what": act.what,
        "tenants": list(act.tenants),
        "outcome": act.outcome,
        "counts": dict(act.counts),
        "detail": dict(act.detail),
    }


def _hash(fields: Mapping[str, Any]) -> str:
    return sha256(orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _entry(line: bytes) -> Entry | None:
    try:
        read = orjson.loads(line)
        act = Act(
            what=str(read["what"]),
            who=str(read["who"]),
            tenants=tuple(Tenant(str(tenant)) for tenant in read["tenants"]),
            outcome=str(read["outcome"]),
            counts=dict(read["counts"]),
            detail=dict(read["detail"]),
        )
        head = Head(int(read["sequence"]), str(read["hash"]))
        return Entry(act, int(read["time_unix_nano"]), head)
    except (ValueError, TypeError, KeyError):
        return None


def _checked(line: bytes, number: int, last: Head) -> tuple[str, Head]:
    """Return what is wrong with a line, if anything, and what the next one has to follow."""
    entry = _entry(line)
    if entry is None:
        return f"line {number} cannot be read", Head(last.sequence + 1, "unknown")
    fields = orjson.loads(line)
    del fields["hash"]
    if _hash(fields) != entry.head.hash:
        return f"line {number} (entry {entry.head.sequence}) was edited", entry.head
    if entry.head.sequence != last.sequence + 1:
        return (
            f"line {number} is entry {entry.head.sequence}, but entry {last.sequence + 1} has to "
            "be there: lines were removed, repeated or moved"
        ), entry.head
    if fields.get("previous") != last.hash:
        return f"line {number} does not follow the line before it", entry.head
    return "", entry.head


def _ending(recorded: Head | None, seen: Head, last: Head) -> list[str]:
    """Return what is wrong with the log's end."""
    if recorded is None:
        return [f"{_HEAD} is missing or unreadable"] if last.sequence > 1 else []
    if recorded.sequence > last.sequence:
        return [f"the log ends at entry {last.sequence}, but {recorded.sequence} were recorded"]
    if seen != recorded:
        return [f"entry {recorded.sequence} is not the one that {_HEAD} names"]
    return []


def _write(file: int, content: bytes) -> None:
    while content:
        content = content[os.write(file, content) :]
    os.fsync(file)


def _sync_folder(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
