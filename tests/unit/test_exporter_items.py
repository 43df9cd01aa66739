"""The queue between the application's threads and the one that encodes."""

import threading

from otel_vector.exporter.items import BATCH, Items


class Watched:
    def __init__(self, most=10_000):
        self.nudges = 0
        self.lost = 0
        self.items = Items(most, self.nudge, self.lose)

    def nudge(self):
        self.nudges += 1

    def lose(self, count):
        self.lost += count


def test_the_first_item_wakes_a_sleeping_thread():
    watched = Watched()
    watched.items.add("a")
    assert watched.nudges == 1


def test_a_lingering_thread_is_woken_by_a_whole_batch():
    watched = Watched()
    watched.items.mark = BATCH
    for i in range(BATCH - 1):
        watched.items.add(i)
    assert not watched.nudges
    watched.items.add("the last one")
    assert watched.nudges == 1


def test_a_working_thread_is_not_disturbed():
    watched = Watched()
    watched.items.working()
    for i in range(BATCH * 3):
        watched.items.add(i)
    assert not watched.nudges
    assert len(watched.items.take()) == BATCH


def test_items_are_taken_in_their_order():
    watched = Watched()
    watched.items.add_all([1, 2])
    watched.items.add(3)
    assert watched.items.take(2) == [1, 2]
    assert watched.items.take(2) == [3]
    assert watched.items.take(2) == []


def test_what_is_one_too_many_is_dropped_and_counted():
    watched = Watched(most=600)
    watched.items.working()
    assert watched.items.add_all(list(range(500)))
    assert not watched.items.add_all(list(range(500)))
    assert watched.lost == 400
    watched.items.add("one more")
    assert (watched.lost, len(watched.items)) == (401, 600)


def test_threads_that_add_at_once_lose_nothing_uncounted():
    watched = Watched(most=5_000)
    watched.items.working()
    lock = threading.Lock()

    def lose(count):
        with lock:
            watched.lost += count

    items = Items(5_000, watched.nudge, lose)
    items.working()
    threads = [
        threading.Thread(target=lambda: [items.add(i) for i in range(5_000)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(items) + watched.lost == 20_000
    assert len(items) <= 5_000
