"""docs/clients.md shows the tested examples; `make clients` says which program it lacks."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from client_tools import tools
from client_tools.__main__ import NOT_INSTALLED

from ..documents import REPOSITORY
from .examples import EXAMPLES, run

PAGE: Final = REPOSITORY / "docs" / "clients.md"
SHOWN: Final = re.compile(
    r"\]\(\.\./(examples/[\w/.]+)\)[^|\n]*\n(?:[^|\n]+\n)?\n```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
"""A link to an example, and the block below it."""
LANGUAGES: Final = {".sh": "bash", ".py": "python", ".ts": "typescript", ".mjs": "javascript", ".ps1": "powershell"}
MAX_LINES: Final = 10
FILES: Final = sorted(path for path in EXAMPLES.rglob("*") if path.suffix in LANGUAGES)


def code_of(example: Path) -> str:
    """Return an example without the comment at its top."""
    return re.sub(r'\A(?:""".*?"""|//.*|#.*)\n+', "", example.read_text(encoding="utf-8"))


def test_the_page_shows_the_examples_as_they_are() -> None:
    shown = SHOWN.findall(PAGE.read_text(encoding="utf-8"))
    languages = {Path(path).parent.name for path, _, _ in shown if path.startswith("examples/clients/")}
    assert languages == set(LANGUAGES.values()) - {"bash"} | {"curl"}
    for path, language, block in shown:
        assert language == LANGUAGES[Path(path).suffix], path
        assert block == code_of(REPOSITORY / path), path
        assert len([line for line in block.splitlines() if line.strip()]) <= MAX_LINES, path
    blocks = re.findall(rf"^```({'|'.join(LANGUAGES.values())})$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(blocks) == len(shown), "a block is no example"


def test_the_page_names_every_example() -> None:
    linked = set(re.findall(r"\]\(\.\./(examples/clients/[\w/.]+)\)", PAGE.read_text(encoding="utf-8")))
    assert linked == {path.relative_to(REPOSITORY).as_posix() for path in FILES}


def test_the_readme_shows_two_of_the_examples() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    for example, language in (("python/plain.py", "python"), ("javascript/single.mjs", "javascript")):
        assert f"```{language}\n{code_of(EXAMPLES / example)}```\n" in readme, example


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.parametrize("removed", ["", "}", ")", "'"])
def test_the_syntax_of_the_powershell_example(clients: Path, tmp_path: Path, removed: str) -> None:
    """The grammar finds no error in it, and finds one without a bracket or a quotation mark."""
    assert clients.is_dir()
    script = tmp_path / "single.ps1"
    text = (EXAMPLES / "powershell" / "single.ps1").read_text(encoding="utf-8")
    script.write_text("".join(text.rsplit(removed, 1)) if removed else text, encoding="utf-8")
    parse = (
        "import sys, tree_sitter as t, tree_sitter_powershell as p\n"
        "tree = t.Parser(t.Language(p.language())).parse(open(sys.argv[1], 'rb').read())\n"
        "print(tree.root_node.has_error)"
    )
    parsed = run(tools.PYTHON_PROGRAMS / "python", "-c", parse, script)
    assert parsed.printed.strip() == str(bool(removed)), parsed.errors


type Programs = Callable[..., None]


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """Return a function that leaves only these programs on the PATH, each printing its text."""

    def only(**texts: str) -> None:
        folder = tmp_path / "programs"
        folder.mkdir()
        for name, text in texts.items():
            (folder / name).write_text(f"#!/bin/sh\necho '{text}'\n")
            (folder / name).chmod(0o755)
        monkeypatch.setenv("PATH", str(folder))

    return only


def test_without_node_the_command_says_what_it_needs(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PATH"} | {"PATH": str(tmp_path)}
    command = [sys.executable, "-m", "client_tools", "--to", str(tmp_path / "clients")]
    ran = subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == NOT_INSTALLED
    message = "error: `make clients` needs Node.js 20 or newer (20.19 at least); no `node` was found on the PATH\n"
    assert (ran.stdout, ran.stderr) == ("", message)
    assert not (tmp_path / "clients").exists()


@pytest.mark.parametrize("version", ["v18.20.4", "v20.18.9", "v6.0.0"])
def test_an_older_node_is_refused(programs: Programs, version: str) -> None:
    programs(node=version, npm="10.0.0")
    with pytest.raises(tools.NotInstalledError, match=rf"needs Node\.js 20 or newer .*node is {version}"):
        tools.check_node()


@pytest.mark.parametrize("version", ["v20.19.0", "v22.0.0", "v100.1.2"])
def test_a_newer_node_is_accepted(programs: Programs, version: str) -> None:
    programs(node=version, npm="10.0.0")
    tools.check_node()


def test_a_node_without_npm_is_refused(programs: Programs) -> None:
    programs(node="v20.19.0")
    with pytest.raises(tools.NotInstalledError, match="no `npm`"):
        tools.check_node()


def test_a_node_that_tells_no_version_is_refused(programs: Programs) -> None:
    programs(node="Usage: node", npm="10.0.0")
    with pytest.raises(tools.NotInstalledError, match="did not tell its version"):
        tools.check_node()


@pytest.fixture
def new_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the tools without installed packages."""
    folder = tmp_path / "client_tools"
    folder.mkdir()
    for name in ("package.json", "package-lock.json", "pyproject.toml", "uv.lock"):
        shutil.copyfile(tools.TOOLS / name, folder / name)
    monkeypatch.setattr(tools, "TOOLS", folder)
    return folder


@pytest.mark.full
def test_unreachable_python_packages_are_named(
    new_tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    with pytest.raises(tools.NotInstalledError, match=r"^uv could not install the generators: uv ended with 1: .+"):
        tools.install_python_programs()
    assert not (new_tools / "node_modules").exists()


@pytest.mark.full
@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_unreachable_node_packages_are_named(tmp_path: Path, new_tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "NODE_MODULES", new_tools / "node_modules")
    for name, value in {"offline": "true", "cache": str(tmp_path / "cache"), "fetch_retries": "0"}.items():
        monkeypatch.setenv(f"npm_config_{name}", value)
    with pytest.raises(tools.NotInstalledError, match=r"^npm could not install the generators: npm ended with 1: .+"):
        tools.install_node_programs()
