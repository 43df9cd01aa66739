"""The configuration of Jaeger's UI has the shape the UI reads, and leads to our page."""

import re
from urllib.parse import parse_qs, urlsplit

from support.jaeger_ui import config, of_traces

from otel_vector.settings.config import ServeConfig
from otel_vector_collector.api.authentication import PAGE
from otel_vector_collector.page.asked import Asked, asked_of

OURS = f"http://{ServeConfig().api}{PAGE}"


def test_it_has_keys_and_values_the_ui_knows():
    read = config()
    assert read.dependencies.menuEnabled is True
    assert read.search.maxLookback.value == "4w"


def test_the_menu_leads_to_our_page_and_keeps_the_entries_about_jaeger():
    items = {item.label: item.url for item in config().items()}
    assert items["Search by meaning"] == OURS
    assert items["Website / Docs"] == "https://www.jaegertracing.io/"
    assert "GitHub" in items


def test_a_link_of_a_trace_is_filled_from_the_trace_and_one_of_a_tag_from_that_tag():
    for pattern in config().linkPatterns:
        known = of_traces() if pattern.type == "traces" else {pattern.key}
        assert pattern.parameters() <= known, pattern
        assert (pattern.key is None) == (pattern.type == "traces")


def test_every_link_asks_our_page_for_what_it_can_be_asked_for():
    for pattern in config().linkPatterns:
        link = urlsplit(pattern.filled(dict.fromkeys(pattern.parameters(), "a&b=c #d")))
        assert f"{link.scheme}://{link.netloc}{link.path}" == OURS
        given = parse_qs(link.query, strict_parsing=True)
        assert all(len(values) == 1 for values in given.values())
        asked = asked_of({name: values[0] for name, values in given.items()})
        assert set(given) <= set(Asked.__dataclass_fields__)
        assert getattr(asked, asked.subject) == "a&b=c #d"
        assert asked.facets is not None


def test_the_page_of_the_documentation_says_where_the_file_is():
    from support.sources import ROOT

    text = (ROOT / "docs" / "interop" / "jaeger.md").read_text()
    named = re.findall(r"config_file=(\S+)", text)
    assert named == ["deploy/jaeger/ui.json"]
    assert (ROOT / named[0]).is_file()
