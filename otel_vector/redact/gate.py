r"""One automaton over raw bytes: can there be anything to redact at all?

The gate is a superset of what the slow way finds, wherever the bytes stand: in a serialised
message, in JSON text inside a string, in JSON text inside that. It is made of the gates of all
patterns and the stems of all secret names, and of JSON's ``\u00xx`` escapes of ASCII letters,
behind which any of them could hide.

A user's own pattern is its own gate. Where it looks at its surroundings (``^``, ``$``, ``\b``),
that cannot be known from raw bytes, so everything is looked at the slow way; and since JSON may
escape what it matches, a backslash is a hit as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

import re2

from otel_vector.errors import ConfigError
from otel_vector.redact.keys import latin1
from otel_vector.settings.config import RedactConfig

__all__ = ["Gate", "compiled"]

_ESCAPED_ASCII: Final = rb"\\u00[2-7]"
_ANCHOR: Final = re.compile(r"(?<!\[)\^|\$|\\[bBAz]")
_ESCAPABLE: Final = re.compile(r"[\"\\/\x00-\x1f]|[^\x00-\x7f]")


def compiled(patterns: Iterable[str]) -> tuple[re2._Regexp, ...]:
    """Return a user's own patterns, compiled.

    Raises:
        ConfigError: RE2 cannot read one of them.
    """
    options = re2.Options()
    options.log_errors = False
    found = []
    for pattern in patterns:
        try:
            found.append(re2.compile(pattern.encode(), options))
        except re2.error as error:
            raise ConfigError(f"`redact.patterns` has {pattern!r}: {error}") from error
    return tuple(found)


class Gate:
    """Tells which bytes need the slow way."""

    def __init__(self, config: RedactConfig, gates: Iterable[bytes], stems: bytes) -> None:
        cased = b"|".join(dict.fromkeys(gate for gate in gates if gate))
        self._own = latin1(
            _ESCAPED_ASCII + rb"|(?i:" + stems + rb")" + (b"|" + cased if cased else b"")
        )
        self._users = self._user_gate(config)
        self._always = any(_ANCHOR.search(pattern) for pattern in config.patterns)

    @staticmethod
    def _user_gate(config: RedactConfig) -> re2._Regexp | None:
        compiled(config.patterns)
        parts = [f"(?:{pattern})" for pattern in config.patterns]
        if parts or any(_ESCAPABLE.search(key) for key in config.keys):
            parts.append(r"\\")
        return compiled(["|".join(parts)])[0] if parts else None

    def hit(self, data: bytes) -> bool:
        """Return whether the slow way could find something in these bytes."""
        if self._always or self._own.search(data) is not None:
            return True
        return self._users is not None and self._users.search(data) is not None

    def ranges(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Yield, unordered, the byte ranges that are hits.

        Whatever the slow way finds overlaps one of them.
        """
        if self._always:
            yield 0, len(data)
            return
        for match in self._own.finditer(data):
            yield match.span()
        if self._users is not None:
            for match in self._users.finditer(data):
                yield match.span()
