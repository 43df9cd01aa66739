"""Error codes of exceptions: from the exception, from a mapping file, else its class name.

The file is one JSON object. Its keys are class names, bare or qualified; a value is a code, or one
that holds for certain messages only, or a list of such::

    {
      "ValueError": "INVALID_INPUT",
      "shop.errors.PaymentError": [
        {"code": "CARD_EXPIRED", "pattern": "(?i)expired"},
        "PAYMENT_FAILED"
      ]
    }

An exception's own class is looked up first, then what it inherits from, nearest first; of a class
the first entry that fits. Patterns are of RE2, which takes no longer for one than for another, and
are searched for in the first 4,096 characters of the message.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Final, Protocol

from otel_vector.canonical.names import bare_name, mro_of, type_name
from otel_vector.errors import ConfigError
from otel_vector.instrument.files import object_in

__all__ = ["ErrorCodes", "Rule"]

_MOST_CHARS: Final = 4_096
_MOST_CODE_CHARS: Final = 256


class _Pattern(Protocol):
    """A compiled expression."""

    def search(self, text: str) -> object:
        """Return what is found in a text; None for nothing."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A code of one class of exceptions.

    Attributes:
        code: the code.
        pattern: what the message has to contain; None for any message.
    """

    code: str
    pattern: _Pattern | None = None


@dataclass(frozen=True, slots=True)
class ErrorCodes:
    """Codes of exceptions.

    Attributes:
        rules: by class name, bare or qualified, in the order they are tried.
        ignored: codes that are expected: their spans are not marked as failed.
    """

    rules: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()

    @classmethod
    def load(
        cls, path: str | Path, *, ignored: Collection[str] = (), required: bool = True
    ) -> ErrorCodes:
        """Read the mapping file.

        Args:
            path: the file; empty for none.
            ignored: codes that are expected and no failures.
            required: whether somebody named the file, so that it has to be there.

        Raises:
            ConfigError: it was named and is not there, or is not as it should be.
        """
        entries = object_in(path, required=required) or {}
        rules = {name: tuple(_rules(path, name, entry)) for name, entry in entries.items()}
        return cls(rules, frozenset(ignored))

    def code_of(self, exception: BaseException) -> str:
        """Return an exception's code; never raises, whatever its class does."""
        return _own_code(exception) or self._mapped(exception) or bare_name(type(exception))

    def is_ignored(self, code: str) -> bool:
        """Return whether spans with this code are not marked as failed."""
        return code in self.ignored

    def _mapped(self, exception: BaseException) -> str:
        if not self.rules:
            return ""
        for base in mro_of(type(exception)):
            for name in (type_name(base), bare_name(base)):
                for rule in self.rules.get(name, ()):
                    if rule.pattern is None or rule.pattern.search(_message(exception)):
                        return rule.code
        return ""


def _own_code(exception: BaseException) -> str:
    """Return the code that an exception has itself; empty for none."""
    try:
        found = getattr(exception, "error_code", None)
        if isinstance(found, Enum):
            found = found.value if isinstance(found.value, str | int) else found.name
        if isinstance(found, str | int) and not isinstance(found, bool):
            return str(found)[:_MOST_CODE_CHARS]
    except Exception:  # noqa: BLE001 -- a property of the application's; the next way is asked
        return ""
    return ""


def _message(exception: BaseException) -> str:
    """Return the beginning of what an exception says; empty if it cannot say it."""
    try:
        text = str(exception)[:_MOST_CHARS]
    except Exception:  # noqa: BLE001 -- `__str__` is the application's
        return ""
    return text.encode("utf-8", "replace").decode()


def _rules(path: str | Path, name: str, entry: Any) -> Iterator[Rule]:
    for each in entry if isinstance(entry, list) else [entry]:
        yield _rule(f"{path}: {name}", each)


def _rule(where: str, entry: Any) -> Rule:
    if _is_code(entry):
        return Rule(str(entry)[:_MOST_CODE_CHARS])
    if not isinstance(entry, dict) or not _is_code(entry.get("code")):
        raise ConfigError(f'{where}: {entry!r} is no code; write a text or {{"code": …}}')
    unknown = entry.keys() - {"code", "pattern"}
    if unknown:
        raise ConfigError(f"{where}: no such entry as {min(unknown)}; it takes code and pattern")
    pattern = entry.get("pattern")
    return Rule(
        str(entry["code"])[:_MOST_CODE_CHARS],
        None if pattern is None else _compiled(where, pattern),
    )


def _is_code(entry: Any) -> bool:
    return isinstance(entry, str | int) and not isinstance(entry, bool) and entry != ""


def _compiled(where: str, pattern: Any) -> _Pattern:
    """Return a pattern's expression; the library is loaded for the first of them."""
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        compiled: _Pattern = re2.compile(pattern, options)
    except (re2.error, TypeError) as error:
        raise ConfigError(f"{where}: the pattern {pattern!r} cannot be read: {error}") from error
    return compiled
