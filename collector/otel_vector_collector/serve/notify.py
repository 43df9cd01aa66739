"""Tells a service manager how far the process is, by the protocol of `sd_notify`.

systemd starts what depends on a `Type=notify` service when it says that it is ready, not when it
was begun. Elsewhere nobody has named a socket, and nothing is said.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Mapping
from typing import Final

from otel_vector.settings.load import variables

__all__ = ["READY", "STOPPING", "tell_manager"]

READY: Final = "READY=1"
STOPPING: Final = "STOPPING=1"

_LOG = logging.getLogger(__name__)
_VARIABLE: Final = "NOTIFY_SOCKET"
_PATIENCE_S: Final = 1.0  # a manager that does not read must not hold us up


def tell_manager(state: str, environ: Mapping[str, str] | None = None) -> None:
    """Send a state to the socket that the environment names, if it does.

    Args:
        state: :data:`READY` or :data:`STOPPING`.
        environ: the environment; the process's own unless given.
    """
    place = variables({_VARIABLE: "place"}, environ=environ).get("place")
    if place is None:
        return
    # A leading @ stands for the byte that names a socket of the abstract namespace.
    address = "\0" + place[1:] if place.startswith("@") else place
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(_PATIENCE_S)
            sender.connect(address)
            sender.sendall(state.encode())
    except OSError as error:
        _LOG.warning("the service manager cannot be told %s at %s: %s", state, place, error)
