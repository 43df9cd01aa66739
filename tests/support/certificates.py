"""Certificates for tests, made anew: of an authority, for a server and for clients."""

import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme

from otel_vector.settings.config import TlsConfig


@dataclass
class Issued:
    """Files of one authority in one folder, replaced as a renewal does."""

    folder: Path
    authority: trustme.CA

    @property
    def ca(self):
        return self.folder / "ca.pem"

    @property
    def config(self):
        return TlsConfig(cert=str(self.folder / "server.pem"), key=str(self.folder / "server.key"))

    def renew(self, *names):
        """Write a certificate for these names, or for this machine, under the files' names."""
        made = self.authority.issue_cert(*(names or ("localhost", "127.0.0.1")))
        made.private_key_pem.write_to_path(self.folder / "server.key")
        chain = b"".join(blob.bytes() for blob in made.cert_chain_pems)
        (self.folder / "server.pem").write_bytes(chain)
        return made

    def client(self, name="client"):
        """Write a client's certificate; return the paths of it and its key."""
        made = self.authority.issue_cert(f"{name}@example.org")
        cert, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        made.cert_chain_pems[0].write_to_path(cert)
        made.private_key_pem.write_to_path(key)
        return cert, key

    def trust(self, client=None):
        """Return a context that trusts the authority and shows a client's certificate."""
        context = ssl.create_default_context(cafile=self.ca)
        if client is not None:
            context.load_cert_chain(*client)
        return context


def issued(folder, name="authority"):
    """Return a new authority with a certificate for this machine."""
    folder.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA(organization_name=name)
    authority.cert_pem.write_to_path(folder / "ca.pem")
    made = Issued(folder, authority)
    made.renew()
    return made


def serial_shown(endpoint, context):
    """Return the serial number of the certificate that an endpoint shows."""
    import socket

    host, _, port = endpoint.rpartition(":")
    with (
        socket.create_connection((host, int(port)), 20) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        return connection.getpeercert()["serialNumber"]
