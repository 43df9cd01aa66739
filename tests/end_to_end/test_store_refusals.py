"""`--store` and `--to` name what is no store: a sentence, exit code 1, and nothing is harmed."""

import subprocess
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from qdrant_client import grpc as pb
from sending import api, eventually_served, exported, multiset, post, serving, settle
from serving import COMMAND, FREE, cli, environment
from standin import StandIn
from support.certificates import issued
from support.embeddings import serving as embedding

from otel_vector.settings.config import StoreConfig
from otel_vector.spans.items import traces_data
from otel_vector.testing.builders import SpanRow, item_of

PREFIX = StoreConfig().prefix
FLAGS = ("--otlp-grpc", "--otlp-http", "--jaeger-grpc", "--api")
ADDRESSES = tuple(text for flag in FLAGS for text in (flag, FREE))
QUICK = ("--set", "store.patience_s=0", "--set", "store.timeout_s=2", "--set", "embed.model=none")


def told(folder, *arguments, **variables):
    """Run a command that fails; return its one sentence."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True, cwd=folder, env=environment() | variables, timeout=60, check=False,
        text=True,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    sentence = done.stderr.splitlines()[-1]
    assert sentence.startswith("otel-vector: ")
    return sentence


def refused(folder, url, *settings, **variables):
    """Serve a store that is refused; return why."""
    flags = [flag for setting in settings for flag in ("--set", setting)]
    arguments = ("serve", "--data", folder / "data", *ADDRESSES, "--store", url, *QUICK, *flags)
    return told(folder, *arguments, **variables)


@contextmanager
def collections(server):
    with grpc.insecure_channel(server.url.removeprefix("http://")) as channel:
        yield pb.CollectionsStub(channel), pb.PointsStub(channel)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://127.0.0.1:1", "does not answer"),
        ("http://nobody.invalid:6334", "check store.url"),
        ("ftp://127.0.0.1:6334", "write http://host:6334"),
        ("http://127.0.0.1:6333", "use the gRPC port"),
    ],
)
def test_a_wrong_url_is_told(tmp_path, url, says):
    assert says in refused(tmp_path, url)


@pytest.mark.parametrize("key", ["", "not-this-one"])
def test_a_wrong_key_is_told_and_not_shown(tmp_path, key):
    given = {"OTEL_VECTOR_STORE_API_KEY": key} if key else {}
    with StandIn(tmp_path / "server", api_key="right") as server:
        sentence = refused(tmp_path, server.url, **given)
    assert "does not take the key" in sentence and "set store.api_key" in sentence
    assert "not-this-one" not in sentence


def test_a_certificate_that_does_not_fit_is_told(tmp_path):
    right, wrong = issued(tmp_path / "right"), issued(tmp_path / "wrong", "another")
    pair = tuple(Path(name).read_bytes() for name in (right.config.key, right.config.cert))
    with StandIn(tmp_path / "server", certificate=pair) as server:
        for ca in ("", str(wrong.ca)):
            assert "set store.ca to the authority" in refused(
                tmp_path, server.url, f"store.ca={ca}"
            )
        missing = refused(tmp_path, server.url, f"store.ca={tmp_path}/none.pem")
        assert "none.pem cannot be read" in missing
        assert "no TLS" not in missing


def test_tls_where_there_is_none_is_told(tmp_path):
    with StandIn(tmp_path / "server") as server:
        sentence = refused(tmp_path, server.url.replace("http:", "https:"))
    assert "write http:// if it has no TLS" in sentence


def test_an_old_server_is_told(tmp_path):
    with StandIn(tmp_path / "server", version="1.16.3") as server:
        sentence = refused(tmp_path, server.url)
    assert "1.16.3, too old" in sentence and "update it" in sentence


def test_a_collection_of_something_else_is_told_and_left_alone(tmp_path):
    request = pb.CreateCollection(collection_name=f"{PREFIX}meanings")
    request.vectors_config.params.size = 768
    request.vectors_config.params.distance = pb.Cosine
    with StandIn(tmp_path / "server") as server, collections(server) as (stub, _):
        stub.Create(request)
        assert "set store.prefix" in refused(tmp_path, server.url)
        names = [one.name for one in stub.List(pb.ListCollectionsRequest()).collections]
        assert names == [f"{PREFIX}meanings"]


def test_a_store_of_a_newer_version_is_told_and_left_alone(tmp_path):
    (body,), _ = batch()
    with StandIn(tmp_path / "server") as server:
        fill(tmp_path / "one", server, body)
        with collections(server) as (_, points):
            set_header(points, '{"schema": 99}')
        assert "has schema 99, this version reads up to" in refused(tmp_path, server.url)


def test_another_dimension_is_told_with_the_command_that_helps(tmp_path):
    (body,), everything = batch()
    with (
        StandIn(tmp_path / "server") as server,
        embedding(dimension=16) as one,
        embedding(dimension=24) as two,
    ):
        endpoint = {"embed__url": one.url, "embed__model": "same"}
        fill(tmp_path / "one", server, body, **endpoint)
        sentence = refused(tmp_path, server.url, f"embed.url={two.url}", "embed.model=same")
        assert "otel-vector reembed" in sentence and "24" in sentence
        with start(tmp_path / "one", server.url, **endpoint) as served:
            assert multiset(exported(served)) == multiset(everything)


def test_a_migration_to_what_is_no_store_is_told(tmp_path):
    told_data = tmp_path / "data"
    told_data.mkdir()
    for to, says in (
        ("http://127.0.0.1:1", "does not answer"),
        ("ftp://127.0.0.1:1", "write http://host:6334"),
        (str(told_data), "is the data folder itself"),
    ):
        arguments = ("migrate", "--to", to, "--data", told_data)
        quick = {"OTEL_VECTOR_STORE_PATIENCE_S": "0", "OTEL_VECTOR_EMBED_MODEL": "none"}
        assert says in told(tmp_path, *arguments, **quick)


def test_a_backup_of_a_store_on_a_server_is_refused_before_anything_is_written(tmp_path):
    target = tmp_path / "backups"
    with StandIn(tmp_path / "server") as server:
        (tmp_path / "one").mkdir()
        settings = {"store__url": server.url, "embed__model": "none"}
        allowed = {"jobs__allowed_paths": f'["{target}"]'}
        with serving(tmp_path / "one", **settings, **allowed) as served:
            refusal = cli(served, "backup", str(target), check=False)
            assert refusal.code == 1
            assert "snapshots of its collections" in refusal.err
            with api(served) as client:
                asked = {"kind": "backup", "arguments": {"target": str(target)}}
                answer = client.post("/v1/jobs", json=asked)
            assert answer.status_code == 501
            assert "snapshots of its collections" in answer.json()["detail"]
    assert not target.exists()


def batch(count=10):
    items = [item_of(SpanRow(span=n, trace=n)) for n in range(1, count + 1)]
    return [traces_data(items).SerializeToString()], traces_data(items)


def start(folder, url, **settings):
    folder.mkdir(exist_ok=True)
    return serving(folder, **({"store__url": url, "embed__model": "none"} | settings))


def fill(folder, server, body, **settings):
    with start(folder, server.url, **settings) as served:
        assert post(served, body).status == 200
        settle(served)
        with api(served) as client:

            def has_vectors():
                return not client.get("/v1/stats").json()["meanings"]["pending"]

            eventually_served(served, has_vectors)
        assert served.stop() == 0


def set_header(points, text):
    """Write what a store says of itself anew."""
    name = f"{PREFIX}records"
    header = points.Scroll(pb.ScrollPoints(collection_name=name, limit=1)).result[0].id
    only = pb.PointsSelector(points=pb.PointsIdsList(ids=[header]))
    changed = {"body": pb.Value(string_value=text)}
    points.SetPayload(
        pb.SetPayloadPoints(collection_name=name, wait=True, payload=changed, points_selector=only)
    )
