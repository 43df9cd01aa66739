"""Another model takes the place of one: all texts, newest first, while search goes on."""

import pytest
from support.embeddings import serving

from otel_vector.embed.contract import Role
from otel_vector.embed.openai import OpenAIEmbedder
from otel_vector.errors import EmbedderUnavailableError, JobCancelledError, ModelMismatchError
from otel_vector.maintain.reembed import reembed
from otel_vector.progress import unreported
from otel_vector.settings.config import StoreConfig
from otel_vector.spans.meanings import Facet
from otel_vector.store.contract import Nearest
from otel_vector.store.edge import EdgeStore
from otel_vector.testing.builders import TENANT, SpanRow, batch_of, digest_of
from otel_vector.testing.hashing import HashingEmbedder

OLD = HashingEmbedder(256)
TEXTS = [
    (Facet.ERROR, f"card {word} {word * 4} {word * 7} by bank")
    for word in "abcdefghijklmnopqrstuvwxyz"
]


def opened(folder, model=OLD):
    return EdgeStore(folder, StoreConfig(), model.model, model.dimension)


@pytest.fixture
def store(tmp_path):
    store = filled(tmp_path / "store")
    yield store
    store.close()


def filled(folder):
    store = opened(folder)
    write(store, TEXTS)
    meanings = store.tenant(TENANT).meanings
    pending = meanings.pending(99)
    vectors = OLD.embed([m.text for m in pending], Role.PASSAGE)
    meanings.fill(dict(zip([m.id for m in pending], vectors, strict=True)))
    return store


def write(store, texts, span=1):
    batch = batch_of([SpanRow(span=span, means=tuple(texts))])
    store.tenant(TENANT).writer.write(batch, digest_of(batch))


def found(store, text, embedder):
    (vector,) = embedder.embed([text], Role.QUESTION)
    hits = store.tenant(TENANT).meanings.nearest(
        Nearest(None, None, vectors={embedder.model: vector})
    )
    return [hit.meaning.text for hit in hits]


def test_the_new_model_answers_after_all_texts_have_its_vectors(store):
    reports = []
    new = HashingEmbedder(300)

    def progress(done, total=None, note=""):
        reports.append((done, total))
        assert found(store, "card a aaaa aaaaaaa by bank", OLD)[0] == "card a aaaa aaaaaaa by bank"
        assert found(store, "card a aaaa aaaaaaa by bank", new) == []

    done = reembed(store, new, None, progress)
    assert (done.texts, done.refused) == (len(TEXTS) + 1, 0)
    assert reports[0] == (0, len(TEXTS) + 1)
    assert reports[-1] == (len(TEXTS) + 1, len(TEXTS) + 1)
    assert found(store, "card a aaaa aaaaaaa by bank", new)[0] == "card a aaaa aaaaaaa by bank"
    assert found(store, "card a aaaa aaaaaaa by bank", OLD) == []
    assert store.tenant(TENANT).meanings.counts().pending == 0


def test_texts_that_come_meanwhile_get_both_vectors(store):
    new = HashingEmbedder(300)
    late = (Facet.ERROR, "came late")

    def progress(done, total=None, note=""):
        if done == 0:
            write(store, [late], span=2)

    done = reembed(store, new, None, progress)
    assert done.texts == len(TEXTS) + 2
    assert found(store, "came late", new)[0] == "came late"


def test_a_reembedding_that_was_told_to_end_goes_on_where_it_stopped(tmp_path, store):
    with serving(dimension=24) as endpoint:
        new = OpenAIEmbedder(endpoint.url, "new-model")
        seen = []

        def end(done, total=None, note=""):
            seen.append(done)
            if done:
                raise JobCancelledError("told to end")

        write(store, [(Facet.INPUT, f"question {n}") for n in range(150)], span=3)
        with pytest.raises(JobCancelledError):
            reembed(store, new, None, end)
        endpoint.requests.clear()
        done = reembed(store, new, None, unreported)
        assert done.texts == len(TEXTS) + 1 + 150 - seen[-1]
        endpoint.script += [503] * 50
        third = OpenAIEmbedder(endpoint.url, "third", dimension=300, timeout_s=1)
        with pytest.raises(EmbedderUnavailableError):
            reembed(store, third, None, unreported)
        assert store.models.default.name == "new-model"
        third.close()
        new.close()


def test_a_facet_gets_a_model_of_its_own(store):
    new = HashingEmbedder(300)
    write(store, [(Facet.INPUT, "which card works")], span=4)
    assert reembed(store, new, Facet.INPUT, unreported).texts == 1
    assert found(store, "which card works", new) == ["which card works"]
    assert "which card works" not in found(store, "which card works", OLD)
    assert reembed(store, new, Facet.INPUT, unreported).texts == 0


def test_after_the_switch_the_store_refuses_the_old_model_and_names_the_command(tmp_path):
    store = filled(tmp_path / "store")
    reembed(store, HashingEmbedder(300), None, unreported)
    store.close()
    with pytest.raises(ModelMismatchError, match="otel-vector reembed --model hashing-256"):
        opened(tmp_path / "store")
    again = opened(tmp_path / "store", HashingEmbedder(300))
    assert (
        found(again, "card b bbbb bbbbbbb by bank", HashingEmbedder(300))[0]
        == "card b bbbb bbbbbbb by bank"
    )
    again.close()


def test_no_file_holds_the_text_of_a_removed_meaning_after_rewriting(tmp_path, store):
    secret = "zebra-4711-secret"
    write(store, [(Facet.INPUT, secret)], span=5)
    store.checkpoint()
    meanings = store.tenant(TENANT).meanings
    (gone,) = [m.id for m in meanings.pending(9) if m.text == secret]
    meanings.remove([gone])
    meanings.rewrite()
    store.checkpoint()
    shelf = next(p for p in (tmp_path / "store/tenants" / TENANT).glob("meanings*/"))
    assert not [p for p in shelf.rglob("*") if p.is_file() and secret.encode() in p.read_bytes()]
    assert found(store, "card c cccc ccccccc by bank", OLD)[0] == "card c cccc ccccccc by bank"
