"""What `doctor` says of the certificate: whether a client that believes in it could use it now.

Nothing here parses certificates: one handshake is made with oneself, in memory, as a client that
trusts exactly this certificate makes it, and that client is asked until when it holds.
"""

from __future__ import annotations

import ssl
import time
from typing import Final

from otel_vector.errors import ConfigError
from otel_vector_collector.receive.tls import Certificates

__all__ = ["days_left"]

_DAY_S: Final = 86_400
_STEPS: Final = 10


def days_left(certificates: Certificates) -> int:
    """Return for how many whole days the certificate holds still.

    Raises:
        ConfigError: it holds no more, or not yet.
    """
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ours.check_hostname = False
    ours.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    ours.load_verify_locations(cadata=certificates.leaf_pem())
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ours.wrap_bio(to_client, to_server)
    server = certificates.context().wrap_bio(to_server, to_client, server_side=True)
    for _ in range(_STEPS):
        if _stepped(client):
            break
        _stepped(server)
    shown = client.getpeercert() or {}
    until_s = ssl.cert_time_to_seconds(str(shown["notAfter"]))
    return int((until_s - time.time()) // _DAY_S)


def _stepped(side: ssl.SSLObject) -> bool:
    """Go on with a handshake; return whether this side is done."""
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        return False
    except ssl.SSLCertVerificationError as error:
        raise ConfigError(
            f"the certificate in tls.cert cannot be used: {error.verify_message}; renew it, it is "
            "taken up without a restart"
        ) from error
    return True
