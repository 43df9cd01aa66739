"""BM25 terms of texts and questions: the engine's own encoder, the same on every adapter.

The tokenizer splits camelCase, snake_case and paths, drops English stop words and stems.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import qdrant_edge as engine

__all__ = ["document_terms", "question_terms"]

_AVERAGE_TOKENS: Final = 16.0
"""Length of a usual meaning; operation and error texts are short."""


@lru_cache(maxsize=1)
def _bm25() -> engine.Bm25:
    return engine.Bm25(
        engine.Bm25Config(
            tokenizer=engine.TokenizerType.Code, language="english", avg_len=_AVERAGE_TOKENS
        )
    )


def document_terms(text: str) -> engine.SparseVector:
    """Return a stored text's term weights."""
    return _bm25().embed_document(text)


def question_terms(text: str) -> engine.SparseVector:
    """Return a question's terms, each of weight one; its content words, stemmed."""
    return _bm25().embed_query(text)
