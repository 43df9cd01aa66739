"""Measures how well questions find what they mean, on real traces with labelled answers.

    relevance.py [--shared DIR] [--questions] [--no-variants]

Prints tables: mean reciprocal rank of the first right unit within ten (MRR@10), for all
questions, paraphrases, each dataset and each half of the questions, and how many questions
that share words with their answer have it among the first five (Hit@5). A unit is a (service,
name) or, for agents, a span; it is right with grade 1 or 2. Meanings are made by the
describer, joined logs included, embedded by the bundled model and ranked as a grouped search
does: dense and BM25 candidates, fused, ranked, each group shown by its newest span.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import os
import platform
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from otel_vector.decode.messages import logs_from_json, traces_from_json
from otel_vector.describe.describer import Describer
from otel_vector.embed.contract import Role
from otel_vector.embed.fast import FastEmbedder
from otel_vector.services.search.rank import WEIGHTS, features_of, rank
from otel_vector.services.search.retrieve import DEPTH
from otel_vector.settings.config import DescribeConfig
from otel_vector.spans.ids import MeaningId, Tenant
from otel_vector.spans.meanings import Facet, Meaning
from otel_vector.store.contract import Fusion, Hit
from otel_vector.store.reading.terms import document_terms, question_terms

DATASETS = ("online-boutique", "train-ticket", "llm-agents")
TEN = 10


@dataclass
class Corpus:
    """The meanings of one dataset, their vectors and terms, and the units behind each."""

    meanings: list[Meaning]
    units: list[list[object]]
    vectors: np.ndarray
    terms: list[dict[int, float]]
    rarity: dict[int, float]


@dataclass(frozen=True)
class Way:
    """One way of answering; what is measured against what."""

    name: str
    config: DescribeConfig = field(default_factory=DescribeConfig)
    fusion: Fusion = field(default_factory=Fusion)
    facets: frozenset[Facet] = frozenset(Facet)
    order: Callable[[list[Hit], str, Fusion], list[MeaningId]] | None = None
    kind: str = "rrf"


EMBEDDER = FastEmbedder(threads=2)


@cache
def vector(text: str) -> np.ndarray:
    return np.asarray(EMBEDDER.embed([text], Role.PASSAGE)[0], dtype=np.float32)


@cache
def corpus(shared: Path, dataset: str, config: DescribeConfig) -> Corpus:
    describer = Describer(config, Tenant("default"))
    joined: dict[tuple[bytes, bytes], list[MeaningId]] = defaultdict(list)
    texts: dict[MeaningId, Meaning] = {}
    for data in map(logs_from_json, lines(shared, f"{dataset}.logs")):
        batch = describer.logs(data)
        texts.update(batch.texts)
        for join in batch.joins:
            joined[join.trace_id, join.span_id] += join.meanings
    newest: dict[MeaningId, dict[object, int]] = defaultdict(dict)
    for data in map(traces_from_json, lines(shared, dataset)):
        names = [s.name for r in data.resource_spans for c in r.scope_spans for s in c.spans]
        batch = describer.traces(data)
        texts.update(batch.texts)
        for row, name in enumerate(names):
            place = batch.trace_ids[row], batch.span_ids[row]
            service = batch.texts[batch.meanings[row][0]].service
            unit = place[1].hex() if dataset == "llm-agents" else (service, name)
            for meaning in (*batch.meanings[row], *joined[place]):
                known = newest[meaning].get(unit, 0)
                newest[meaning][unit] = max(known, batch.start_ns[row])
    return built([texts[i] for i in newest], [newest[i] for i in newest])


def lines(shared: Path, name: str) -> Iterable[bytes]:
    with gzip.open(shared / "data" / "traces" / f"{name}.otlp.jsonl.gz") as file:
        yield from file


def built(meanings: list[Meaning], newest: list[dict[object, int]]) -> Corpus:
    found = (document_terms(meaning.text) for meaning in meanings)
    terms = [dict(zip(t.indices, t.values, strict=True)) for t in found]
    count = Counter(term for words in terms for term in words)
    total = len(terms)
    return Corpus(
        meanings,
        [sorted(units, key=lambda unit: -units[unit]) for units in newest],
        np.array([vector(meaning.text) for meaning in meanings]),
        terms,
        {term: math.log((total - n + 0.5) / (n + 0.5) + 1) for term, n in count.items()},
    )


def dense(data: Corpus, question: str) -> list[tuple[int, float]]:
    cosines = data.vectors @ vector(question)
    return [(int(i), float(cosines[i])) for i in np.argsort(-cosines, kind="stable")]


def bm25(data: Corpus, question: str, min_words: float) -> list[tuple[int, float]]:
    asked = list(question_terms(question).indices)
    least = max(1, math.ceil(len(asked) * min_words))
    scored = []
    for number, words in enumerate(data.terms):
        held = [term for term in asked if term in words]
        if len(held) >= least:
            scored.append((number, sum(words[t] * data.rarity[t] for t in held)))
    return sorted(scored, key=lambda pair: (-pair[1], pair[0]))


def hits(data: Corpus, question: str, way: Way) -> list[Hit]:
    """Return what the store's `nearest` would: both rankings and their fusion."""

    def wanted(ranking: list[tuple[int, float]]) -> dict[int, tuple[int, float]]:
        kept = [(i, s) for i, s in ranking if data.meanings[i].facet in way.facets][:DEPTH]
        return {i: (position, score) for position, (i, score) in enumerate(kept)}

    near = wanted(dense(data, question))
    words = wanted(bm25(data, question, way.fusion.min_words))
    score = scores_dbsf if way.kind == "dbsf" else scores_rrf
    fused = score(near, words, way.fusion)
    return [
        Hit(
            data.meanings[i],
            value,
            near[i][1] if i in near else None,
            near[i][0] if i in near else None,
            words[i][0] if i in words else None,
        )
        for i, value in sorted(fused.items(), key=lambda pair: -pair[1])
    ]


Ranking = dict[int, tuple[int, float]]


def scores_rrf(near: Ranking, words: Ranking, fusion: Fusion) -> dict[int, float]:
    fused: dict[int, float] = defaultdict(float)
    for ranking, weight in ((near, fusion.dense_weight), (words, fusion.bm25_weight)):
        for number, (position, _) in ranking.items():
            fused[number] += fusion.share(position, weight) if weight else 0.0
    return fused


def scores_dbsf(near: Ranking, words: Ranking, fusion: Fusion) -> dict[int, float]:
    fused: dict[int, float] = defaultdict(float)
    for ranking, weight in ((near, fusion.dense_weight), (words, fusion.bm25_weight)):
        values = np.array([score for _, score in ranking.values()] or [0.0])
        low, width = values.mean() - 3 * values.std(), 6 * values.std() or 1.0
        for number, (_, score) in ranking.items():
            fused[number] += weight * min(1.0, max(0.0, (score - low) / width))
    return fused


def by_fusion(found: list[Hit], _question: str, _fusion: Fusion) -> list[MeaningId]:
    return [hit.meaning.id for hit in found]


def by_product(found: list[Hit], question: str, _fusion: Fusion) -> list[MeaningId]:
    return [ranked.meaning for ranked in rank(features_of(found, question), WEIGHTS)]


def by_features(specific: float, entry: float) -> Callable[..., list[MeaningId]]:
    """Return an order by cosine with priors on operations, fused anew with BM25.

    Specificity is how rare an operation's words are among the operations that were found, from
    0 to 1, less its mean; an entry is where a service is called (server, consumer).
    """

    def order(found: list[Hit], _question: str, fusion: Fusion) -> list[MeaningId]:
        adjusted = priors(found, specific, entry)
        near = sorted(adjusted, key=lambda i: -adjusted[i])
        score: dict[MeaningId, float] = defaultdict(float)
        for position, meaning in enumerate(near):
            score[meaning] += fusion.share(position, fusion.dense_weight)
        for hit in found:
            if hit.bm25_rank is not None:
                score[hit.meaning.id] += fusion.share(hit.bm25_rank, fusion.bm25_weight)
        return sorted(score, key=lambda meaning: (-score[meaning], meaning))

    return order


def priors(found: list[Hit], specific: float, entry: float) -> dict[MeaningId, float]:
    adjusted = {h.meaning.id: h.cosine for h in found if h.cosine is not None}
    operations = [
        h.meaning for h in found if h.meaning.facet is Facet.OPERATION and h.cosine is not None
    ]
    words = {
        m.id: set(m.text.replace(":", " ").replace("(", " ").replace(")", " ").split())
        for m in operations
    }
    among = Counter(word for held in words.values() for word in held)
    span = math.log(max(2, len(operations)))
    rare = {
        i: sum(math.log(len(operations) / among[w]) for w in held) / span / max(1, len(held))
        for i, held in words.items()
    }
    mean = sum(rare.values()) / max(1, len(rare))
    for meaning in operations:
        adjusted[meaning.id] += specific * (rare[meaning.id] - mean)
        adjusted[meaning.id] += entry if meaning.kind in {2, 5} else 0.0
    return adjusted


def places(shared: Path, questions: Sequence[dict[str, Any]], way: Way) -> list[int]:
    """Return, for each question, the place (from 1) of the first right unit; 0 without one."""
    found = []
    for question in questions:
        data = corpus(shared, question["dataset"], way.config)
        number = {meaning.id: i for i, meaning in enumerate(data.meanings)}
        order = (way.order or by_fusion)(
            hits(data, question["query"], way), question["query"], way.fusion
        )
        shown = list(dict.fromkeys(data.units[number[i]][0] for i in order))
        right = right_units(question)
        found.append(next((n for n, unit in enumerate(shown, 1) if unit in right), 0))
    return found


def right_units(question: dict[str, Any]) -> set[object]:
    return {
        unit["span_id"] if "span_id" in unit else (unit["service"], unit["name"])
        for unit in question["relevant"]
        if unit["grade"] >= 1
    }


def mrr(found: Iterable[int]) -> float:
    values = [1 / place if 0 < place <= TEN else 0.0 for place in found]
    return sum(values) / max(1, len(values))


def line(name: str, questions: Sequence[dict[str, Any]], found: list[int]) -> str:
    def of(wanted: Callable[[dict[str, Any]], bool]) -> list[int]:
        return [
            place for question, place in zip(questions, found, strict=True) if wanted(question)
        ]

    lexical = of(lambda q: q["kind"] == "lexical")
    cells = [
        mrr(found),
        mrr(of(lambda q: q["kind"] == "paraphrase")),
        sum(0 < place <= 5 for place in lexical) / len(lexical),
        *(mrr(of(lambda q, d=dataset: q["dataset"] == d)) for dataset in DATASETS),
        mrr(found[::2]),
        mrr(found[1::2]),
    ]
    return f"| {name} | " + " | ".join(f"{cell:.3f}" for cell in cells) + " |"


def ways() -> list[Way]:
    """Return what is compared; the first is what the product does."""
    fusion, tuned = Fusion(), by_features(0.2, 0.02)
    return [
        Way("**as built**", order=by_product),
        Way("fusion alone", order=by_fusion),
        Way("dense alone", fusion=replace(fusion, bm25_weight=0.0)),
        Way("BM25 alone, one word is enough", fusion=replace(fusion, dense_weight=0.0, min_words=0.01)),
        Way("RRF k=60, equal weights, any word", fusion=Fusion(60, 1.0, 1.0, 0.01)),
        Way("RRF k=2, equal weights, any word", fusion=Fusion(2, 1.0, 1.0, 0.01)),
        Way("RRF k=2, 2:1, any word", fusion=Fusion(2, 2.0, 1.0, 0.01)),
        Way("RRF k=2, 2:1, half of the words", fusion=Fusion(2, 2.0, 1.0, 0.5)),
        Way("RRF k=2, 2:1, two thirds of the words", fusion=Fusion(2, 2.0, 1.0, 2 / 3)),
        Way("RRF k=2, 2:1, all words", fusion=Fusion(2, 2.0, 1.0, 1.0)),
        Way("RRF k=5, 2:1, two thirds", fusion=Fusion(5, 2.0, 1.0, 2 / 3)),
        Way("RRF k=60, 1:1, two thirds", fusion=Fusion(60, 1.0, 1.0, 2 / 3)),
        Way("DBSF 1:1, two thirds", fusion=Fusion(2, 1.0, 1.0, 2 / 3), kind="dbsf"),
        Way("DBSF 2:1, half", fusion=Fusion(2, 2.0, 1.0, 0.5), kind="dbsf"),
        Way("without facets system, tool, reasoning", facets=frozenset(Facet) - {Facet.SYSTEM, Facet.TOOL, Facet.REASONING}),
        Way("only operations and errors", facets=frozenset({Facet.OPERATION, Facet.ERROR})),
        *(Way(f"priors: specificity {s}, entry {e}", order=by_features(s, e)) for s, e in GRID),
        *(Way(f"priors .2/.02, {f.min_words:.2f} of the words, k={f.k}", fusion=f, order=tuned) for f in FUSIONS),
        *(
            Way(f"priors .2/.02, passages of {chars}, {most} at most", DescribeConfig(passage_chars=chars, max_passages=most), order=tuned)
            for chars, most in ((400, 8), (600, 8), (800, 1), (800, 4), (1200, 8))
        ),
    ]  # fmt: skip


GRID = (
    *((s, 0.0) for s in (0.05, 0.1, 0.2, 0.3, 0.4)),
    *((0.0, e) for e in (0.02, 0.03, 0.05)),
    *((s, 0.02) for s in (0.1, 0.15, 0.2, 0.25, 0.3, 0.4)),
)
FUSIONS = tuple(Fusion(k, 2.0, 1.0, m) for k in (2, 60) for m in (0.01, 0.34, 0.5, 2 / 3, 1.0))


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = os.environ.get("OTEL_VECTOR_SHARED") or Path(__file__).parents[3] / "shared"
    options.add_argument("--shared", type=Path, default=Path(default))
    options.add_argument(
        "--questions", action="store_true", help="list every question and its place"
    )
    options.add_argument("--no-variants", action="store_true", help="only what the product does")
    chosen = options.parse_args()
    questions = json.loads((chosen.shared / "data/relevance/traces-dev.json").read_text("utf-8"))
    print(
        f"{platform.machine()}, Python {platform.python_version()}, {len(questions)} questions\n"
    )
    print(
        "| way | MRR@10 | paraphrase | lexical Hit@5 | "
        + " | ".join(DATASETS)
        + " | odd half | even half |"
    )
    print("|---|" + "---|" * 8)
    for way in ways()[: 1 if chosen.no_variants else None]:
        found = places(chosen.shared, questions, way)
        print(line(way.name, questions, found), flush=True)
        if chosen.questions and way.name == "**as built**":
            for question, place in zip(questions, found, strict=True):
                print(f"    {place or '-':>4}  {question['id']}  {question['query']}")


if __name__ == "__main__":
    main()
