"""The buffer between the host's threads and the kit's loop."""

from __future__ import annotations

import threading

from telemetrykit.events.buffer import Buffer


def test_records_come_out_in_the_order_in_which_they_went_in() -> None:
    buffer = Buffer(10)
    for number in range(5):
        buffer.put((number,))
    assert buffer.take(3) == [(0,), (1,), (2,)]
    assert buffer.take(3) == [(3,), (4,)]
    assert buffer.take(3) == []


def test_a_full_buffer_drops_the_new_record_and_counts_it() -> None:
    buffer = Buffer(2)
    for number in range(5):
        buffer.put((number,))
    assert (len(buffer), buffer.room, buffer.dropped) == (2, 0, 3)
    assert buffer.take(10) == [(0,), (1,)]


def test_the_waker_is_called_once_by_the_next_put() -> None:
    buffer, woken = Buffer(10), []
    buffer.wake_at_next(lambda: woken.append(len(buffer)))
    buffer.put((1,))
    buffer.put((2,))
    assert woken == [1]


def test_the_waker_is_called_at_once_if_something_waits() -> None:
    buffer, woken = Buffer(10), []
    buffer.put((1,))
    buffer.wake_at_next(lambda: woken.append(True))
    buffer.put((2,))
    assert woken == [True]


def test_a_waker_may_ask_for_the_next_call_while_it_is_called() -> None:
    buffer, woken = Buffer(10), []

    def wake() -> None:
        woken.append(buffer.take(10))
        buffer.wake_at_next(wake)

    buffer.wake_at_next(wake)
    buffer.put((1,))
    buffer.put((2,))
    assert woken == [[(1,)], [(2,)]]


def test_a_waker_that_raises_is_no_concern_of_the_producer_and_is_called_again() -> None:
    buffer, calls = Buffer(1), []

    def wake() -> None:
        calls.append(len(buffer))
        if len(calls) == 1:
            raise RuntimeError("can't start new thread")

    buffer.wake_at_next(wake)
    for number in range(3):
        buffer.put((number,))
    assert calls == [1, 1]
    assert (len(buffer), buffer.dropped) == (1, 2)


def test_clear_forgets_records_and_waker() -> None:
    buffer, woken = Buffer(10), []
    buffer.put((1,))
    buffer.take(1)
    buffer.wake_at_next(lambda: woken.append(True))
    buffer.clear()
    buffer.put((2,))
    assert (woken, buffer.take(10)) == ([], [(2,)])


def test_no_record_of_many_threads_is_lost() -> None:
    buffer = Buffer(100_000)

    def produce(thread: int) -> None:
        for number in range(2000):
            buffer.put((thread, number))

    threads = [threading.Thread(target=produce, args=(thread,)) for thread in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(buffer.take(100_000)) == [(thread, number) for thread in range(8) for number in range(2000)]
