"""Questions as users write them: the query string, and the filter as JSON.

The language is told in docs/query-language.md, whose examples are run by the tests.
"""

from __future__ import annotations

from otel_vector.services.query_json import filter_from_json, filter_to_json
from otel_vector.services.query_parser import Question, parse, parse_filter
from otel_vector.services.query_text import to_text

__all__ = [
    "Question",
    "filter_from_json",
    "filter_to_json",
    "parse",
    "parse_filter",
    "to_text",
]
