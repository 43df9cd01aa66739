"""Local ONNX models by fastembed: the bundled one without any network, others by name.

One text per run: the bundled model quantises activations per tensor, so that in a batch a
vector would depend on its neighbours. fastembed and ONNX are imported on first use.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from otel_vector.embed.contract import Role, Vector
from otel_vector.embed.vectors import clean, unit
from otel_vector.errors import ConfigError, EmbedderUnavailableError

__all__ = ["BUNDLED", "FastEmbedder"]

BUNDLED = "all-MiniLM-L6-v2-int8"
"""Name of the model that the package brings along."""

_BUNDLED_DIMENSION = 384
_BUNDLED_PATH = Path(__file__).parent / "models" / BUNDLED
_REGISTERED_AS = f"otel-vector/{BUNDLED}"
_MAX_CHARS = 32_768
"""Characters that reach a tokenizer: no model's window (8,192 tokens at most) is cut short, and
a text of a million characters costs milliseconds."""

_registering = threading.Lock()


class FastEmbedder:
    """A fastembed model in this process. Safe to call from several threads.

    The bundled model is loaded with the first text; any other at once, since its dimension
    and whether it is there at all are only known then.
    """

    def __init__(self, model: str = BUNDLED, threads: int = 1, path: str = "") -> None:
        """Check that the model can be had.

        Args:
            model: the bundled model's name, or one that fastembed lists.
            threads: threads of one run.
            path: folder with the model's files; empty to download them once.

        Raises:
            ConfigError: fastembed knows no model of this name, or `path` holds none.
            EmbedderUnavailableError: the model would have to be downloaded and cannot be.
        """
        self._model = model
        self._threads = threads
        self._path = path
        self._loading = threading.Lock()
        self._loaded: Any = None
        self._dimension = _BUNDLED_DIMENSION
        if model != BUNDLED:
            self._dimension = _dimension_of(model)
            self._runtime()

    @property
    def model(self) -> str:
        """The model's name."""
        return self._model

    @property
    def dimension(self) -> int:
        """Length of every vector."""
        return self._dimension

    def embed(self, texts: Sequence[str], role: Role) -> list[Vector]:
        """Return one vector per text, each from a run of its own."""
        runtime = self._runtime()
        run = runtime.query_embed if role is Role.QUESTION else runtime.passage_embed
        return [unit(next(iter(run([clean(text, _MAX_CHARS)]))).tolist()) for text in texts]

    def _runtime(self) -> Any:
        if self._loaded is None:
            with self._loading:
                if self._loaded is None:
                    self._loaded = self._load()
        return self._loaded

    def _load(self) -> Any:
        from fastembed import TextEmbedding

        if self._model == BUNDLED:
            _register_bundled()
            folder = self._path or str(_BUNDLED_PATH)
            return _opened(TextEmbedding, _REGISTERED_AS, self._threads, folder)
        return _opened(TextEmbedding, self._model, self._threads, self._path)


def _opened(kind: Any, name: str, threads: int, folder: str) -> Any:
    """Load a model, and say which setting to look at when that fails."""
    if folder and not Path(folder).is_dir():
        raise ConfigError(f"embed.path: {folder} is not a folder")
    local = {"specific_model_path": folder, "cache_dir": folder} if folder else {}
    try:
        return kind(name, threads=threads, **local)
    except Exception as error:  # fastembed, ONNX and the hub raise whatever they like
        cause = str(error).splitlines()[0] if str(error) else type(error).__name__
        if folder:
            raise ConfigError(f"embed.path: {folder} holds no model {name}: {cause}") from error
        raise EmbedderUnavailableError(
            f"embed.model: {name} is not on this machine and cannot be downloaded ({cause}); "
            f"give the folder that holds it in embed.path, or use the bundled model {BUNDLED}"
        ) from error


def _dimension_of(model: str) -> int:
    from fastembed import TextEmbedding

    try:
        return int(TextEmbedding.get_embedding_size(model))
    except ValueError as error:
        raise ConfigError(
            f"embed.model: fastembed has no model {model!r}; use {BUNDLED}, a name that "
            "fastembed lists, none, or set embed.url for an endpoint"
        ) from error


def _register_bundled() -> None:
    """Make the bundled model known to fastembed, once per process."""
    from fastembed import TextEmbedding
    from fastembed.common.model_description import ModelSource, PoolingType

    with _registering:
        known = {entry["model"] for entry in TextEmbedding.list_supported_models()}
        if _REGISTERED_AS not in known:
            TextEmbedding.add_custom_model(
                model=_REGISTERED_AS,
                pooling=PoolingType.MEAN,
                normalization=True,
                sources=ModelSource(hf="sentence-transformers/all-MiniLM-L6-v2"),
                dim=_BUNDLED_DIMENSION,
                model_file="model.onnx",
            )
