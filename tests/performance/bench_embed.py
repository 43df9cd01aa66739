"""Distinct new texts embedded per second by the bundled model, 10 and 48 tokens long.

    python tests/performance/bench_embed.py [SECONDS]

Measured through the embedder as the product uses it: one text per run, the default threads.
"""

from __future__ import annotations

import itertools
import random
import sys
import time

from generator import _DOMAINS, _NOUNS, _VERBS
from harness import table

from otel_vector.embed.contract import Embedder, Role
from otel_vector.embed.fast import FastEmbedder
from otel_vector.settings.config import EmbedConfig

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
_WORDS = sorted({*_DOMAINS, *_VERBS, *_NOUNS})


def rate(embedder: Embedder, tokens: int) -> float:
    """Return texts per second; every text is new, its words are whole tokens."""
    rng = random.Random(tokens)
    embedder.embed(["warm up"], Role.PASSAGE)
    start = time.perf_counter()
    for done in itertools.count(1):
        # Two tokens are the model's own begin and end marks.
        embedder.embed([" ".join(rng.choices(_WORDS, k=tokens - 2))], Role.PASSAGE)
        if time.perf_counter() - start > SECONDS:
            return done / (time.perf_counter() - start)
    raise AssertionError


def main() -> None:
    config = EmbedConfig()
    rows = []
    for threads in (1, 2):
        embedder = FastEmbedder(config.model, threads, config.path)
        for tokens, must in ((10, "500"), (48, "100")):
            needed = must if threads == config.threads else ""
            rows.append((f"{tokens} tokens, {threads} thread(s), texts/s",
                         f"{rate(embedder, tokens):,.0f}", needed))  # fmt: skip
    table("Texts embedded", rows)


if __name__ == "__main__":
    main()
