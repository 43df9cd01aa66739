"""A backup of a folder in which files come and go while it is made."""

import shutil
from threading import Event, Thread

from otel_vector.maintain.backup import Contents, make_backup
from otel_vector.progress import unreported

BACKUPS = 40


def test_files_that_vanish_while_their_sizes_are_added_up_do_no_harm(tmp_path):
    data, done = tmp_path / "data", Event()
    data.mkdir()

    def come_and_go():
        while not done.is_set():
            for number in range(20):
                (data / f"sealing-{number}" / "segments").mkdir(parents=True)
                (data / f"sealing-{number}" / "segments" / "part").touch()
            for number in range(20):
                shutil.rmtree(data / f"sealing-{number}")

    busy = Thread(target=come_and_go)
    busy.start()
    try:
        for _ in range(BACKUPS):
            make_backup(Contents(data, [], dict), tmp_path / "backups", unreported)
    finally:
        done.set()
        busy.join()
    assert len(list((tmp_path / "backups").iterdir())) == BACKUPS
