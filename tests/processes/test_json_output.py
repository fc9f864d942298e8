import io
import json
from typing import Any

from rich.table import Table
from rich.text import Text

from housing_price.processes.json_output import JsonOutput


def events(stream: io.StringIO) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert all(event.pop("time").endswith("Z") for event in found)
    return found


def test_events_of_services_are_passed_on_as_they_are() -> None:
    stream = io.StringIO()
    line = '{"service":"model-server","event":"request","status":200,"level":"info","time":"2026-11-30T00:00:00Z"}'
    JsonOutput(stream).line("model-server", line, "cyan")
    assert stream.getvalue() == f"{line}\n"


def test_other_lines_become_events_of_their_service() -> None:
    stream = io.StringIO()
    output = JsonOutput(stream)
    for text in ("\x1b[36mplain\x1b[0m text", '{"no": "event of a log"}', "{", "1"):
        output.line("training", text)
    assert events(stream) == [
        {"service": "training", "event": text, "level": "info"}
        for text in ("plain text", '{"no": "event of a log"}', "{", "1")
    ]


def test_messages_of_the_runner_have_levels() -> None:
    stream = io.StringIO()
    output = JsonOutput(stream)
    output.say("ready after 3 s")
    output.say("training data was used before", "yellow")
    output.say("jobs.db is damaged", "red")
    output.error("no port")
    assert [(event["service"], event["level"]) for event in events(stream)] == [
        ("housing-price", level) for level in ("info", "warning", "error", "error")
    ]


def test_the_table_of_addresses_is_one_event() -> None:
    stream = io.StringIO()
    table = Table(title="All services are running")
    table.add_column("Service")
    table.add_column("Address")
    table.add_row("House price API", "http://127.0.0.1:8000")
    output = JsonOutput(stream)
    output.table(table)
    output.show(Text.assemble("Price a house:", "\n\n  ", ("curl -s x", "bold"), "\n"))
    running, example = events(stream)
    assert running["event"] == "All services are running"
    assert running["rows"] == {"House price API": "http://127.0.0.1:8000"}
    assert example["event"] == "Price a house: curl -s x"


def test_no_control_characters_and_no_passwords_are_written() -> None:
    stream = io.StringIO()
    output = JsonOutput(stream)
    output.line("thing", "\x1b[2J \x9b1m good http://me:secret@host")
    output.line("thing", '{"event": "\\u001b[2J http://me:secret@host \\u202e"}')
    assert not {"\x1b", "\x9b", "\u202e"} & set(stream.getvalue())
    assert "secret" not in stream.getvalue()
