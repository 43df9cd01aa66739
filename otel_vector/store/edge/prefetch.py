"""Reading a shard's indexes into the page cache before the first question needs them.

The engine maps the files of a sealed shard for random access and lets the kernel forget them when
it loads them: questions would then read them from the disk a page at a time, and the first ones
take seconds for it. Read as a whole, the indexes of a shard take some milliseconds. What is read
is the kernel's to drop again; it is no memory of the process.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

__all__ = ["prefetch_indexes"]


def prefetch_indexes(folder: Path) -> None:
    """Have the kernel read the payload indexes of a loaded shard, where it knows how to."""
    if not hasattr(os, "posix_fadvise"):  # as on macOS
        return
    for path in folder.glob("segments/*/payload_index/**/*"):
        with suppress(OSError):  # a hint: what cannot be opened just now is read later
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_WILLNEED)
            finally:
                os.close(descriptor)
