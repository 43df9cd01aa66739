"""The page for people where keys are asked for: a browser signs in, tenants are kept apart."""

from dataclasses import replace

import httpx
import pytest
from asking import failure, posted
from serving import Served, cli, eventually
from support.pages import page

from otel_vector.keys.contract import KeyLimits, KeyOrder, Role
from otel_vector.settings.config import Settings
from otel_vector.spans.ids import Tenant
from otel_vector.testing.builders import trace_bytes
from otel_vector.wiring import open_keyring

TOOL = "http://127.0.0.1:16686/trace/{trace_id}"
PASSWORD_IS_KEY = 'Basic realm="otel-vector"'


@pytest.fixture(scope="module")
def keyed(tmp_path_factory):
    """Serve two tenants with keys and links to a tracing tool."""
    served, keys = Served(tmp_path_factory.mktemp("keyed")), {}
    with open_keyring(replace(Settings(), data=served.data)) as ring:
        for name, tenants in {"a": ("a",), "b": ("b",), "both": ("a", "b"), "all": ("*",)}.items():
            roles = frozenset({Role.READ, Role.INGEST})
            keys[name] = ring.create(KeyOrder(name, roles, frozenset(map(Tenant, tenants)))).text
        sends = KeyOrder("sends", frozenset({Role.INGEST}), frozenset({Tenant("a")}))
        keys["sends"] = ring.create(sends).text
        limits = KeyLimits(questions_per_s=0.1)
        seldom = KeyOrder("seldom", frozenset({Role.READ}), sends.tenants, limits=limits)
        keys["seldom"] = ring.create(seldom).text
    served.start("--set", f"serve.trace_link={TOOL}")
    for number, name in ((1, "a"), (2, "b")):
        message = f"card declined for team {name}"
        posted(served, failure(number, message), authorization=f"Bearer {keys[name]}")
    with httpx.Client(base_url=f"http://{served.endpoints['api']}", trust_env=False) as client:
        for number, name in ((1, "a"), (2, "b")):
            path = f"/v1/traces/{trace_bytes(number).hex()}"
            headers = {"x-api-key": keys[name]}
            eventually(lambda p=path, h=headers: client.get(p, headers=h).status_code == 200)
        yield client, keys
    served.end()


def test_without_a_key_a_browser_is_asked_for_one(keyed):
    client, _ = keyed
    for path in ("/", "/ask", "/ask?q=card", f"/ask/trace/{trace_bytes(1).hex()}", "/ask/x"):
        answer = client.get(path)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == PASSWORD_IS_KEY
        assert answer.headers["cache-control"] == "no-store"
        assert "team" not in page(answer.text).text
    assert (
        client.get("/ask/style.css").status_code == client.get("/ask/icon.svg").status_code == 200
    )


def test_a_key_is_taken_as_the_password_of_its_tenant(keyed):
    client, keys = keyed
    for user, key, team in (("", "a", "a"), ("a", "a", "a"), ("", "b", "b"),
                            ("a", "both", "a"), ("b", "both", "b"), ("a", "all", "a")):  # fmt: skip
        answer = client.get("/ask?q=card+declined", auth=(user, keys[key]))
        assert answer.status_code == 200, (user, key, answer.text)
        texts = page(answer.text).text
        other = {"a": "b", "b": "a"}[team]
        assert f"for team {team}" in texts and f"for team {other}" not in texts
    own = client.get(f"/ask?trace={trace_bytes(2).hex()}", auth=("", keys["a"]))
    assert own.status_code == 404


def test_a_sign_in_that_leads_nowhere_is_asked_for_again(keyed):
    client, keys = keyed
    wrong = [("", "ov_wrong"), ("b", keys["a"]), ("", keys["both"]), ("", keys["sends"]),
             ("A B", keys["a"]), (keys["a"], ""), ("", "p\u00e4ss")]  # fmt: skip
    for user, password in wrong:
        answer = client.get("/ask", auth=httpx.BasicAuth(user.encode(), password.encode()))
        assert answer.status_code == 401, (user, answer.text)
        assert answer.headers["www-authenticate"] == PASSWORD_IS_KEY
        assert not password or password not in answer.text
        assert keys["a"] not in answer.text
    unread = client.get("/ask", headers={"authorization": "Basic %%%"})
    assert unread.status_code == 401


@pytest.mark.parametrize("place", ["/ask/trace/{}", "/ask?q={}", "/ask?like=a+{}"])
@pytest.mark.parametrize("underscore", ["_", "%5f", "%255F"])
def test_a_key_in_a_url_is_refused_and_not_repeated(keyed, place, underscore):
    client, keys = keyed
    path = place.format(keys["a"].replace("_", underscore))
    answer = client.get(path, auth=httpx.BasicAuth("", keys["a"]))
    assert answer.status_code == 400
    assert "ends up in logs and histories" in answer.text
    assert keys["a"].rpartition("_")[2] not in answer.text


def test_a_password_is_taken_by_pages_alone(keyed):
    client, keys = keyed
    auth = ("", keys["a"])
    for method, path in (("GET", "/v1/stats"), ("POST", "/v1/search"), ("DELETE", "/v1/spans"),
                         ("POST", "/ask"), ("GET", "/askew"), ("GET", "/jaeger/api/services")):  # fmt: skip
        answer = client.request(method, path, auth=auth, json={} if method == "POST" else None)
        assert answer.status_code == 401, path
        assert answer.headers["www-authenticate"] == "Bearer"
    assert client.get("/ask", headers={"authorization": f"Bearer {keys['a']}"}).status_code == 200
    refused = client.get(f"/ask?q={keys['a']}", auth=auth)
    assert refused.status_code == 400
    assert keys["a"] not in refused.text


def test_who_asks_too_often_is_told_on_a_page_when_to_come_back(keyed):
    client, keys = keyed
    for _ in range(20):
        answer = client.get("/ask/trace/x", auth=("", keys["seldom"]))
        if answer.status_code == 429:
            break
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert "ratelimit" in answer.headers
    assert page(answer.text).one("p", "problem").words


def test_links_of_traces_lead_to_the_tool_that_is_set(keyed):
    client, keys = keyed
    read = page(client.get("/ask?q=card+declined", auth=("", keys["a"])).text)
    hrefs = {a.attributes["href"] for a in read.all("a", "id")}
    assert hrefs == {TOOL.replace("{trace_id}", trace_bytes(1).hex())}
    whole = page(client.get(f"/ask/trace/{trace_bytes(1).hex()}", auth=("", keys["a"])).text)
    (tool,) = [
        a.attributes["href"] for a in whole.all("a") if a.words == "Open in the tracing tool"
    ]
    assert hrefs == {tool}


def test_a_link_that_is_none_keeps_it_from_starting(tmp_path):
    refused = cli(Served(tmp_path), "serve", "--set", "serve.trace_link=javascript:alert(1)", check=False)  # fmt: skip
    assert refused.code != 0
    assert "serve.trace_link" in refused.err
