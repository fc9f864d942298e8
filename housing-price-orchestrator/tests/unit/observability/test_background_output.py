"""A slow or closed log reader never blocks the service."""

import io
import os
import threading

from housing_price_orchestrator.observability.background_output import BackgroundOutput

SECONDS = 20


class BlockedFile(io.StringIO):
    """A file whose reader blocks until `reads` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = threading.Event()
        self.write_began = threading.Event()

    def write(self, text: str) -> int:
        self.write_began.set()
        assert self.reads.wait(SECONDS)
        return super().write(text)


def nothing_is_lost(events: int) -> None:
    raise AssertionError(f"{events} events were dropped")


def test_events_are_written_in_order() -> None:
    file = io.StringIO()
    output = BackgroundOutput(file, report_lost=nothing_is_lost)
    for number in range(5_000):
        output.write(f"{number}\n")
    output.close()
    assert file.getvalue().split() == [str(number) for number in range(5_000)]


def test_lines_of_several_threads_do_not_mix() -> None:
    file = io.StringIO()
    output = BackgroundOutput(file, report_lost=nothing_is_lost)
    threads = [threading.Thread(target=lambda: [output.write("x" * 100 + "\n") for _ in range(500)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    output.close()
    assert file.getvalue() == ("x" * 100 + "\n") * 4_000


def test_a_blocked_reader_blocks_no_writer_and_dropped_events_are_counted() -> None:
    file, reported = BlockedFile(), list[int]()
    was_reported = threading.Event()

    def report(events: int) -> None:
        reported.append(events)
        was_reported.set()

    output = BackgroundOutput(file, report_lost=report, max_events=10)
    output.write("first\n")
    assert file.write_began.wait(SECONDS)
    # The reader is blocked now: the first ten events are queued, the others are dropped.
    for number in range(25):
        output.write(f"{number}\n")
    file.reads.set()
    assert was_reported.wait(SECONDS)
    output.close()
    assert reported == [15]
    assert file.getvalue().split() == ["first", *(str(number) for number in range(10))]


def test_a_closed_reader_does_not_stop_the_service() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as file:
        output = BackgroundOutput(file, report_lost=nothing_is_lost)
        output.write("nobody reads this\n")
        output.close()
        output.write("nor this\n")
        # The buffer still holds the text: redirect it, so that closing the file does not fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), writing)
