"""Where a function is written and what its text is, read without running any of its code.

The hash stands for the text: dedented, with its decorators, the same on every version of Python.
It is read when the function is decorated, since the file may be another one by the time of the
first call. Functions without a text (typed at a prompt, made by `exec`, written in C) get a hash
of their code, which is the same on one version of Python.
"""

from __future__ import annotations

import inspect
import linecache
import re
import tokenize
from collections.abc import Callable, Iterator
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from textwrap import dedent
from types import CodeType, FunctionType
from typing import Any, Final

from otel_vector.instrument.names import code_name, subject_of

__all__ = ["Source", "source_of"]

_LONGEST: Final = 150_000  # characters of a source; a longer one is only hashed
_BEGINS: Final = re.compile(r"\s*(?:@|(?:async\s+)?def\b|class\b)|.*\blambda\b")
_INSTALLED: Final = ("site-packages", "dist-packages")


class Source:
    """Where a function comes from.

    Attributes:
        text: its source, dedented; empty without one.
        hash: 16 hex digits.
        file: relative to the root of its repository, with `/`; empty if there is no such file.
        line: where it begins; 0 if it is not known.
    """

    __slots__ = ("file", "hash", "line", "text")

    def __init__(self, text: str, digest: str, file: str, line: int) -> None:
        self.text = text
        self.hash = digest
        self.file = file
        self.line = line


def source_of(function: Callable[..., Any]) -> Source:
    """Return a function's source as far as there is one.

    Raises:
        Exception: whatever an odd callable raises when it is looked at.
    """
    python = _python_function(function)
    if python is None:
        return Source("", _hash(code_name(function)), "", 0)
    code = python.__code__
    text = _text(python)
    digest = _hash(text) if text else _hash(code_name(function), *_marks(code))
    kept = text if len(text) <= _LONGEST else ""
    return Source(kept, digest, _file(code.co_filename), code.co_firstlineno)


def _python_function(function: Callable[..., Any]) -> FunctionType | None:
    """Return the innermost function written in Python, if there is one."""
    subject = subject_of(function)
    if isinstance(subject, type):
        subject = getattr(subject, "__call__", None)  # noqa: B004 -- of the class, not callable()
    inner = inspect.unwrap(subject) if subject is not None else None
    return inner if isinstance(inner, FunctionType) else None


def _text(function: FunctionType) -> str:
    """Return the lines of a function; empty if its file is not what was loaded."""
    code = function.__code__
    linecache.checkcache(code.co_filename)
    lines = linecache.getlines(code.co_filename, function.__globals__)[code.co_firstlineno - 1 :]
    if not lines or not _BEGINS.match(lines[0]):
        return ""
    try:
        return dedent("".join(inspect.getblock(lines)))
    except (SyntaxError, tokenize.TokenError):
        return ""


def _hash(*parts: str) -> str:
    digest = blake2b(digest_size=8, person=b"ov-source")
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return digest.hexdigest()


def _marks(code: CodeType) -> Iterator[str]:
    """Yield what a function's code is made of, without addresses and in a fixed order."""
    yield code.co_code.hex()
    yield " ".join((*code.co_names, *code.co_varnames))
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _marks(constant)
        elif isinstance(constant, frozenset):
            yield ",".join(sorted(map(repr, constant)))
        else:
            yield repr(constant)


def _file(name: str) -> str:
    """Return a file's path below the root of what it belongs to."""
    if name.startswith("<"):
        return ""
    path = Path(name).absolute()
    return f"{_below_root(str(path.parent))}{path.name}" if path.is_file() else ""


@lru_cache(maxsize=1024)
def _below_root(folder: str) -> str:
    """Return a folder's path below its root, ending in `/`; empty for the root itself."""
    path = Path(folder)
    root = _root(path)
    below = "" if root is None else path.relative_to(root).as_posix()
    return f"{below}/" if below not in {"", "."} else ""


def _root(folder: Path) -> Path | None:
    """Return where installed packages are, else the repository, else the project."""
    above = (folder, *folder.parents)
    installed = next((one for one in above if one.name in _INSTALLED), None)
    if installed is not None:
        return installed
    for mark in (".git", "pyproject.toml"):
        for one in above:
            if (one / mark).exists():
                return one
    return None
