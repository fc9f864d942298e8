"""Commands and links in the documents exist: make targets, commands and options, files and headings."""

import re
import warnings
from importlib import import_module
from typing import Any, Final

import pytest
import typer

from .documents import PAGES, REPOSITORY, blocks, shell_lines, words_of

with warnings.catch_warnings():
    # Importing MLflow warns about its own type hints; all later warnings are errors.
    warnings.simplefilter("ignore")
    APPS: Final = {
        name: typer.main.get_command(import_module(module).app)
        for name, module in {
            "housing-price": "housing_price.cli",
            "housing-price-model": "housing_price_model.cli.app",
            "housing-price-orchestrator": "housing_price_orchestrator.cli.main",
            "mlflow-server": "mlflow_server.cli",
        }.items()
    }

TARGETS: Final = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
BEFORE_COMMAND: Final = {"run", "exec", "--frozen", "lifecycle-worker", "model-server"}
"""Words of `uv run`, `docker compose exec` and the like that may stand before a command of ours."""

END_OF_COMMAND: Final = {"|", "||", "&&", "&", ";", "..."}


def unknown_word(words: list[str]) -> str | None:
    """Return the first word of a command line that is no subcommand or option of our programs."""
    command: Any = APPS[words[0]]
    options = {"--help"}
    for word in words[1:]:
        plain = word.strip("[]").partition("=")[0]
        options |= {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
        if word in END_OF_COMMAND:
            return None
        if plain.startswith("--"):
            if plain not in options:
                return word
        elif hasattr(command, "commands"):
            if plain not in command.commands:
                return word
            command = command.commands[plain]
    return None


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_exists_with_its_options(page: str) -> None:
    unknown = []
    for number, line in shell_lines(page):
        words = words_of(line)
        for start in [place for place, word in enumerate(words) if word in APPS]:
            if start and words[start - 1] not in END_OF_COMMAND | BEFORE_COMMAND:
                continue
            if (word := unknown_word(words[start:])) is not None:
                unknown.append(f"{page}:{number}: {word!r} in {line}")
        if words[:1] == ["make"] and len(words) > 1 and words[1] not in TARGETS:
            unknown.append(f"{page}:{number}: no target {words[1]!r}")
    assert not unknown


def anchors(page: str) -> set[str]:
    """Return the anchors that GitHub makes for the headings of a page."""
    text = re.sub(r"^```.*?^```$", "", (REPOSITORY / page).read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_of_a_page_leads_to_a_file_and_heading(page: str) -> None:
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (REPOSITORY / page).parent / path if path else REPOSITORY / page
        if not file.exists() or (anchor and anchor not in anchors(file.resolve().relative_to(REPOSITORY).as_posix())):
            broken.append(target)
    assert not broken


def python_files() -> set[str]:
    """Return the path of every Python file of the repository, with a leading slash."""
    found = set()
    for folder, folders, names in REPOSITORY.walk():
        folders[:] = [name for name in folders if not name.startswith(".") and name != "node_modules"]
        found |= {f"/{(folder / name).relative_to(REPOSITORY).as_posix()}" for name in names if name.endswith(".py")}
    return found


def test_every_python_file_that_a_page_names_exists() -> None:
    files = python_files()
    named = [
        (page, name)
        for page in PAGES
        for name in re.findall(r"`([\w./-]+\.py)`", (REPOSITORY / page).read_text(encoding="utf-8"))
    ]
    assert len(named) > 200
    assert [one for one in named if not any(file.endswith(f"/{one[1]}") for file in files)] == []


@pytest.mark.parametrize("page", PAGES)
def test_python_examples_of_a_page_compile(page: str) -> None:
    for number, block in blocks(page, "python"):
        compile(block, f"{page}:{number}", "exec")


def test_an_unknown_subcommand_or_option_is_found() -> None:
    assert unknown_word(["housing-price", "jobs", "watch", "ID"]) is None
    assert unknown_word(["housing-price", "jobs", "observe"]) == "observe"
    assert unknown_word(["housing-price-model", "drift", "--page", "x"]) == "--page"
