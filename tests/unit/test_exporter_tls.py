"""The exporter and TLS: certificates are looked at, and shown."""

from dataclasses import replace

import pytest
from support.certificates import issued
from support.doors import open_doors
from support.exporting import closing, ended_spans

from otel_vector import VectorSpanExporter
from otel_vector_collector.receive.tls import Certificates

PROTOCOLS = pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])


def exporter_to(doors, folder, protocol, **more):
    door = doors.endpoints.otlp_grpc if protocol == "grpc" else doors.endpoints.otlp_http
    endpoint = f"https://localhost:{door.rpartition(':')[2]}"
    return VectorSpanExporter(endpoint=endpoint, protocol=protocol, spool=folder / "spool", **more)


@PROTOCOLS
def test_spans_arrive_over_tls(protocol, tmp_path):
    authority = issued(tmp_path / "tls")
    with (
        open_doors(tmp_path, certificates=Certificates(authority.config)) as doors,
        closing(exporter_to(doors, tmp_path, protocol, client_ca=authority.ca)) as one,
    ):
        one.export(ended_spans(2))
        assert one.force_flush()
        assert doors.span_names() == ["span 0", "span 1"]


@PROTOCOLS
def test_a_collector_of_another_authority_gets_nothing(protocol, tmp_path):
    authority, other = issued(tmp_path / "tls"), issued(tmp_path / "other", "other")
    with (
        open_doors(tmp_path, certificates=Certificates(authority.config)) as doors,
        closing(exporter_to(doors, tmp_path, protocol, client_ca=other.ca)) as one,
    ):
        one.export(ended_spans(2))
        assert not one.force_flush()
        assert not doors.span_names()
        assert one.outlet.spooled()[0] == 1


@PROTOCOLS
def test_a_certificate_is_shown_where_one_is_demanded(protocol, tmp_path):
    authority = issued(tmp_path / "tls")
    cert, key = authority.client()
    config = replace(authority.config, client_ca=str(authority.ca))
    shown = {"client_ca": authority.ca, "client_cert": cert, "client_key": key}
    with (
        open_doors(tmp_path, certificates=Certificates(config)) as doors,
        closing(exporter_to(doors, tmp_path, protocol, **shown)) as one,
    ):
        one.export(ended_spans(1))
        assert one.force_flush()
        assert doors.span_names() == ["span 0"]


def test_a_file_that_is_no_certificate_is_refused_by_name(tmp_path):
    from otel_vector.errors import ConfigError

    wrong = tmp_path / "wrong.pem"
    wrong.write_text("this is no certificate")
    for protocol in ("grpc", "http/protobuf"):
        with pytest.raises(ConfigError, match=r"client\.ca"):
            VectorSpanExporter(
                endpoint="https://localhost:1",
                protocol=protocol,
                client_ca=wrong,
                spool=tmp_path / "spool",
            )
