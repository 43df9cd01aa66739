"""What stands in a backup's folder is read only if it is a file."""

import os
from hashlib import blake2b

import orjson
import pytest

from otel_vector.errors import InvalidInputError, StoreDamagedError
from otel_vector.maintain.backup import MANIFEST, Contents, Part, make_backup, verify
from otel_vector.maintain.restore import restore_backup
from otel_vector.progress import unreported


@pytest.fixture
def backup(tmp_path):
    data = tmp_path / "data"
    data.mkdir()

    def copy(folder, _):
        (folder / "state.db").write_bytes(b"state")

    contents = Contents(data, [Part("state", copy)], dict)
    return make_backup(contents, tmp_path / "backups", unreported)


def replaced(path, make):
    path.unlink()
    make(path)


@pytest.mark.parametrize(
    "make",
    [
        os.mkfifo,
        lambda path: path.symlink_to("/dev/zero"),
        lambda path: path.symlink_to(path.parent),
        lambda path: (path.parent / "same").write_bytes(b"state") and path.symlink_to("same"),
    ],
    ids=["fifo", "device", "folder", "file"],
)
def test_what_is_no_file_is_named_and_never_read(backup, tmp_path, make):
    replaced(backup / "state" / "state.db", make)
    with pytest.raises(StoreDamagedError, match="state"):
        verify(backup, unreported)
    with pytest.raises(StoreDamagedError):
        restore_backup(backup, tmp_path / "restored", unreported, lambda _: None)
    assert not (tmp_path / "restored").exists()


def test_a_manifest_that_is_no_file_is_never_read(backup):
    replaced(backup / MANIFEST, os.mkfifo)
    with pytest.raises(InvalidInputError, match=MANIFEST):
        verify(backup, unreported)


@pytest.mark.parametrize(
    "files",
    [None, ["state/state.db"], {"state/state.db": 5}, {"../../away": [5, "0" * 64]}],
    ids=["none", "list", "number", "way out"],
)
def test_a_manifest_that_somebody_wrote_anew_is_refused(backup, tmp_path, files):
    manifest = orjson.loads((backup / MANIFEST).read_bytes())
    del manifest["seal"]
    manifest["files"] = files
    text = orjson.dumps(manifest, option=orjson.OPT_SORT_KEYS)
    seal = blake2b(text, digest_size=32).hexdigest()
    (backup / MANIFEST).write_bytes(orjson.dumps(manifest | {"seal": seal}))
    with pytest.raises(StoreDamagedError, match="use another backup"):
        restore_backup(backup, tmp_path / "restored", unreported, lambda _: None)
    assert not (tmp_path / "restored").exists()
