"""The settings in force: layers, each over the one before.

::

    defaults < TOML file < .env < environment < flags

The file is `--config`, else `OTEL_VECTOR_CONFIG`, else `otel-vector.toml` in the working
directory if there is one. This is the only module that reads the environment. An unknown
name is refused with the nearest known one; all that is wrong is told at once.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from otel_vector.errors import ConfigError
from otel_vector.settings.config import Settings
from otel_vector.settings.schema import PREFIX, build, entries
from otel_vector.settings.values import problem_with, read

__all__ = ["Loaded", "load", "state_home", "variables"]

_DEFAULT_FILE: Final = "otel-vector.toml"
_FILE_VARIABLE: Final = PREFIX + "CONFIG"
# Kubernetes gives every pod these for a service that is called `otel-vector` or `otel-vector-…`.
_SERVICE_LINK: Final = re.compile(
    r"(^|_)(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$"
)


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings and where each comes from.

    Attributes:
        settings: what is in force.
        origins: path of a setting → `default`, `file …`, `.env`, `environment …`, `flag …` or
            `keyword`.
        file: the TOML file that was read, if any.
    """

    settings: Settings
    origins: Mapping[str, str]
    file: Path | None = None


@dataclass(slots=True)
class _Layers:
    """What has been read so far."""

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def put(self, path: str, raw: Any, origin: str) -> None:
        """Take one value, or note what is wrong with it."""
        entry = entries()[path]
        try:
            value = read(entry, raw)
        except ValueError as error:
            shown = "its value cannot be read" if entry.secret else str(error)
            self.problems.append(f"{path} ({origin}): {shown}")
            return
        problem = problem_with(entry, value)
        if problem is not None:
            self.problems.append(f"{path} ({origin}): {problem}")
            return
        self.values[path] = value
        self.origins[path] = origin


def load(
    flags: Mapping[str, Any] | None = None,
    *,
    config: Path | None = None,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
    keywords: Mapping[str, Any] | None = None,
) -> Loaded:
    """Return the settings in force.

    Args:
        flags: values from the command line by path; None values are left out.
        config: the file named by `--config`.
        environ: the environment; the process's own unless given.
        folder: where `otel-vector.toml` and `.env` are looked for; the working directory.
        keywords: values from a call by path, over all others; None values are left out.

    Raises:
        ConfigError: something is wrong; the message names every setting that is.
    """
    here = folder or _working_folder()
    variables = os.environ if environ is None else environ
    dotenv = _dotenv(here / ".env")
    layers = _Layers()
    file = _file(config, {**dotenv, **variables}, here)
    if file is not None:
        _put_file(layers, file)
    _put_variables(layers, dotenv, ".env")
    _put_variables(layers, variables, "environment")
    _put_flags(layers, flags or {})
    for path, raw in (keywords or {}).items():
        if raw is not None:
            layers.put(path, raw, "keyword")
    if layers.problems:
        raise ConfigError(_sentence(layers.problems))
    origins = dict.fromkeys(entries(), "default") | layers.origins
    return Loaded(build(layers.values), origins, file)


def state_home(environ: Mapping[str, str] | None = None) -> Path | None:
    """Return the folder for what a user's programs keep between runs; None without a home.

    By the XDG base directory specification: `XDG_STATE_HOME`, which counts only if it is absolute,
    else `~/.local/state`.
    """
    variables = os.environ if environ is None else environ
    named = Path(variables.get("XDG_STATE_HOME") or ".")
    if named.is_absolute():
        return named
    try:
        return Path.home() / ".local" / "state"
    except RuntimeError:
        return None


def variables(
    names: Mapping[str, str],
    *,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> dict[str, str]:
    """Return what variables that are no settings of ours say, of the environment or else `.env`.

    Args:
        names: of the variables, each with the name its value is returned under.
        environ: the environment; the process's own unless given.
        folder: where `.env` is looked for; the working directory.
    """
    given = os.environ if environ is None else environ
    texts = {
        **_dotenv((folder or _working_folder()) / ".env"),
        **{k: v for k, v in given.items() if v},
    }
    return {name: texts[variable] for variable, name in names.items() if texts.get(variable)}


def _put_flags(layers: _Layers, flags: Mapping[str, Any]) -> None:
    for path, raw in flags.items():
        if path not in entries():
            layers.problems.append(f"{path} (flag --set): {_unknown(path, list(entries()))}")
        elif raw is not None:
            layers.put(path, raw, f"flag {entries()[path].flag}")


def _file(config: Path | None, variables: Mapping[str, str], here: Path) -> Path | None:
    named = config or (Path(variables[_FILE_VARIABLE]) if variables.get(_FILE_VARIABLE) else None)
    if named is None:
        return here / _DEFAULT_FILE if (here / _DEFAULT_FILE).is_file() else None
    return here / named.expanduser()


def _put_file(layers: _Layers, file: Path) -> None:
    import tomllib

    origin = f"file {file}"
    try:
        tables = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not TOML: {error}") from error
    for path, raw in _flattened(tables).items():
        if path in entries():
            layers.put(path, raw, origin)
        else:
            layers.problems.append(f"{path} ({origin}): {_unknown(path, list(entries()))}")


def _flattened(tables: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in tables.items():
        if isinstance(value, dict):
            flat |= {f"{name}.{key}": inner for key, inner in value.items()}
        else:
            flat[name] = value
    return flat


def _put_variables(layers: _Layers, variables: Mapping[str, str], origin: str) -> None:
    """Take the variables of ours. As in OpenTelemetry, an empty one counts as unset."""
    known = {entry.variable: path for path, entry in entries().items()}
    for name, text in variables.items():
        if not name.startswith(PREFIX) or not text or name == _FILE_VARIABLE:
            continue
        if name in known:
            layers.put(known[name], text, f"{origin} {name}")
        elif not _SERVICE_LINK.search(name.removeprefix(PREFIX)):
            layers.problems.append(f"{name} ({origin}): {_unknown(name, list(known))}")


def _working_folder() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        raise ConfigError(
            f"the working directory cannot be found ({error.strerror}); start in one that is there"
        ) from error


def _dotenv(file: Path) -> dict[str, str]:
    try:
        if not file.is_file():
            return {}
        from dotenv import dotenv_values

        # As written: a file in a folder must not copy keys of the environment into addresses.
        found = dotenv_values(file, interpolate=False)
        return {name: value for name, value in found.items() if value is not None}
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is not UTF-8; write it again as such") from error


def _unknown(name: str, known: list[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=1, cutoff=0.6)
    return f"no such setting, did you mean {near[0]}" if near else "no such setting"


def _sentence(problems: list[str]) -> str:
    if len(problems) == 1:
        return problems[0]
    return f"{len(problems)} settings are wrong: " + "; ".join(problems)
