"""Files stay small enough to proof-read."""

from support.sources import all_files, label

MOST_LINES = 400


def test_no_source_file_is_over_400_lines():
    long = {
        label(f): n for f in all_files() if (n := len(f.read_text().splitlines())) > MOST_LINES
    }
    assert not long
