"""The sizes of rooms: folders stay small enough to be read at a glance."""

from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
PACKAGES = sorted(path.parent for path in REPOSITORY.glob("**/src/*/__init__.py") if ".venv" not in path.parts)
MAX_MODULES_AT_TOP, MAX_MODULES_IN_FOLDER = 6, 14


def modules_in(folder: Path) -> list[str]:
    return [path.name for path in folder.glob("*.py") if path.stem not in {"__init__", "__main__"}]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_folders_hold_few_modules(package: Path) -> None:
    assert len(modules_in(package)) <= MAX_MODULES_AT_TOP
    for folder in (path for path in package.rglob("*") if path.is_dir()):
        assert len(modules_in(folder)) <= MAX_MODULES_IN_FOLDER, folder


def test_every_package_is_checked() -> None:
    assert len(PACKAGES) == 7
