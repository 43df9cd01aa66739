"""TLS at the doors: stock exporters over it, client certificates, renewal while it runs."""

import socket
import ssl
from dataclasses import replace

import grpc
import httpx
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from serving import eventually
from support.certificates import issued, serial_shown
from support.doors import TRACE_SERVICE, WAIT_S, open_doors

from otel_vector.errors import ConfigError
from otel_vector.settings.config import TlsConfig
from otel_vector_collector.receive.tls import Certificates, certificates_of


def spans(name):
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    with provider.get_tracer("test").start_as_current_span(name):
        pass
    return memory.get_finished_spans()


@pytest.fixture
def authority(tmp_path):
    return issued(tmp_path / "tls")


@pytest.fixture
def doors(tmp_path, authority):
    with open_doors(tmp_path, certificates=Certificates(authority.config)) as opened:
        yield opened


@pytest.fixture
def mutual(tmp_path, authority):
    """Doors that demand a certificate of the authority's from their clients."""
    config = replace(authority.config, client_ca=str(authority.ca))
    with open_doors(tmp_path, certificates=Certificates(config)) as opened:
        yield opened


def over_http(doors, context):
    url = f"https://localhost:{doors.endpoints.otlp_http.rpartition(':')[2]}/v1/traces"
    with httpx.Client(verify=context, trust_env=False, timeout=WAIT_S) as client:
        return client.post(url, headers={"content-type": "application/x-protobuf"}).status_code


def over_grpc(doors, root, client=None):
    pair = [path.read_bytes() for path in reversed(client)] if client else [None, None]
    credentials = grpc.ssl_channel_credentials(root, *pair)
    place = f"localhost:{doors.endpoints.otlp_grpc.rpartition(':')[2]}"
    with grpc.secure_channel(place, credentials) as channel:
        return channel.unary_unary(TRACE_SERVICE)(b"", timeout=WAIT_S)


def test_stock_exporters_send_over_tls(doors, authority, monkeypatch):
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(variable, raising=False)  # it would win over what is asked for
    credentials = grpc.ssl_channel_credentials(authority.ca.read_bytes())
    grpc_port = doors.endpoints.otlp_grpc.rpartition(":")[2]
    http_port = doors.endpoints.otlp_http.rpartition(":")[2]
    for exporter in (
        GrpcExporter(f"https://localhost:{grpc_port}", credentials=credentials),
        HttpExporter(
            f"https://localhost:{http_port}/v1/traces", certificate_file=str(authority.ca)
        ),
    ):
        assert exporter.export(spans("kept")) is SpanExportResult.SUCCESS
        exporter.shutdown()
    assert doors.span_names() == ["kept", "kept"]


def test_who_speaks_no_tls_gets_nothing(doors):
    place = doors.endpoints.otlp_http
    with httpx.Client(trust_env=False) as client, pytest.raises(httpx.TransportError):
        client.post(f"http://{place}/v1/traces")
    with grpc.insecure_channel(doors.endpoints.otlp_grpc) as channel:
        with pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary(TRACE_SERVICE)(b"", timeout=5)
        assert caught.value.code() in {
            grpc.StatusCode.UNAVAILABLE,
            grpc.StatusCode.DEADLINE_EXCEEDED,
        }


@pytest.mark.parametrize("door", ["otlp_http", "otlp_grpc"])
def test_tls_before_1_2_is_not_spoken(doors, authority, door):
    context = authority.trust()
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with pytest.warns(DeprecationWarning):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        serial_shown(getattr(doors.endpoints, door), context)


def test_mtls_lets_in_whom_the_authority_vouches_for(mutual, authority):
    client = authority.client()
    assert over_http(mutual, authority.trust(client)) == 200
    assert over_grpc(mutual, authority.ca.read_bytes(), client) == b""


def test_mtls_refuses_strangers(mutual, authority, tmp_path):
    stranger = issued(tmp_path / "stranger").client()
    for client in (None, stranger):
        with pytest.raises(httpx.TransportError):
            over_http(mutual, authority.trust(client))
        with pytest.raises(grpc.RpcError):
            over_grpc(mutual, authority.ca.read_bytes(), client)


@pytest.mark.parametrize("door", ["otlp_http", "otlp_grpc"])
def test_a_renewed_certificate_is_shown_without_a_restart(doors, authority, door):
    endpoint = getattr(doors.endpoints, door)
    before = serial_shown(endpoint, authority.trust())
    authority.renew()
    eventually(lambda: serial_shown(endpoint, authority.trust()) != before, 30)


def test_a_renewed_authority_of_clients_shuts_out_the_old_one(mutual, authority, tmp_path):
    old, other = authority.client(), issued(tmp_path / "other")
    assert over_http(mutual, authority.trust(old)) == 200
    draft = tmp_path / "draft.pem"
    draft.write_bytes(other.ca.read_bytes())
    root = authority.ca.read_bytes()
    (tmp_path / "root.pem").write_bytes(root)
    trusting = ssl.create_default_context(cafile=tmp_path / "root.pem")
    draft.replace(authority.ca)

    def is_shut_out():
        context = ssl.create_default_context(cafile=tmp_path / "root.pem")
        context.load_cert_chain(*old)
        try:
            over_http(mutual, context)
        except httpx.TransportError:
            return True
        return False

    eventually(is_shut_out, 30)
    new = other.client("new")
    trusting.load_cert_chain(*new)
    assert over_http(mutual, trusting) == 200
    assert over_grpc(mutual, root, new) == b""
    with pytest.raises(grpc.RpcError):
        over_grpc(mutual, root, old)


@pytest.mark.parametrize("door", ["otlp_http", "otlp_grpc"])
def test_a_broken_renewal_keeps_the_old_certificate_and_is_logged(doors, authority, door, caplog):
    endpoint = getattr(doors.endpoints, door)
    before = serial_shown(endpoint, authority.trust())
    key = authority.folder / "server.key"
    kept = key.read_bytes()
    key.write_bytes(issued(authority.folder / "x").authority.private_key_pem.bytes())

    def is_told():
        assert serial_shown(endpoint, authority.trust()) == before
        return any("is not the key of" in record.getMessage() for record in caplog.records)

    eventually(is_told, 30)
    assert len([r for r in caplog.records if "is not the key of" in r.getMessage()]) == 1
    assert kept.decode() not in caplog.text
    authority.renew()
    eventually(lambda: serial_shown(endpoint, authority.trust()) != before, 30)


def test_half_a_handshake_holds_nobody_up(doors, authority):
    host, _, port = doors.endpoints.otlp_http.rpartition(":")
    with socket.create_connection((host, int(port)), WAIT_S) as silent:
        silent.sendall(b"\x16\x03\x01")
        assert over_http(doors, authority.trust()) == 200


WRONG = {
    "no key": (lambda a: TlsConfig(cert=a.config.cert), "tls.key is not set"),
    "no certificate": (lambda a: TlsConfig(client_ca=str(a.ca)), "tls.cert is not set"),
    "missing": (lambda a: replace(a.config, cert="nowhere.pem"), "tls.cert = nowhere.pem cannot"),
    "missing authority": (
        lambda a: replace(a.config, client_ca="none.pem"),
        "tls.client_ca = none",
    ),
    "a folder": (lambda a: replace(a.config, key=str(a.folder)), "tls.key = .* cannot be read"),
    "swapped": (
        lambda a: TlsConfig(cert=a.config.key, key=a.config.cert),
        "tls.cert = .* holds no certificate",
    ),
    "another's key": (
        lambda a: replace(a.config, key=issued(a.folder / "x").config.key),
        "is not the key of the certificate",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_files_that_cannot_be_used_are_a_sentence(authority, what):
    config, sentence = WRONG[what]
    with pytest.raises(ConfigError, match=sentence):
        certificates_of(config(authority))


@pytest.mark.parametrize(
    "content", [b"", b"-----BEGIN CERTIFICATE-----\nx\n"], ids=["empty", "cut"]
)
def test_a_certificate_that_is_none_is_a_sentence(authority, content):
    (authority.folder / "server.pem").write_bytes(content)
    with pytest.raises(ConfigError, match=r"tls\.cert = "):
        certificates_of(authority.config)


def test_a_key_with_a_passphrase_is_a_sentence_and_no_question(authority):
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        PrivateFormat,
        load_pem_private_key,
    )

    path = authority.folder / "server.key"
    key = load_pem_private_key(path.read_bytes(), None)
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    )
    with pytest.raises(ConfigError, match="passphrase"):
        certificates_of(authority.config)


def test_without_settings_there_is_no_tls():
    assert certificates_of(TlsConfig()) is None
