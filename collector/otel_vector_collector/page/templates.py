"""Templates made into HTML: every value is escaped here, whatever it is and wherever it stands."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from otel_vector_collector.harmless import harmless
from otel_vector_collector.units import ago, count, duration, moment

__all__ = ["FILES", "HTML", "rendered"]

HTML: Final = "text/html; charset=utf-8"

_HERE: Final = Path(__file__).parent
FILES: Final = {
    "style.css": ((_HERE / "style.css").read_bytes(), "text/css"),
    "icon.svg": ((_HERE / "icon.svg").read_bytes(), "image/svg+xml"),
}
"""What pages load besides themselves: content and media type by name."""


def rendered(template: str, **values: Any) -> bytes:
    """Return a page.

    Args:
        template: name of a file in `templates/`.
        values: what it shows.
    """
    return _ENVIRONMENT.get_template(template).render(**values).encode("utf-8")


def _shown(value: Any) -> Any:
    """Return what is shown of a value, before it is escaped."""
    return harmless(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {"ago": ago, "count": count, "duration": duration, "moment": moment}
    made.filters["clock"] = _clock
    made.globals["versions"] = {name: _digest(content) for name, (content, _) in FILES.items()}
    return made


def _clock(unix_nano: int) -> str:
    """Return a time in UTC to the second, without its zone, which the heading names."""
    return moment(unix_nano)[:19]


def _digest(content: bytes) -> str:
    return blake2b(content, digest_size=6).hexdigest()


_ENVIRONMENT: Final = _environment()
