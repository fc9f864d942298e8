"""A reader of the log that is slow or gone holds up nobody."""

import io
import os
import threading

from housing_price_orchestrator.observability.background_output import BackgroundOutput

SECONDS = 20


class Held(io.StringIO):
    """A file whose reader takes nothing until it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = threading.Event()
        self.is_asked = threading.Event()

    def write(self, text: str) -> int:
        self.is_asked.set()
        assert self.reads.wait(SECONDS)
        return super().write(text)


def nothing_is_lost(events: int) -> None:
    raise AssertionError(f"{events} events were lost")


def test_what_is_written_arrives_in_order() -> None:
    file = io.StringIO()
    output = BackgroundOutput(file, tell_lost=nothing_is_lost)
    for number in range(5_000):
        output.write(f"{number}\n")
    output.close()
    assert file.getvalue().split() == [str(number) for number in range(5_000)]


def test_several_threads_write_whole_lines() -> None:
    file = io.StringIO()
    output = BackgroundOutput(file, tell_lost=nothing_is_lost)
    threads = [threading.Thread(target=lambda: [output.write("x" * 100 + "\n") for _ in range(500)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    output.close()
    assert file.getvalue() == ("x" * 100 + "\n") * 4_000


def test_a_reader_that_takes_nothing_makes_no_writer_wait_and_what_is_lost_is_counted() -> None:
    file, told = Held(), []
    is_told = threading.Event()

    def tell(events: int) -> None:
        told.append(events)
        is_told.set()

    output = BackgroundOutput(file, tell_lost=tell, max_events=10)
    output.write("first\n")
    assert file.is_asked.wait(SECONDS)
    # From here on nothing is taken: the first ten wait, and the others are lost.
    for number in range(25):
        output.write(f"{number}\n")
    file.reads.set()
    assert is_told.wait(SECONDS)
    output.close()
    assert told == [15]
    assert file.getvalue().split() == ["first", *(str(number) for number in range(10))]


def test_a_reader_that_has_gone_is_no_reason_to_stop() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as file:
        output = BackgroundOutput(file, tell_lost=nothing_is_lost)
        output.write("nobody reads this\n")
        output.close()
        output.write("nor this\n")
        # The buffer still holds it: what cannot be written must not be tried again when the file is closed.
        os.dup2(os.open(os.devnull, os.O_WRONLY), writing)
