"""What doctor says of a certificate: how long it holds, or that it does no more."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from support.certificates import issued

from otel_vector.errors import ConfigError
from otel_vector_collector.cli.certificates import days_left
from otel_vector_collector.cli.health import examine
from otel_vector_collector.receive.tls import Certificates


@pytest.fixture
def authority(tmp_path):
    return issued(tmp_path / "tls")


def valid_for(authority, days):
    made = authority.authority.issue_cert(
        "localhost",
        not_before=datetime.now(UTC) - timedelta(days=30),
        not_after=datetime.now(UTC) + timedelta(days=days, minutes=5),
    )
    made.private_key_pem.write_to_path(authority.folder / "server.key")
    made.cert_chain_pems[0].write_to_path(authority.folder / "server.pem")


@pytest.mark.parametrize("mutual", [False, True], ids=["plain", "mutual"])
def test_the_days_that_are_left_are_told(authority, mutual):
    valid_for(authority, 40)
    config = replace(authority.config, client_ca=str(authority.ca) if mutual else "")
    assert days_left(Certificates(config)) == 40


def test_what_has_expired_is_a_sentence(authority):
    valid_for(authority, -1)
    with pytest.raises(ConfigError, match="expired; renew it"):
        days_left(Certificates(authority.config))


@pytest.mark.parametrize(
    ("days", "well", "words"),
    [(40, True, "holds for 40 days"), (3, False, "renew"), (-1, False, "expired")],
    ids=["long", "soon", "over"],
)
def test_doctor_warns_in_time(authority, tmp_path, monkeypatch, days, well, words):
    valid_for(authority, days)
    config = tmp_path / "settings.toml"
    tls = authority.config
    config.write_text(f'data = "{tmp_path}/data"\n[tls]\ncert = "{tls.cert}"\nkey = "{tls.key}"\n')
    monkeypatch.chdir(tmp_path)
    [finding] = [one for one in examine(None, config) if one.name == "tls"]
    assert finding.ok is well
    assert words in finding.detail
