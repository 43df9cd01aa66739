"""Every error this library raises, in one tree.

::

    OtelVectorError
    ├── RetryableError              the same call may succeed later
    │   ├── StoreUnavailableError   the store's server does not answer; nothing is lost
    │   ├── LimitedError            a key's rate is used up for now; nothing was done
    │   │   └── QuotaError          a tenant's quota is used up; nothing was stored
    │   ├── InboxFullError          the inbox is at its bound; nothing was stored
    │   ├── StorageFullError        the disk or quota is full; nothing was stored
    │   └── EmbedderUnavailableError  the embedding endpoint does not answer
    └── PermanentError              the same call will fail again
        ├── InvalidInputError       the caller sent something that cannot be taken
        │   ├── MalformedError      bytes that their format cannot parse
        │   ├── UnsupportedMediaError  a content type or encoding that is not spoken here
        │   ├── TooLargeError       over a limit, before or after decompression
        │   ├── InvalidQueryError   a query, filter or cursor that cannot be read
        │   ├── QueryTimeoutError   a question that would read for too long
        │   └── UnsupportedError    a backend lacks the ability that was asked for
        ├── NotFoundError           no such thing in this tenant
        ├── AccessError             the key may not do this
        │   └── UnauthenticatedError  there is no key, or none that is in force
        ├── JobCancelledError       the work was told to end before it was done
        ├── ConfigError             a setting is wrong; the message names it
        ├── StoreLockedError        another process has the data folder open
        ├── StoreVersionError       the data folder was written by a newer version
        ├── ModelMismatchError      the store holds vectors of another embedding model
        └── StoreDamagedError       a stored file cannot be read; nothing was changed

Messages are lower case, without a full stop, and say what to do next.
Vendor exceptions are translated where the vendor is called (``raise … from``).
"""

from __future__ import annotations

__all__ = [
    "AccessError",
    "ConfigError",
    "EmbedderUnavailableError",
    "InboxFullError",
    "InvalidInputError",
    "InvalidQueryError",
    "JobCancelledError",
    "LimitedError",
    "MalformedError",
    "ModelMismatchError",
    "NotFoundError",
    "OtelVectorError",
    "PermanentError",
    "QueryTimeoutError",
    "QuotaError",
    "RetryableError",
    "StorageFullError",
    "StoreDamagedError",
    "StoreLockedError",
    "StoreUnavailableError",
    "StoreVersionError",
    "TooLargeError",
    "UnauthenticatedError",
    "UnsupportedError",
    "UnsupportedMediaError",
]


class OtelVectorError(Exception):
    """The root of all errors raised here."""


class RetryableError(OtelVectorError):
    """The same call may succeed later.

    Attributes:
        retry_after_s: how long to wait before the next try, in seconds. The Python SDK's
            exporters try six times within 10 s, and drop at once when told to wait for longer
            than they have left: 1.8 makes use of all six and of 9 s, more than 2 of fewer.
    """

    def __init__(self, message: str, retry_after_s: float = 1.8) -> None:
        super().__init__(message)
        self.retry_after_s = min(retry_after_s, 2.0)


class InboxFullError(RetryableError):
    """The inbox is at its bound; nothing was stored."""


class StorageFullError(RetryableError):
    """The disk or its quota is full; nothing was stored."""


class EmbedderUnavailableError(RetryableError):
    """The embedding endpoint does not answer."""


class StoreUnavailableError(RetryableError):
    """The store's server does not answer; what is accepted waits in the inbox."""


class LimitedError(RetryableError):
    """A key's rate is used up for now; nothing was done.

    Attributes:
        retry_after_s: when the same call is taken again, however long that is: whoever cannot
            wait for so long does best to give up at once.
    """

    def __init__(self, message: str, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class QuotaError(LimitedError):
    """A tenant's quota is used up until it is renewed or room is made; nothing was stored."""


class PermanentError(OtelVectorError):
    """The same call will fail again."""


class InvalidInputError(PermanentError):
    """The caller sent something that cannot be taken."""


class MalformedError(InvalidInputError):
    """Bytes that their format cannot parse."""


class UnsupportedMediaError(InvalidInputError):
    """A content type or content encoding that is not spoken here."""


class TooLargeError(InvalidInputError):
    """Over a size limit, before or after decompression."""


class InvalidQueryError(InvalidInputError):
    """A query, filter or cursor that cannot be read."""


class QueryTimeoutError(InvalidInputError):
    """A question that would read for too long; narrowed down, it can be answered."""


class UnsupportedError(InvalidInputError):
    """A backend lacks the ability that was asked for."""


class NotFoundError(PermanentError):
    """No such thing in this tenant."""


class AccessError(PermanentError):
    """The key may not do this, or there is none; the message says what it lacks."""


class UnauthenticatedError(AccessError):
    """No key was sent, or none that is in force; nothing was done."""


class JobCancelledError(PermanentError):
    """The work was told to end before it was done; what is done so far stays."""


class ConfigError(PermanentError):
    """A setting is wrong; the message names it."""


class StoreLockedError(PermanentError):
    """Another process has the data folder open."""


class StoreVersionError(PermanentError):
    """The data folder was written by a newer version."""


class ModelMismatchError(PermanentError):
    """The store holds vectors of another embedding model."""


class StoreDamagedError(PermanentError):
    """A stored file cannot be read; nothing was changed."""
