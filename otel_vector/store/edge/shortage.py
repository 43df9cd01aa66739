"""What the system lets one process have, and whether it is used up: memory maps, open files.

Calls that fail for want of either fail in many words, some of which read like damage
(`unable to open database file`, `disk I/O error`): what is left tells them apart.
"""

from __future__ import annotations

import mmap
import resource
from dataclasses import dataclass
from errno import EMFILE, ENFILE
from pathlib import Path
from typing import Final

from otel_vector.errors import UnsupportedError

__all__ = ["NO_FILES", "NO_MEMORY", "Usage", "memory_maps", "open_files",
           "require_room_for_a_tenant", "shortage"]  # fmt: skip

NO_FILES: Final = "no file descriptors are left; raise the limit (ulimit -n)"
NO_MEMORY: Final = (
    "no memory or no memory maps are left; raise vm.max_map_count or the limit of memory, or lower"
    " store.max_open_shards"
)

_PROCESS: Final = Path("/proc/self")
_MAX_MAPS: Final = Path("/proc/sys/vm/max_map_count")
_MARGIN_FILES: Final = 16
"""What one call may want at once: it gives back what it got when it fails."""
_MARGIN_MAPS: Final = 256
_MARGIN_TENANT: Final = 64
_KEPT: Final = 8
"""One part of so many is kept for the tenants that are there: their files grow in number."""
_MARGIN_BYTES: Final = 128 << 20


@dataclass(frozen=True, slots=True)
class Usage:
    """How many of something this process has, and may have."""

    used: int
    limit: int

    @property
    def left(self) -> int:
        """How many more it may have."""
        return max(0, self.limit - self.used)


def open_files() -> Usage | None:
    """Return the open file descriptors; None where the system does not tell."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return None
    try:
        return Usage(sum(1 for _ in Path("/dev/fd").iterdir()), limit)
    except OSError as error:
        return Usage(limit, limit) if error.errno in {EMFILE, ENFILE} else None


def memory_maps() -> Usage | None:
    """Return the memory maps; None where the system does not tell."""
    try:
        with (_PROCESS / "maps").open("rb") as lines:
            return Usage(sum(1 for _ in lines), int(_MAX_MAPS.read_text()))
    except (OSError, ValueError):
        return None


def shortage() -> str:
    """Return what this process is short of, and what to do; empty if of nothing."""
    files = open_files()
    if files is not None and files.left < _MARGIN_FILES:
        return NO_FILES
    maps = memory_maps()
    if (maps is not None and maps.left < _MARGIN_MAPS) or not _is_mappable():
        return NO_MEMORY
    return ""


def require_room_for_a_tenant() -> None:
    """Refuse a further tenant when its files and maps would be missing to those that are there.

    Raises:
        UnsupportedError: an eighth of what the process may have is left, or less.
    """
    for usage, what, limit in (
        (open_files(), "file descriptors", "ulimit -n"),
        (memory_maps(), "memory maps", "vm.max_map_count"),
    ):
        if usage is not None and usage.left < max(_MARGIN_TENANT, usage.limit // _KEPT):
            raise UnsupportedError(
                f"there is no room for a further tenant: {usage.used} of {usage.limit} {what} are"
                f" in use; raise the limit ({limit}), or give some tenants a store of their own"
            )


def _is_mappable() -> bool:
    """Whether as much can be mapped as one call of the engine maps."""
    try:
        mmap.mmap(-1, _MARGIN_BYTES).close()
    except (OSError, MemoryError):
        return False
    return True
