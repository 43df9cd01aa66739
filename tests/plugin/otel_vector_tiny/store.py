"""A store in memory that says so in its folder."""

from pathlib import Path

from otel_vector.settings.config import StoreConfig
from otel_vector.store.memory import MemoryStore


class TinyStore(MemoryStore):
    """Keeps everything in memory, and one file in the store's folder that says what for."""

    def __init__(
        self,
        path: Path,
        config: StoreConfig,
        model: str,
        dimension: int,
        indexed: tuple[str, ...] = (),
    ) -> None:
        super().__init__(dimension, model)
        path.mkdir(parents=True, exist_ok=True)
        (path / "tiny.txt").write_text(f"{config.backend} {model} {dimension} {len(indexed)}")
