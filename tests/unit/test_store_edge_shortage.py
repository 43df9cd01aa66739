"""A process that is out of memory maps, memory or file descriptors takes no file for damaged.

What runs out does so in a process of its own: it would end the tests too.
"""

import resource
import subprocess
import sys

import pytest

from otel_vector.errors import UnsupportedError
from otel_vector.settings.config import StoreConfig
from otel_vector.spans.ids import Tenant
from otel_vector.store.edge import EdgeStore
from otel_vector.store.edge.shortage import open_files

# Memory maps and descriptors are counted in /proc, and their limits set as there.
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a process has")

_OUT_OF = '''
import ctypes, errno, os, resource, sys
from pathlib import Path

from otel_vector.errors import RetryableError
from otel_vector.settings.config import StoreConfig
from otel_vector.spans.filters import Where
from otel_vector.spans.ids import Tenant
from otel_vector.spans.items import traces_data
from otel_vector.spans.meanings import Signal
from otel_vector.store.edge import EdgeStore
from otel_vector.store.edge.shortage import memory_maps
from otel_vector.testing.builders import SpanRow, TENANT, digest_of, item_of
from otel_vector.testing.store_rebuilding import described

PAGE = mapped = 4096
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p] + [ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]


class Files:
    """All file descriptors but some are gone."""

    lefts = (0, 2, 4, 7, 12, 200)

    def __init__(self):
        self.before = resource.getrlimit(resource.RLIMIT_NOFILE)

    def take(self, left):
        used = len(os.listdir("/proc/self/fd")) - 1
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + left, self.before[1]))

    def give_back(self):
        resource.setrlimit(resource.RLIMIT_NOFILE, self.before)


class Memory:
    """All address space but some is gone."""

    lefts = tuple(mib << 20 for mib in (1, 40, 100, 250, 500, 1500))

    def take(self, left):
        used = int(Path("/proc/self/statm").read_text().split()[0]) * PAGE
        resource.setrlimit(resource.RLIMIT_AS, (used + left, resource.RLIM_INFINITY))

    def give_back(self):
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.setrlimit(resource.RLIMIT_AS, unlimited)


class Maps:
    """All memory maps but some are gone: every other page of a large one is made readable."""

    lefts = (4, 40, 80, 130, 200, 600)

    def take(self, left):
        wanted = max(0, memory_maps().left - left - 1)
        self.bytes = 2 * PAGE * (wanted // 2 + 2)
        self.base = libc.mmap(None, self.bytes, 0, 0x22, -1, 0)
        for page in range(wanted // 2):
            libc.mmap(self.base + PAGE * (2 * page + 1), PAGE, 1, 0x32, -1, 0)

    def give_back(self):
        libc.munmap(self.base, self.bytes)


def opened():
    return EdgeStore(Path(sys.argv[2]), StoreConfig(), "hashing", 8)


def write(store, first):
    rows = [SpanRow(name=f"charge card {n % 3}", trace=n, span=n) for n in range(first, first + 20)]
    message = traces_data([item_of(row) for row in rows]).SerializeToString()
    batch = described(Signal.SPANS, message)
    store.tenant(TENANT).writer.write(batch, digest_of(batch))


def asked(store):
    reader = store.tenant(TENANT).reader
    found = reader.candidates(Signal.SPANS, Where())
    return (len(reader.find(Signal.SPANS, Where(), 99).items), sum(found.values()),
            store.tenant(TENANT).meanings.counts().total, store.tenant(TENANT).upkeep.damaged())


def attempt():
    """Open and ask; return whether that could be done."""
    store = None
    try:
        store = opened()
        assert asked(store) == before
        return True
    except (RetryableError, MemoryError, OSError) as error:
        wanting = getattr(error, "errno", 0) in (errno.EMFILE, errno.ENOMEM)
        assert wanting or isinstance(error, MemoryError) or "are left" in str(error), error
        return False
    finally:
        out_of.give_back()
        if store is not None:
            store.close()


store = opened()
write(store, 1)
before = asked(store)
store.close()
out_of = {"files": Files, "memory": Memory, "maps": Maps}[sys.argv[1]]()
outcomes = []
for left in out_of.lefts:
    (Path(sys.argv[2]) / "clean").unlink()
    out_of.take(left)
    outcomes.append(attempt())
    store = opened()
    assert asked(store) == before, (left, asked(store), before)
    store.close()
assert not outcomes[0] and outcomes[-1], outcomes
aside = [str(path) for path in Path(sys.argv[2]).rglob("*") if ".damaged-" in path.name]
assert not aside, aside
assert not list(Path(sys.argv[2]).rglob("meanings.current"))
print(sum(outcomes), "of", len(outcomes), "could be opened")
'''


@linux
@pytest.mark.parametrize("what", ["files", "memory", "maps"])
def test_a_store_that_cannot_be_opened_for_want_of_something_is_whole_afterwards(tmp_path, what):
    command = [sys.executable, "-c", _OUT_OF, what, str(tmp_path / "store")]
    ran = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    assert not ran.returncode, ran.stderr[-3_000:]
    assert "could be opened" in ran.stdout


@linux
def test_a_further_tenant_is_refused_before_those_that_are_there_want_for_files(tmp_path):
    store = EdgeStore(tmp_path, StoreConfig(), "hashing", 8)
    there = store.tenant(Tenant("there"))
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (open_files().used + 50, before[1]))
    try:
        with pytest.raises(UnsupportedError, match="raise the limit"):
            store.tenant(Tenant("further"))
        assert store.tenant(Tenant("there")) is there
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert [path.name for path in (tmp_path / "tenants").iterdir()] == ["there"]
    assert store.tenant(Tenant("further")).meanings.counts().total == 0
    store.close()
