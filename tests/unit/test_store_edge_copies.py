"""Copies of the engine's folders, taken while the engine has them open."""

import qdrant_edge as engine

from otel_vector.store.edge.copies import copy_folder
from otel_vector.store.edge.manifest import ShardRow
from otel_vector.store.edge.shard import SpanShard, create_shard_folder

POINTS = 1_300  # of 30 kB each: more than the 32 MiB that one segment of the log takes


def test_a_shard_whose_log_has_just_moved_on_is_copied_with_all_it_holds(tmp_path):
    folder, row = tmp_path / "live-00001", ShardRow(1, "2024-01", "live")
    create_shard_folder(folder)
    shard = SpanShard(folder, row)
    for number in range(POINTS):
        shard.insert([engine.Point(number, [1.0], {"s": number, "pad": "x" * 30_000})])
    shard.flush()
    copy_folder(folder, tmp_path / "copy")
    copy = SpanShard(tmp_path / "copy", row)
    assert copy.extent() == (POINTS, 0, POINTS - 1)
    copy.close()
    shard.close()


def test_a_segment_that_is_still_being_made_is_left_out_of_a_copy(tmp_path):
    folder, row = tmp_path / "live-00001", ShardRow(1, "2024-01", "live")
    create_shard_folder(folder)
    half = folder / "wal" / "tmp-open-3"
    half.write_bytes(b"half a segment")
    copy_folder(folder, tmp_path / "copy")
    assert not (tmp_path / "copy" / "wal" / half.name).exists()
    copy = SpanShard(tmp_path / "copy", row)
    assert copy.extent() == (0, None, None)
    copy.close()
