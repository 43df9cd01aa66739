"""The bundled model keeps the promises, needs no network, and other models fail in words."""

import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from otel_vector.embed.contract import Embedder, Role
from otel_vector.embed.fast import BUNDLED, FastEmbedder
from otel_vector.errors import ConfigError
from otel_vector.testing.embed import EmbedderSuite

FOLDER = Path(sys.modules[FastEmbedder.__module__].__file__).parent / "models" / BUNDLED


def cosine(one, other):
    return sum(a * b for a, b in zip(one, other, strict=True))


@cache
def bundled():
    return FastEmbedder()


class TestBundledModel(EmbedderSuite):
    @pytest.fixture
    def embedder(self) -> Embedder:
        return bundled()

    def test_it_tells_meanings_apart(self, embedder):
        question, near, far = embedder.embed(
            ["the bank refused the card", "payment declined", "list recommended products"],
            Role.PASSAGE,
        )
        assert cosine(question, near) > cosine(question, far) + 0.1

    def test_it_can_be_made_twice_in_a_process_and_gives_the_same_vectors(self, embedder):
        texts = ["checkout failed"]
        assert FastEmbedder(threads=2).embed(texts, Role.PASSAGE) == embedder.embed(
            texts, Role.PASSAGE
        )

    def test_it_names_itself_with_its_quantisation(self, embedder):
        assert (embedder.model, embedder.dimension) == ("all-MiniLM-L6-v2-int8", 384)


def test_the_same_text_has_the_same_vector_in_another_process():
    script = (
        "from otel_vector.embed.fast import FastEmbedder\n"
        "from otel_vector.embed.contract import Role\n"
        "print(repr(FastEmbedder().embed(['checkout failed'], Role.PASSAGE)[0]))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout.strip() == repr(FastEmbedder().embed(["checkout failed"], Role.PASSAGE)[0])


def test_making_an_embedder_imports_no_model_library():
    script = (
        "import sys\n"
        "from otel_vector.embed.fast import FastEmbedder\n"
        "FastEmbedder()\n"
        "print([m for m in ('fastembed', 'onnxruntime', 'numpy') if m in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout.strip() == "[]"


def test_a_model_of_fastembed_is_loaded_from_a_folder_by_its_own_name():
    embedder = FastEmbedder("sentence-transformers/all-MiniLM-L6-v2", path=str(FOLDER))
    (vector,) = embedder.embed(["checkout failed"], Role.QUESTION)
    assert len(vector) == embedder.dimension == 384


def test_an_unknown_model_is_a_setting_error_that_names_the_way_out():
    with pytest.raises(ConfigError, match=r"embed\.model.*embed\.url"):
        FastEmbedder("acme/no-such-model")


def test_a_folder_without_a_model_is_a_setting_error(tmp_path):
    with pytest.raises(ConfigError, match=r"embed\.path"):
        FastEmbedder("BAAI/bge-small-en-v1.5", path=str(tmp_path))
    with pytest.raises(ConfigError, match=r"embed\.path.*not a folder"):
        FastEmbedder("BAAI/bge-small-en-v1.5", path=str(tmp_path / "missing"))


def test_a_model_that_cannot_be_downloaded_says_which_setting_helps(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("FASTEMBED_CACHE_PATH", str(tmp_path))
    script = (
        "import warnings; warnings.simplefilter('ignore')\n"
        "from otel_vector.embed.fast import FastEmbedder\n"
        "from otel_vector.errors import EmbedderUnavailableError\n"
        "try:\n    FastEmbedder('sentence-transformers/all-MiniLM-L6-v2')\n"
        "except EmbedderUnavailableError as error:\n    print(error)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120
    )
    assert "embed.model" in run.stdout
    assert "embed.path" in run.stdout
