"""JSON files that say what is recorded: each holds one object."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from otel_vector.errors import ConfigError

__all__ = ["object_in"]


def object_in(path: str | Path, *, required: bool) -> dict[str, Any] | None:
    """Return the object that a file holds; None if there is no such file.

    Args:
        path: the file, relative to the working directory; empty for none.
        required: whether somebody named the file, so that it has to be there.

    Raises:
        ConfigError: it has to be there and is not, or cannot be read, or holds no JSON object.
    """
    if not str(path):
        return None
    file = Path(path).expanduser()
    try:
        found = json.loads(file.read_text("utf-8"))
    except FileNotFoundError as error:
        if required:
            raise ConfigError(f"{file} is not there; make it or name another file") from error
        return None
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{file} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise ConfigError(f"{file} holds no JSON object; put its entries between braces")
    return found
