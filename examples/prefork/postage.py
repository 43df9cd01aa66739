"""A prefork service under gunicorn: what it costs to send a parcel.

The provider is made where the module is imported: in each worker, or with `--preload` once in the
parent, before it forks. Spans of every worker arrive in both cases, also those of a worker that is
told to stop or that has served its `max_requests`; nothing has to be done in gunicorn's hooks.
"""

import json
import os
from urllib.parse import parse_qs

from opentelemetry import propagate, trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind, StatusCode

from otel_vector import VectorSpanProcessor, vectorize

provider = TracerProvider(resource=Resource.create({"service.name": "postage"}))
provider.add_span_processor(VectorSpanProcessor())
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("postage")

CENTS = {"FR": 850, "PT": 990, "JP": 2450}
MOST_GRAMS = 20_000


class NotSentError(ValueError):
    """The post does not take a parcel."""


@vectorize(
    search_description="Says what it costs to send a parcel to a country.",
    capture_inputs=True,
    capture_return_value=True,
)
def quote(country, grams):
    """Return the price of a parcel in cents."""
    if country not in CENTS:
        raise NotSentError(f"no parcels are sent to {country}")
    if grams > MOST_GRAMS:
        raise NotSentError(f"{grams} g is too heavy: {MOST_GRAMS} g at most")
    return CENTS[country] + 120 * (grams // 1000)


def application(environ, start_response):
    """Answer `GET /quote?country=FR&grams=1200`; a WSGI application, without any framework."""
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    with tracer.start_as_current_span(
        f"GET {environ['PATH_INFO']}", context=propagate.extract(headers), kind=SpanKind.SERVER
    ) as span:
        span.set_attribute("worker.pid", os.getpid())
        status, answer = answered(parse_qs(environ["QUERY_STRING"]))
        span.set_attribute("http.response.status_code", int(status[:3]))
        if status.startswith("4"):
            span.set_status(StatusCode.ERROR, answer["detail"])
    body = json.dumps(answer).encode()
    start_response(status, [("content-type", "application/json")])
    return [body]


def answered(query):
    try:
        cents = quote(query["country"][0], int(query["grams"][0]))
    except NotSentError as error:
        return "422 Unprocessable Content", {"detail": str(error)}
    return "200 OK", {"cents": cents}
