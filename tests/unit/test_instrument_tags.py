"""Tags come from the environment and from decorators, as the list of tags allows them."""

import json
import logging

import pytest

from otel_vector.errors import ConfigError
from otel_vector.instrument.tags import Tags
from otel_vector.settings.load import variables

LISTED = {
    "run_id": {"data_type": "TEXT", "description": "The ID of the specific test run"},
    "team": {"data_type": "text"},
    "priority": {"data_type": "INT", "description": "Execution priority level"},
    "share": {"data_type": "number"},
    "beta": {"data_type": "BOOLEAN"},
    "labels": {"data_type": "TEXT_ARRAY"},
    "sizes": {"data_type": "int[]"},
    "day": {"data_type": ["date"]},
}


@pytest.fixture
def listed(tmp_path, monkeypatch):
    """Return what loads the list above in a folder and environment of its own."""
    monkeypatch.chdir(tmp_path)
    for name in LISTED:
        monkeypatch.delenv(name.upper(), raising=False)
    (tmp_path / "tags.json").write_text(json.dumps(LISTED))
    return lambda: Tags.load("tags.json")


def test_a_decorator_s_tags_are_attributes_of_their_types(listed):
    given = {
        "run_id": 7, "team": "billing", "priority": "1", "share": 1, "beta": "Yes",
        "labels": ["a", 2], "sizes": "1, 2,", "day": "2026-01-02",
    }  # fmt: skip
    assert listed().of(given) == {
        "otel_vector.tag.run_id": "7",
        "otel_vector.tag.team": "billing",
        "otel_vector.tag.priority": 1,
        "otel_vector.tag.share": 1.0,
        "otel_vector.tag.beta": True,
        "otel_vector.tag.labels": ("a", "2"),
        "otel_vector.tag.sizes": (1, 2),
        "otel_vector.tag.day": "2026-01-02",
    }


def test_variables_in_upper_case_are_tags_of_every_span(listed, monkeypatch):
    monkeypatch.setenv("RUN_ID", "run-1")
    monkeypatch.setenv("PRIORITY", "5")
    monkeypatch.setenv("BETA", "0")
    monkeypatch.setenv("UNLISTED", "x")
    assert listed().of({}) == {
        "otel_vector.tag.run_id": "run-1",
        "otel_vector.tag.priority": 5,
        "otel_vector.tag.beta": False,
    }


def test_the_environment_goes_before_dotenv_and_an_empty_one_is_unset(
    listed, monkeypatch, tmp_path
):
    (tmp_path / ".env").write_text("RUN_ID=from-file\nTEAM=from-file\nPRIORITY=\n")
    monkeypatch.setenv("RUN_ID", "from-environment")
    monkeypatch.setenv("TEAM", "")
    assert listed().of({}) == {
        "otel_vector.tag.run_id": "from-environment",
        "otel_vector.tag.team": "from-file",
    }


def test_the_decorator_wins(listed, monkeypatch):
    monkeypatch.setenv("RUN_ID", "everywhere")
    assert listed().of({"run_id": "here"}) == {"otel_vector.tag.run_id": "here"}


def test_an_unknown_key_is_left_out_and_told_once(listed, caplog):
    tags = listed()
    with caplog.at_level(logging.WARNING):
        assert tags.of({"teem": "x", "team": "a"}) == {"otel_vector.tag.team": "a"}
        tags.of({"teem": "y"})
    assert [record.getMessage() for record in caplog.records] == [
        "the tag teem is left out: it is not in the list of tags; add it there"
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("priority", "high"),
        ("priority", True),
        ("priority", 1.5),
        ("priority", 1 << 64),
        ("priority", None),
        ("priority", float("inf")),
        ("share", "much"),
        ("share", float("nan")),
        ("share", 10**400),
        ("share", False),
        ("beta", "perhaps"),
        ("beta", 2),
        ("sizes", ["x"]),
        ("labels", 5),
    ],
)
def test_a_value_that_is_none_of_its_type_is_left_out_and_told_once(listed, caplog, name, value):
    tags = listed()
    with caplog.at_level(logging.WARNING):
        assert tags.of({name: value}) == {}
        assert tags.of({name: value}) == {}
    assert len(caplog.records) == 1
    assert f"the tag {name} is left out: its value is" in caplog.text


def test_a_variable_that_is_none_of_its_type_does_not_hide_the_decorator_s(
    listed, monkeypatch, caplog
):
    monkeypatch.setenv("PRIORITY", "high")
    assert listed().of({"priority": 2}) == {"otel_vector.tag.priority": 2}
    assert "the tag priority is left out" in caplog.text


def test_without_a_list_a_decorator_s_tags_are_taken_as_they_are(tmp_path, monkeypatch):
    monkeypatch.setenv("TEAM", "x")
    tags = Tags.load(tmp_path / "none.json", required=False)
    given = {"a": "x", "b": 1, "c": True, "d": 0.5, "e": ["x", "y"], "f": {"k": 1}, "g": 1 << 70}
    assert tags.of(given) == {
        "otel_vector.tag.a": "x",
        "otel_vector.tag.b": 1,
        "otel_vector.tag.c": True,
        "otel_vector.tag.d": 0.5,
        "otel_vector.tag.e": ("x", "y"),
        "otel_vector.tag.f": '{"k":1}',
        "otel_vector.tag.g": str(1 << 70),
    }
    assert Tags().of(given) == tags.of(given)
    assert tags.declared() == {}


def test_an_empty_list_allows_nothing(tmp_path):
    (tmp_path / "tags.json").write_text("{}")
    assert Tags.load(tmp_path / "tags.json").of({"a": 1}) == {}


def test_what_the_list_says_of_tags_is_known(listed):
    assert listed().declared()["run_id"] == "The ID of the specific test run"
    assert listed().declared()["team"] == ""


def test_a_named_file_has_to_be_there(tmp_path):
    with pytest.raises(ConfigError, match="is not there"):
        Tags.load(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"data_type": "GEO"}, "a: no such data_type as GEO; there are BOOL"),
        ({"data_type": ["text", "int"]}, "no such data_type"),
        ("TEXT", "a: 'TEXT' is no tag"),
    ],
)
def test_what_is_wrong_with_the_list_is_told(tmp_path, entry, told):
    (tmp_path / "tags.json").write_text(json.dumps({"a": entry}))
    with pytest.raises(ConfigError, match=told):
        Tags.load(tmp_path / "tags.json")


def test_named_variables_are_read_from_the_environment_and_a_folder(tmp_path):
    (tmp_path / ".env").write_text("A=1\nB=2\n")
    found = variables({"A": "a", "B": "b", "C": "c"}, environ={"B": "3"}, folder=tmp_path)
    assert found == {"a": "1", "b": "3"}
