"""What attribute names mean, remembered: each name is looked up in the tables once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from otel_vector.describe.families import Role, role_of
from otel_vector.spans.conventions import canonical, family
from otel_vector.spans.keys import attribute_field, key_of

__all__ = ["Roles"]

_MOST = 20_000
_LONGEST = 256  # characters of a name that is remembered


class Roles(dict[str, Role | None]):
    """Attribute name → role. Asking for a name that is not there works it out."""

    def __init__(self, indexed: Sequence[str]) -> None:
        """Take the names whose equality the engine shall answer, with their families."""
        super().__init__()
        self._indexed = {
            name: attribute_field(key) for key in indexed for name in family(canonical(key))
        }

    def __missing__(self, key: str) -> Role | None:
        role = role_of(key, self._indexed)
        if len(key) <= _LONGEST:
            if len(self) >= _MOST:
                self.clear()
            self[key] = role
        return role

    def keys_in(self, attributes: Iterable[KeyValue]) -> tuple[int, ...]:
        """Return the equality keys of some attributes."""
        return tuple(
            key_of(role.key, item.value)
            for item in attributes
            if (role := self[item.key]) is not None and role.key
        )
