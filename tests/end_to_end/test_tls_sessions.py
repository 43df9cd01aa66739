"""A client certificate is asked for on every connection: no session of before takes its place."""

import socket
import ssl
from dataclasses import replace

import pytest
from support.certificates import issued
from support.doors import WAIT_S, open_doors

from otel_vector_collector.receive.tls import Certificates


def context_of(authority, version):
    context = ssl.create_default_context(cafile=str(authority.ca))
    context.check_hostname = False
    context.maximum_version = version
    return context


def connected(place, context, session=None):
    """Return the session of a connection that was used, and whether it went on an older one."""
    host, _, port = place.rpartition(":")
    with (
        socket.create_connection((host, int(port)), WAIT_S) as plain,
        context.wrap_socket(plain, session=session) as secure,
    ):
        secure.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert secure.recv(12)
        return secure.session, secure.session_reused


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_no_session_is_taken_up_again_where_client_certificates_are_demanded(tmp_path, version):
    authority = issued(tmp_path / "tls")
    config = replace(authority.config, client_ca=str(authority.ca))
    context = context_of(authority, version)
    context.load_cert_chain(authority.config.cert, authority.config.key)
    with open_doors(tmp_path, certificates=Certificates(config)) as doors:
        place = doors.endpoints.otlp_http
        session, _ = connected(place, context)
        assert connected(place, context, session)[1] is False
