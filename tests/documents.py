"""Reads the commands of the documents, and runs them as a reader would: pasted into one shell, in order."""

import contextlib
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from .running import Up, wait_until

REPOSITORY: Final = Path(__file__).parents[1]
PAGES: Final = tuple(
    sorted(
        path.relative_to(REPOSITORY).as_posix()
        for pattern in (
            "*.md",
            "docs/*.md",
            "*/README.md",
            "housing-price-model/*/README.md",
            "deploy/*/README.md",
            "deploy/helm/*/README.md",
        )
        for path in REPOSITORY.glob(pattern)
        if path.name != "CHANGELOG.md"
    )
)

VOLATILE: Final = {
    *("transactionId", "predictedPrice", "low", "high", "version", "predictedAt", "meanAbsoluteError", "rmsle"),
    *("value", "within5", "within10", "within20"),
    *("coverage", "id", "createdAt", "startedAt", "finishedAt"),
}
"""JSON keys whose values differ between processors, models and times."""


@dataclass(frozen=True)
class Command:
    """One command of a page, with the output that the page shows for it."""

    page: str
    """Path of the page in the repository."""
    line: int
    """Line number of the command."""
    text: str
    """The command, with its continuation lines and here-document."""
    output: str
    """The lines below it, up to the next command or the end of the block."""

    def __str__(self) -> str:
        """Return where the command stands, and its first line."""
        return f"{self.page}:{self.line}: {self.text.splitlines()[0]}"

    @property
    def documents(self) -> list[Any]:
        """The JSON documents of the output that the page shows whole."""
        return json_lines(self.output)


def json_lines(text: str) -> list[Any]:
    """Return the lines that are whole JSON objects."""
    found = []
    for line in text.splitlines():
        with contextlib.suppress(ValueError):
            found += [json.loads(line)] if line.startswith("{") else []
    return found


def commands(page: str) -> list[Command]:
    """Return the commands (lines that start with `$`) in the console blocks of a page."""
    found = []
    for first, block in blocks(page, "console"):
        lines = block.splitlines()
        starts = [number for number, line in enumerate(lines) if line.startswith("$ ")]
        for start, end in pairwise([*starts, len(lines)]):
            last = _last_line(lines, start)
            text = "\n".join(lines[start : last + 1]).removeprefix("$ ")
            found.append(Command(page, first + start, text, "\n".join(lines[last + 1 : end])))
    return found


def blocks(page: str, language: str) -> Iterator[tuple[int, str]]:
    """Yield the fenced blocks of a language, each with the number of its first line."""
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    for block in re.finditer(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield text.count("\n", 0, block.start(1)) + 1, block[1]


def _last_line(lines: list[str], start: int) -> int:
    """Return the index of a command's last line: it may be continued by `\\` or hold a here-document."""
    if here := re.search(r"<<'(\w+)'$", lines[start]):
        return lines.index(here[1], start)
    last = start
    while lines[last].endswith("\\"):
        last += 1
    return last


def shell_lines(page: str) -> Iterator[tuple[int, str]]:
    """Yield everything on a page that may be a command: lines of its code blocks, and its code spans."""
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    for language in ("console", "bash", "sh", ""):
        for first, block in blocks(page, language):
            joined = re.sub(r"\\\n", lambda _: "", block)
            yield from ((first + number, line.removeprefix("$ ")) for number, line in enumerate(joined.splitlines()))
    prose = re.sub(r"^```.*?^```$", lambda block: "\n" * block[0].count("\n"), text, flags=re.MULTILINE | re.DOTALL)
    for span in re.finditer(r"`([^`]+)`", prose):
        yield prose.count("\n", 0, span.start()) + 1, " ".join(span[1].split())


def words_of(line: str) -> list[str]:
    """Split a line into words as a shell does; a line that is no shell command is split at spaces."""
    try:
        return shlex.split(line, comments=True)
    except ValueError:
        return line.split()


class Reader:
    """Pastes commands into one bash process, so that variables and the folder persist.

    Args:
        folder: Working folder: holds links to the files of the repository, and what the commands write.
        replace: Texts of the page to replace, for example the address of the API.
        environment: Environment variables of the shell.
    """

    def __init__(self, folder: Path, replace: dict[str, str], environment: dict[str, str]) -> None:
        """Start the shell."""
        self.replace = dict(replace)
        self._folder, self._count = folder / "answers", 0
        self._folder.mkdir()
        for path in REPOSITORY.iterdir():
            if not (folder / path.name).exists() and path.name != ".housing-price":
                (folder / path.name).symlink_to(path)
        path_variable = f"{Path(sys.executable).parent}:{environment['PATH']}"
        self._shell = subprocess.Popen(
            ["bash"], stdin=subprocess.PIPE, cwd=folder, env=environment | {"PATH": path_variable}, text=True
        )

    def __enter__(self) -> Self:
        """Return the reader."""
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        """End the shell."""
        self._shell.kill()
        self._shell.wait()
        if self._shell.stdin:
            self._shell.stdin.close()

    def run(self, command: Command, *, seconds: float = 120) -> str:
        """Run one command; it must succeed and print what its page shows.

        Values of `VOLATILE` keys may differ, and later commands use the real ones.

        Returns:
            The standard output.
        """
        text = command.text
        for shown, real in self.replace.items():
            text = text.replace(shown, real)
        self._count += 1
        out, err, status = (self._folder / f"{self._count}.{name}" for name in ("out", "err", "status"))
        script = f"{{\n{text}\n}} >{out} 2>{err} </dev/null\necho $? >{status}.part; mv {status}.part {status}\n"
        assert self._shell.stdin is not None
        self._shell.stdin.write(script)
        self._shell.stdin.flush()
        wait_until(status.exists, seconds, f"the end of {command}")
        printed = out.read_text()
        assert status.read_text() == "0\n", f"{command}\n{printed}\n{err.read_text()}"
        real_documents = json_lines(printed)
        for shown, real in zip(command.documents, real_documents, strict=False):
            self._compare(shown, real, str(command))
        if command.documents:
            assert len(real_documents) >= len(command.documents), f"{command}\n{printed}"
        return printed

    def _compare(self, shown: Any, real: Any, where: str) -> None:
        if isinstance(shown, dict) and isinstance(real, dict):
            assert shown.keys() == real.keys(), where
            for key, value in shown.items():
                if key in VOLATILE and not isinstance(value, dict | list):
                    assert type(value) is type(real[key]), f"{where}: {key}"
                    if isinstance(value, str) and len(value) > len("..."):
                        self.replace[value] = real[key]
                else:
                    self._compare(value, real[key], f"{where}: {key}")
        elif isinstance(shown, list) and isinstance(real, list):
            assert len(shown) == len(real), where
            for one, other in zip(shown, real, strict=True):
                self._compare(one, other, where)
        else:
            assert shown == real, where


def stack_reader(up: Up, folder: Path) -> Reader:
    """Return a reader whose commands reach a running stack, wherever its ports and its state folder are."""
    ports = json.loads((up.state / "lock").read_text())["ports"]
    (folder / ".housing-price").symlink_to(up.state)
    now = datetime.now(UTC)
    return Reader(
        folder,
        {
            "127.0.0.1:8000": f"127.0.0.1:{ports['orchestrator']}",
            "127.0.0.1:9999": f"127.0.0.1:{ports['tracking-server']}",
            "2026-11-21T07:57": f"{now:%Y-%m-%dT%H:%M}",
            "2026-11-21T07:58": f"{now + timedelta(minutes=5):%Y-%m-%dT%H:%M}",
        },
        os.environ
        | {
            "HOUSING_PRICE_API_URL": up.url,
            "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{ports['tracking-server']}",
            "COLUMNS": "200",
        },
    )
