"""The conventions of CONTRIBUTING.md that ruff has no rule for."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
CONSTANT = re.compile(r"_?[A-Z][A-Z0-9_]*")
OTHER_WORDS_FOR_LIMITS = re.compile(r"_?(MOST|LEAST|LIMIT|MAXIMUM|MINIMUM)_")

STORED_WITH_MODELS = {"served.py", "served_comparables.py"}
"""Their bytes identify models, so they keep their form."""

OTHER_CODE = {".venv", "generated", "samples", "versions"}
"""Folders of libraries, of generated modules, of examples for callers, and of migrations that have been released."""


def is_checked(path: Path) -> bool:
    """Return whether the conventions apply to a file."""
    return path.name not in STORED_WITH_MODELS and not OTHER_CODE & set(path.parts)


SOURCES = sorted(
    path
    for pattern in ("src", "*/src", "*/*/src")
    for folder in REPOSITORY.glob(pattern)
    for path in folder.rglob("*.py")
    if is_checked(path)
)
MODULES = {str(path.relative_to(REPOSITORY)): ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}


def constants_of(module: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield the name and the annotation of each constant of a module; several in one assignment cannot have one."""
    for node in module.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            target, annotation = node.target, ast.unparse(node.annotation)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            target, annotation = node.targets[0], ""
        else:
            continue
        if CONSTANT.fullmatch(target.id):
            yield target.id, annotation


def test_every_package_is_checked() -> None:
    packages = {path.relative_to(REPOSITORY).as_posix().partition("src/")[2].split("/")[0] for path in SOURCES}
    assert len(packages) == 7


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("MAX_ROWS = 5", [("MAX_ROWS", "")]),
        ("MAX_ROWS: Final = 5", [("MAX_ROWS", "Final")]),
        ("A, B = 1, 2\nrows = 5\ntype T = int\nclass C:\n    D = 1", []),
    ],
)
def test_constants_are_found(code: str, found: list[tuple[str, str]]) -> None:
    assert list(constants_of(ast.parse(code))) == found


def test_constants_are_final() -> None:
    found = [f"{path}: {name}" for path, module in MODULES.items() for name, kind in constants_of(module) if not kind]
    assert found == []


def test_limits_are_named_max_or_min() -> None:
    names = [f"{path}: {name}" for path, module in MODULES.items() for name, _ in constants_of(module)]
    assert [name for name in names if OTHER_WORDS_FOR_LIMITS.match(name.rpartition(" ")[2])] == []


def test_caught_exceptions_are_called_error_and_groups_failures() -> None:
    handlers = [
        (path, node.name, node.lineno)
        for path, module in MODULES.items()
        for node in ast.walk(module)
        if isinstance(node, ast.ExceptHandler) and node.name is not None
    ]
    assert len(handlers) > 100
    assert [one for one in handlers if one[1] not in {"error", "failures"}] == []


def test_fields_are_documented_below_themselves() -> None:
    found = [
        f"{path}: {node.name}"
        for path, module in MODULES.items()
        for node in ast.walk(module)
        if isinstance(node, ast.ClassDef) and any(isinstance(one, ast.AnnAssign) for one in node.body)
        if "Attributes:" in (ast.get_docstring(node) or "")
    ]
    assert found == []
