"""Where links to traces lead is a URL that a browser may follow, and nothing else."""

import pytest

from otel_vector.errors import ConfigError
from otel_vector.settings.load import load

GOOD = [
    "",
    "http://127.0.0.1:16686/trace/{trace_id}",
    "https://grafana.example.org/explore?left=%7B%7D&id={trace_id}#{trace_id}",
    "http://[::1]:16686/trace/{trace_id}",
]
BAD = {
    "javascript:alert('{trace_id}')": "URL of http",
    "JaVaScRiPt:alert({trace_id})": "URL of http",
    "data:text/html,{trace_id}": "URL of http",
    "//jaeger.example.org/{trace_id}": "URL of http",
    "/trace/{trace_id}": "URL of http",
    "http:///trace/{trace_id}": "URL of http",
    "http://jaeger/trace/{trace_id} onclick=x": "URL of http",
    'http://jaeger/"><script>{trace_id}': "URL of http",
    "http://jaeger:99999/{trace_id}": "not a URL",
    "http://ov_key:x@jaeger/{trace_id}": "user's name",
    "http://jaeger/trace/": "has no {trace_id}",
    "http://jaeger/{traceID}": "has no {trace_id}",
    "http://jaeger/{trace_id}/{span_id}": "has no {trace_id}",
    "http://{trace_id}.example.org/": "has no {trace_id}",
}


@pytest.mark.parametrize("link", GOOD)
def test_a_link_to_a_web_page_is_taken(link, tmp_path):
    loaded = load({"serve.trace_link": link}, environ={}, folder=tmp_path)
    assert loaded.settings.serve.trace_link == link


@pytest.mark.parametrize("link", BAD)
def test_other_links_are_refused_at_the_start(link, tmp_path):
    with pytest.raises(ConfigError, match=r"serve\.trace_link") as caught:
        load({"serve.trace_link": link}, environ={}, folder=tmp_path)
    assert BAD[link] in str(caught.value)
