"""A keyring whose changes are recorded in the audit log."""

from __future__ import annotations

from otel_vector.keys.audit import LOCAL_USER, Act, AuditLog
from otel_vector.keys.contract import Issued, Key, KeyOrder, Keyring

__all__ = ["AuditedKeyring"]


class AuditedKeyring:
    """Changes keys through `inner`, and records what was changed.

    Args:
        inner: has the keys.
        log: where acts are recorded.
        who: the id of the key in whose name keys are changed, or `LOCAL_USER`.
    """

    def __init__(self, inner: Keyring, log: AuditLog, who: str = LOCAL_USER) -> None:
        self._inner = inner
        self._log = log
        self._who = who

    def create(self, order: KeyOrder) -> Issued:
        """See `Keyring.create`."""
        issued = self._inner.create(order)
        self._record("keys.create", issued.key)
        return issued

    def list(self) -> list[Key]:
        """See `Keyring.list`."""
        return self._inner.list()

    def rotate(self, key_id: str, grace_s: float) -> Issued:
        """See `Keyring.rotate`."""
        issued = self._inner.rotate(key_id, grace_s)
        self._record("keys.rotate", issued.key)
        return issued

    def disable(self, key_id: str) -> Key:
        """See `Keyring.disable`."""
        key = self._inner.disable(key_id)
        self._record("keys.disable", key)
        return key

    def authenticate(self, text: str) -> Key:
        """See `Keyring.authenticate`."""
        return self._inner.authenticate(text)

    def in_force(self) -> bool:
        """See `Keyring.in_force`."""
        return self._inner.in_force()

    def _record(self, what: str, key: Key) -> None:
        tenants = () if key.is_universal else tuple(sorted(key.tenants))
        detail = {"key": key.id, "name": key.name, "roles": ", ".join(sorted(key.roles))}
        self._log.record(Act(what, self._who, tenants, counts={"keys": 1}, detail=detail))
