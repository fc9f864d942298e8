"""Redocly's recommended rules hold for the OpenAPI document, with and without keys."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from factories import new_key, settings_for
from housing_price_orchestrator.app import create_app, openapi_document

HERE = Path(__file__).parent
NODE, NPM = shutil.which("node"), shutil.which("npm")
SECONDS = 240
NO_NETWORK = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH")

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(NODE is None or NPM is None, reason="Node.js with npm is not on the path"),
]


def run(*command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    quiet = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "NO_COLOR": "1"}
    return subprocess.run(
        command,
        cwd=folder,
        env=os.environ | quiet,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the locked version of Redocly."""
    folder = tmp_path_factory.mktemp("redocly")
    for name in ("package.json", "package-lock.json", "redocly.yaml"):
        shutil.copyfile(HERE / name, folder / name)
    installed = run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", folder=folder)
    if installed.returncode != 0 and any(word in installed.stderr for word in NO_NETWORK):
        pytest.skip("the registry of npm cannot be reached, so Redocly is not installed")
    assert installed.returncode == 0, installed.stderr
    return folder


def complaints(document: dict[str, Any], folder: Path) -> list[tuple[str, str, Any]]:
    """Rule, message and place of each finding in a document, warnings included."""
    folder.joinpath("openapi.json").write_text(json.dumps(document), encoding="utf-8")
    options = ("--config", "redocly.yaml", "--format", "json", "--max-problems", "1000")
    linted = run("node_modules/.bin/redocly", "lint", "openapi.json", *options, folder=folder)
    report = json.loads(linted.stdout)
    assert report["totals"]["ignored"] == 0
    return [
        (found["ruleId"], found["message"], [place.get("pointer") for place in found["location"]])
        for found in report["problems"]
    ]


def test_the_committed_document_follows_the_rules(folder: Path) -> None:
    assert complaints(openapi_document(), folder) == []


def test_the_document_of_a_service_with_keys_follows_the_rules(folder: Path, tmp_path: Path) -> None:
    keys_file = tmp_path / "keys.json"
    new_key(keys_file)
    document = create_app(settings_for("http://127.0.0.1:1", auth={"keys_file": keys_file})).openapi()
    assert document["components"]["securitySchemes"]
    assert complaints(document, folder) == []


def test_the_rules_find_faults(folder: Path) -> None:
    document = json.loads(json.dumps(openapi_document()))
    del document["servers"], document["security"]
    predict = document["paths"]["/api/v1/price/predict"]["post"]
    predict["requestBody"]["content"]["application/json"]["examples"]["example"]["value"]["lotArea"] = "large"
    rules = {rule for rule, *_ in complaints(document, folder)}
    assert {"no-empty-servers", "security-defined", "no-invalid-media-type-examples"} <= rules
