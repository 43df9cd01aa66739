"""Another endpoint for embeddings, named in a command: it is not told the first one's key."""

import pytest
from serving import Served, cli
from support.embeddings import serving

from otel_vector.errors import InvalidInputError
from otel_vector.jobs.kept import KeptJobs
from otel_vector.jobs.runner import Runner
from otel_vector.state.sqlite import SqliteState
from otel_vector.wiring.upkeep import upkeep_kinds


def sent_keys(endpoint):
    return {
        value
        for _, headers, _ in endpoint.requests
        for name, value in headers.items()
        if name.lower() == "authorization"
    }


def test_the_key_of_one_endpoint_is_not_sent_to_another(tmp_path):
    served, config = Served(tmp_path), tmp_path / "otel-vector.toml"
    with serving(dimension=24) as first, serving(dimension=24) as second:
        config.write_text(
            f'[embed]\nurl = "{first.url}"\nmodel = "one"\napi_key = "sk-first-secret"\n'
        )
        cli(served, "stats", "--config", config, "--json", check=False)
        served.data.mkdir(exist_ok=True)
        again = ("--config", config, "--yes")
        done = cli(served, "reembed", "--model", "two", "--url", second.url, *again)
        assert f"set embed.model = two, embed.url = {second.url}" in done.err
        assert sent_keys(first) == {"Bearer sk-first-secret"}
        assert second.requests
        assert sent_keys(second) == set()


def test_a_password_in_a_url_is_kept_nowhere(tmp_path):
    state = SqliteState(tmp_path / "state.db")
    runner = Runner(KeptJobs(state), upkeep_kinds(None))
    told = {"model": "two", "url": "https://user:hidden@embeddings.example/v1"}
    with pytest.raises(InvalidInputError, match="leave the password out of the URL") as caught:
        runner.submit("reembed", None, told)
    assert "hidden" not in str(caught.value)
    assert runner.jobs() == []
    state.close()
