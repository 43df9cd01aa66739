"""Factories of other packages: found by name, refused with a sentence."""

import pytest

from otel_vector.errors import ConfigError
from otel_vector.settings.plugins import GROUPS, installed, plugin


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Install a package that registers a store."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def register(package, name, value):
        facts = tmp_path / f"{package}-1.0.dist-info"
        facts.mkdir()
        (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (facts / "entry_points.txt").write_text(f"[{GROUPS['store']}]\n{name} = {value}\n")

    return register


def test_a_factory_is_found_by_its_name(package):
    package("one", "mine", "fractions:Fraction")
    package("two", "other", "decimal:Decimal")
    assert plugin("store", "mine")(1, 2).denominator == 2
    assert {"mine", "other"} <= set(installed("store"))


def test_an_unknown_name_is_refused_with_those_there_are(package):
    package("one", "mine", "fractions:Fraction")
    with pytest.raises(ConfigError, match=r"store\.backend 'yours'.*installed: mine"):
        plugin("store", "yours")


def test_a_name_of_two_packages_is_refused_with_both(package):
    package("one", "mine", "fractions:Fraction")
    package("two", "mine", "decimal:Decimal")
    with pytest.raises(ConfigError, match=r"registered by one 1\.0, two 1\.0"):
        plugin("store", "mine")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("not_a_module:Store", "of package one 1.0 cannot be imported"),
        ("fractions:NotThere", "of package one 1.0 cannot be imported"),
        ("math:pi", "of package one 1.0 is no factory"),
    ],
    ids=["module", "name", "value"],
)
def test_a_package_that_gives_no_factory_is_named(package, value, words):
    package("one", "mine", value)
    with pytest.raises(ConfigError, match=words):
        plugin("store", "mine")
