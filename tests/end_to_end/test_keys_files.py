"""Keys in files: made once, left while they are in force, never written over by another one."""

import os
import stat

import httpx
import pytest
from serving import FREE, Served, cli


@pytest.fixture
def served(tmp_path):
    made = Served(tmp_path)
    yield made
    made.end()


def ordered(served, file, *more, check=True, name="collector", role="ingest"):
    return cli(served, "keys", "create", name, "--role", role, "--file", file, *more, check=check)


def mode_of(file):
    return stat.S_IMODE(file.stat().st_mode)


def test_a_key_in_a_file_opens_the_door_and_is_shown_nowhere(served):
    file = served.folder / "key"
    done = ordered(served, file, role="read")
    served.start()
    key = file.read_text()
    assert key.startswith("ov_")
    assert key == key.strip()
    assert key not in done.out + done.err
    url = f"http://{served.endpoints['api']}/v1/stats"
    assert httpx.get(url, headers={"x-api-key": key}).status_code == 200
    assert mode_of(file) == 0o600


def test_the_same_order_again_leaves_the_file_and_makes_no_key(served):
    file = served.folder / "key"
    first = ordered(served, file, "--json").json
    text = file.read_text()
    second = ordered(served, file, "--json").json
    assert (second["id"], second["file"]) == (first["id"], str(file))
    assert "key" not in second
    assert file.read_text() == text
    assert len(cli(served, "keys", "list", "--json").json) == 1


def test_its_group_may_read_it_if_told_so(served):
    file = served.folder / "key"
    ordered(served, file, "--for-group")
    assert mode_of(file) == 0o640
    cli(served, "keys", "rotate", "collector", "--file", file)
    assert mode_of(file) == 0o600


def test_a_new_secret_takes_the_place_of_the_old_one_in_the_file(served):
    file = served.folder / "key"
    ordered(served, file, role="read")
    old = file.read_text()
    done = cli(served, "keys", "rotate", "collector", "--grace", "0s", "--file", file)
    assert file.read_text() not in done.out + done.err
    served.start()
    url = f"http://{served.endpoints['api']}/v1/stats"
    answers = [
        httpx.get(url, headers={"x-api-key": key}).status_code for key in (old, file.read_text())
    ]
    assert answers == [401, 200]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda served, file: file.write_text("my notes"), "something else than a key"),
        (
            lambda served, file: cli(served, "keys", "disable", "collector", "--yes"),
            "not in force",
        ),
        (lambda served, file: (served.data / "state.db").unlink(), "not in force"),
    ],
    ids=["no key", "disabled", "of another folder"],
)
def test_what_is_in_a_file_is_never_written_over(served, spoil, says):
    file = served.folder / "key"
    ordered(served, file)
    spoil(served, file)
    refused(served, file, "ingest", says)


@pytest.mark.parametrize("mode", [0o644, 0o602])
def test_a_key_that_everybody_may_read_or_change_is_not_left_as_it_is(served, mode):
    file = served.folder / "key"
    ordered(served, file)
    file.chmod(mode)
    done = ordered(served, file, check=False)
    assert done.code
    assert "is open to everybody" in done.err
    assert len(cli(served, "keys", "list", "--json").json) == 1


def test_a_pipe_is_no_file_with_a_key_and_is_not_waited_for(served):
    pipe = served.folder / "key"
    os.mkfifo(pipe)
    done = ordered(served, pipe, check=False)
    assert done.code
    assert "holds something else than a key" in done.err


def test_a_key_with_other_roles_is_not_what_was_ordered(served):
    file = served.folder / "key"
    ordered(served, file)
    refused(served, file, "read", "holds key")


def refused(served, file, role, says):
    before = file.read_bytes()
    done = ordered(served, file, role=role, check=False)
    assert (done.code, done.out) == (1, "")
    assert says in done.err
    assert file.read_bytes() == before


def test_a_new_secret_is_not_put_where_another_key_is(served):
    file = served.folder / "key"
    ordered(served, file)
    cli(served, "keys", "create", "other", "--role", "read")
    text = file.read_text()
    done = cli(served, "keys", "rotate", "other", "--file", file, check=False)
    assert done.code == 1
    assert "holds another key" in done.err
    assert file.read_text() == text


def test_no_key_is_made_where_it_cannot_be_written(served):
    done = ordered(served, served.folder / "absent" / "key", check=False)
    assert done.code == 1
    assert "cannot be written" in done.err
    assert cli(served, "keys", "list", "--json").json == []
    assert not list(served.folder.glob(".key-*"))


def test_health_tells_by_exit_code_whether_the_folder_is_served(served):
    assert cli(served, "health", check=False).code == 1
    ordered(served, served.folder / "key")
    served.start("--api", FREE)
    assert cli(served, "health").out == ""
    assert cli(served, "health", "--ready").code == 0
    assert served.stop() == 0
    ended = cli(served, "health", check=False)
    assert ended.code == 1
    assert "no process serves" in ended.err
