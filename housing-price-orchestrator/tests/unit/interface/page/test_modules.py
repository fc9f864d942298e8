"""The pure functions of the page's modules, in Node's own test runner: `*.test.mjs` beside this file."""

import shutil
import subprocess
from pathlib import Path

import pytest

from housing_price_orchestrator.interface.page.routes import STATIC

HERE = Path(__file__).parent
NODE = shutil.which("node")
MIN_NODE = 20
SECONDS = 60


def _version_of(node: str) -> int:
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=SECONDS, check=True)
    return int(answer.stdout.removeprefix("v").partition(".")[0])


@pytest.mark.skipif(NODE is None or _version_of(NODE) < MIN_NODE, reason="Node.js 20 or newer was not found")
@pytest.mark.parametrize("file", sorted(file.name for file in HERE.glob("*.test.mjs")))
def test_functions_of_the_page(file: str, tmp_path: Path) -> None:
    assert NODE
    # A browser takes each script of the page for a module; Node needs this file for that.
    (tmp_path / "package.json").write_text('{"type": "module"}')
    shutil.copytree(STATIC, tmp_path / "static")
    shutil.copy(HERE / file, tmp_path)
    ran = subprocess.run(
        [NODE, "--test", "--test-reporter=tap", file],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    # A file without tests would pass, too.
    assert "# pass 0" not in ran.stdout
