"""The page for people over a real server and recorded traces: every link leads somewhere."""

import re
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from asking import NOW_NS, SECOND, failure, posted
from serving import Served, cli, eventually
from support.jaeger_ui import config
from support.pages import links, page
from support.sources import ROOT

from otel_vector.testing.builders import Event, SpanRow, trace_bytes

TRACES = ROOT / "examples" / "traces"
MOST_PAGES = 150
HOSTILE = "</bdi><script>alert(1)</script><img src=x onerror=alert(2)>\u202egnp.exe\x00"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Serve recorded traces, two failures that are alike, and one span of a hostile sender."""
    served = Served(tmp_path_factory.mktemp("ask"))
    served.start()
    names = ("llm-agents.otlp.jsonl.gz", "llm-agents.logs.otlp.jsonl.gz")
    cli(served, "import", *(TRACES / name for name in names))
    hostile = SpanRow(
        trace=9, span=9, name=HOSTILE, service=HOSTILE, status=2, status_message=HOSTILE,
        start_ns=NOW_NS, attributes={HOSTILE: HOSTILE, "javascript:alert(3)": "javascript:alert(3)"},
        events=(Event(HOSTILE, {HOSTILE: HOSTILE}),), resource={HOSTILE: HOSTILE},
    )  # fmt: skip
    posted(served, [
        *failure(1, "card declined by the issuer: insufficient funds"),
        *failure(2, "card was declined, issuer says there are no funds"),
        *failure(3, "label printer is out of paper", "printer"),
        hostile,
        SpanRow(trace=4, span=1, name="batch", service="worker", start_ns=NOW_NS,
                duration_ns=SECOND),
        *(SpanRow(trace=5, span=n, name="n" * 9_000, service="worker", start_ns=NOW_NS,
                  status=2, status_message="m" * 9_000,
                  attributes={f"{at}." + "k" * 400: "v" * 4_000 for at in range(150)},
                  events=tuple(Event(f"e{at}", {"text": "t" * 900}) for at in range(300)))
          for n in range(1, 12)),
        *(SpanRow(trace=4, span=n, parent=1, name=f"step {n}", service="worker",
                  status=2 if n == 333 else 0, start_ns=NOW_NS + n * 1000, duration_ns=1000)
          for n in range(2, 451)),
    ])  # fmt: skip
    with httpx.Client(base_url=f"http://{served.endpoints['api']}", trust_env=False) as client:
        eventually(lambda: client.get(f"/v1/traces/{trace_bytes(9).hex()}").status_code == 200)
        eventually(lambda: client.get("/v1/stats").json()["meanings"]["pending"] == 0, 180)
        yield client
    served.end()


def shown(client, path, status=200, **parameters):
    answer = client.get(path, params=parameters)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return page(answer.text)


def rows(read, cls="groups"):
    """Return the cells of a table by their headings."""
    table = read.one("table", cls)
    heads = [head.words for head in table.one("thead").all("th")]
    for row in table.one("tbody").all("tr"):
        cells = [cell for cell in row.inside if cell.name in {"td", "th"}]
        yield dict(zip(heads, cells, strict=True))


def test_a_question_is_answered_by_groups(world):
    read = shown(world, "/ask", q="customers could not pay")
    found = list(rows(read))
    texts = [row["meaning"].words for row in found]
    assert any("card declined by the issuer" in text for text in texts[:4]), texts
    row = next(r for r in found if "card declined by the issuer" in r["meaning"].words)
    assert (row["spans"].words, row["errors"].words) == ("1", "1")
    assert 480 < float(row["p50"].words.removesuffix(" ms")) < 520
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", row["last seen, UTC"].words)
    assert "payments" in row["meaning"].words and "error" in row["meaning"].words
    assert row["example traces"].one("a").attributes["href"].startswith("./ask/trace/")


def test_filter_window_and_side_narrow_and_stay_in_the_form(world):
    asked = {"q": "declined", "filter": "service:payments", "since": "-1h", "facet": "error"}
    read = shown(world, "/ask", **asked)
    assert {row["meaning"].one("span", "facet").words for row in rows(read)} == {"error"}
    inputs = {e.attributes["name"]: e.attributes["value"] for e in read.all("input")}
    chosen = {
        select.attributes["name"]: option.attributes["value"]
        for select in read.all("select")
        for option in select.all("option")
        if "selected" in option.attributes
    }
    assert inputs | chosen == asked
    empty = shown(world, "/ask", q="declined", until="2001-01-01")
    assert "Nothing was found" in empty.text
    assert {e.attributes["value"] for e in empty.all("input")} >= {"declined", "2001-01-01"}


def test_a_filter_alone_lists_what_there_is_and_pages_go_on(world):
    read = shown(world, "/ask", filter="-service:worker")
    assert read.one("h1").words == "Newest first"
    first = [row["meaning"].words for row in rows(read)]
    (more,) = [a.attributes["href"] for a in read.all("a") if a.words == "More"]
    second = [row["meaning"].words for row in rows(page(world.get(urljoin("/ask", more)).text))]
    assert len(first) == 10
    assert not set(first) & set(second)


@pytest.mark.parametrize("trace_id", [trace_bytes(1).hex(), trace_bytes(1).hex().lstrip("0")])
def test_a_trace_is_compared_by_the_span_that_failed_first(world, trace_id):
    read = shown(world, "/ask", trace=trace_id)
    card = read.one("section", "card")
    assert "the span that failed first, of 2 that failed" in card.text
    assert card.one("h2").words == "charge card failed"
    similar = {a.attributes["title"].split()[1].rstrip(":") for a in read.all("a", "id") if "title" in a.attributes}  # fmt: skip
    assert trace_bytes(2).hex() in similar
    assert trace_bytes(1).hex() not in similar


def test_a_trace_without_failures_is_compared_by_its_root(world):
    listed = world.post(
        "/v1/search", json={"filter": "has:gen_ai.system", "group": False, "limit": 1}
    )
    trace_id = listed.json()["spans"][0]["trace_id"]
    card = shown(world, "/ask", trace=trace_id).one("section", "card")
    assert "No span of it failed" in card.text


@pytest.mark.parametrize(
    ("parameters", "status", "says"),
    [
        ({"trace": "ab" * 16}, 404, f"there is no trace {'ab' * 16}"),
        ({"trace": "nonsense"}, 400, "a trace id is 32 hex digits"),
        ({"meaning": "0123456789abcdef"}, 404, "there is no meaning"),
        ({"span": "ab" * 16}, 404, "there is no span"),
        ({"q": "x", "filter": "duration>soon"}, 400, "is no duration"),
        ({"q": "x", "since": "<b>"}, 400, "is not a time"),
        ({"q": "x", "facet": "<b>"}, 400, "no span has the facet"),
        ({"q": "x", "trace": "ab" * 16}, 400, "ask for one of q and trace at a time"),
        ({"q": "x", "cursor": "!"}, 400, "cursor"),
    ],
)
def test_what_cannot_be_answered_is_told_on_a_page_with_the_form(world, parameters, status, says):
    read = shown(world, "/ask", status, **parameters)
    assert says in read.one("p", "problem").words
    asked = {e.attributes["name"]: e.attributes["value"] for e in read.all("input")}
    assert asked["q"] == parameters.get("q", "")


def test_a_meaning_lists_its_spans_and_its_likes(world):
    found = list(rows(shown(world, "/ask", q="card declined by the issuer", facet="error")))
    link = found[0]["meaning"].one("a").attributes["href"]
    read = page(world.get(urljoin("/ask", link)).text)
    assert "1 spans in live runs, 1 failed" in read.one("p", "numbers").words
    (row,) = rows(read, "spans")
    assert row["span"].words.startswith("charge card")
    (likes,) = [a.attributes["href"] for a in read.all("a") if a.words == "Similar meanings"]
    texts = [row["meaning"].words for row in rows(page(world.get(urljoin("/ask", likes)).text))]
    assert any("issuer says" in text for text in texts[:3])


def test_a_log_record_s_meaning_lists_log_records(world):
    found = world.post(
        "/v1/search", json={"text": "what the agent was told", "over": ["logs"], "limit": 1}
    )
    meaning = found.json()["groups"][0]["meaning"]["id"]
    read = shown(world, "/ask", meaning=meaning)
    assert "log records in live runs" in read.one("p", "numbers").words
    assert list(rows(read, "spans"))


def test_a_trace_is_a_waterfall_with_everything_its_spans_have(world):
    read = shown(world, f"/ask/trace/{trace_bytes(1).hex()}")
    assert "2 spans of 2 services, 2 failed, 1 s" in read.all("p", "numbers")[0].words
    names = [e.words for e in read.all("span", "name")]
    assert names == ["POST /checkout failed", "charge card failed"]
    assert [e.attributes["class"] for e in read.all("span", "name")] == ["name l0", "name l1"]
    bars = [bar.one("rect").attributes for bar in read.all("svg", "bar")]
    assert [(bar["x"], bar["width"]) for bar in bars] == [("0", "1000"), ("0", "500")]
    inside = read.all("div", "inside")[1].words
    for text in ("exception.message", "insufficient funds", "error.type", "service.name"):
        assert text in inside
    assert "(UTC)" in read.text


def test_a_named_span_is_shown_opened_and_others_are_not(world):
    trace = trace_bytes(1).hex()
    point = world.get(f"/v1/traces/{trace}").json()["spans"][1]["id"]
    read = shown(world, f"/ask/trace/{trace}", span=point)
    opened = [e for e in read.all("li", "opened") if "open" in e.one("details").attributes]
    assert [e.attributes["id"] for e in opened] == [f"s-{point}"]
    assert len([d for d in read.all("details") if "open" in d.attributes]) == 1


def test_spans_that_have_very_much_fill_no_more_than_their_part_of_a_page(world):
    path = f"/ask/trace/{trace_bytes(5).hex()}"
    whole = shown(world, path)
    first = next(detail for detail in whole.all("details") if "t.v" not in detail.text)
    assert "more characters" in first.text
    assert re.search(r"\d+ more", first.text)
    (link,) = [a.attributes["href"] for a in first.all("a") if a.words == "All of it"]
    opened = world.get(urljoin(path, link))
    assert len(world.get(path).content) < 500_000
    assert len(opened.content) < 800_000
    assert page(opened.text).text.count("v" * 2_000) > whole.text.count("v" * 2_000)


def test_what_senders_wrote_is_shown_as_text(world):
    trace = trace_bytes(9).hex()
    meaning = world.get(f"/v1/traces/{trace}/spans/{'0' * 15}9")
    pages = [("/ask", {"trace": trace}), (f"/ask/trace/{trace}", {}), ("/ask", {"q": HOSTILE}),
             ("/ask", {"like": HOSTILE}), ("/ask", {"filter": HOSTILE}), ("/ask", {"since": HOSTILE}),
             (f"/ask/trace/{HOSTILE}", {}), ("/ask", {"facet": HOSTILE}), ("/ask", {}),
             ("/ask", {"q": "x", "until": HOSTILE}), ("/ask", {"cursor": HOSTILE, "q": "x"}),
             *(("/ask", {"meaning": m["id"]}) for m in meaning.json()["spans"][0]["meanings"])]  # fmt: skip
    for path, parameters in pages:
        answer = world.get(path.replace("\x00", "%00"), params=parameters)
        assert answer.status_code in {200, 400, 404}, (path, parameters, answer.text)
        read = page(answer.text)  # fails at a script, a handler, or an element that broke out
        assert not read.all("img")
        assert "\u202e" not in answer.text and "\x00" not in answer.text
    assert "<script>alert(1)</script>" in shown(world, f"/ask/trace/{trace}").text


def test_the_browser_is_told_to_run_and_keep_nothing(world):
    for path in ("/ask", "/ask?trace=x", "/ask/nothing", "/ask/style.css", "/"):
        told = world.get(path).headers
        policy = dict(part.split(" ", 1) for part in told["content-security-policy"].split("; "))
        assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert "script-src" not in policy and "unsafe" not in told["content-security-policy"]
        assert told["x-content-type-options"] == "nosniff"
        assert told["referrer-policy"] == "no-referrer"
        expected = "max-age=86400, immutable" if path.endswith(".css") else "no-store"
        assert told["cache-control"] == expected


@pytest.mark.parametrize(
    ("site", "kind", "status"),
    [
        ("none", "document", 200), ("cross-site", "document", 200), ("same-site", "document", 200),
        ("same-origin", "style", 200), ("cross-site", "image", 403), ("cross-site", "iframe", 403),
        ("same-site", "empty", 403),
    ],
)  # fmt: skip
def test_other_sites_may_link_here_and_load_nothing(world, site, kind, status):
    headers = {"sec-fetch-site": site, "sec-fetch-dest": kind}
    assert world.get("/ask?q=card", headers=headers).status_code == status


def test_a_long_trace_is_shown_in_parts_that_lead_to_each_other(world):
    trace = trace_bytes(4).hex()
    read = shown(world, f"/ask/trace/{trace}")
    assert len(read.all("details")) == 200
    assert "Spans 1 to 200 of 450. After" in read.text
    failed = next(a for a in read.all("a") if a.words == "step 333")
    part = page(world.get(urljoin(f"/ask/trace/{trace}", failed.attributes["href"])).text)
    (opened,) = part.all("li", "opened")
    assert opened.one("span", "name").words == "step 333 failed"
    assert "Spans 201 to 400 of 450." in part.text
    last = page(world.get(f"/ask/trace/{trace}?from=100000").text)
    assert len(last.all("details")) == 50
    levels = {int(e.attributes["class"].removeprefix("name l")) for e in last.all("span", "name")}
    assert levels == {1}


def test_the_root_leads_to_the_page(world):
    answer = world.get("/")
    assert answer.status_code == 307
    assert urljoin(str(world.base_url), answer.headers["location"]) == f"{world.base_url}/ask"


def test_every_link_on_every_page_leads_somewhere(world):
    starts = ["/ask", "/ask?q=payment", f"/ask?trace={trace_bytes(1).hex()}"]
    waiting, seen = list(starts), set(starts)
    while waiting and len(seen) < MOST_PAGES:
        path = waiting.pop(0)
        answer = world.get(path)
        assert answer.status_code == 200, (path, answer.text[:2000])
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        read = page(answer.text)
        for link in links(read):
            whole = urlsplit(urljoin(path, link))
            assert not whole.netloc, "a link leads to another place"
            if whole.fragment and whole.path == path:
                assert any(e.attributes.get("id") == whole.fragment for e in read.all("li") + read.all("main"))  # fmt: skip
            target = f"{whole.path}?{whole.query}" if whole.query else whole.path
            if target not in seen:
                seen.add(target)
                waiting.append(target)
    assert len(seen) >= MOST_PAGES


def test_every_link_of_jaeger_s_ui_shows_similar_traces(world):
    first = world.get(f"/jaeger/api/traces/{trace_bytes(1).hex()}").json()["data"][0]
    span = next(s for s in first["spans"] if s["operationName"] == "charge card")
    logged = {f["key"]: f["value"] for log in span["logs"] for f in log["fields"]}
    tags = {tag["key"]: tag["value"] for tag in span["tags"]}
    found = {"meaning.text": "PaymentError: card declined", "db.query.text": "SELECT * FROM cart"}
    values = {"traces": {"traceID": first["traceID"]}, "tags": found | tags, "logs": logged}
    for pattern in config().linkPatterns:
        link = urlsplit(pattern.filled(values[pattern.type]))
        read = page(world.get(f"{link.path}?{link.query}").raise_for_status().text)
        titles = " ".join(a.attributes.get("title", "") for a in read.all("a", "id"))
        assert titles, pattern
        if pattern.key != "db.query.text":
            assert trace_bytes(2).hex() in titles, pattern
