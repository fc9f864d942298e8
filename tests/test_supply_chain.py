"""The audit with a fake vulnerability service, the waivers, and the SBOM of each image."""

import datetime
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from supply_chain.audit import AuditError, Finding, export_requirements, find_vulnerabilities, list_problems
from supply_chain.locks import IMAGES, LOCKS, Image
from supply_chain.sbom import OPTIONS, export_sbom
from supply_chain.waivers import WAIVERS, Waiver, WaiverError, read_waivers

from housing_price.stack.state import REPOSITORY
from http_server import Answer, Request, running_http_server

TODAY = datetime.date(2026, 11, 21)
TOMORROW, YESTERDAY = TODAY + datetime.timedelta(days=1), TODAY - datetime.timedelta(days=1)

type Answers = Callable[[Mapping[str, Any]], tuple[int, Any]]


@contextmanager
def vulnerability_service(answer: Answers) -> Iterator[str]:
    """Run an OSV service on loopback; yields its URL."""

    def answered(request: Request) -> Answer:
        status, body = answer(json.loads(request.body))
        return Answer(json.dumps(body).encode(), status)

    with running_http_server(answered) as url:
        yield f"{url}/v1/query"


def one_bad_package(query: Mapping[str, Any]) -> tuple[int, Any]:
    if query["package"]["name"] != "bad" or query["version"] != "1.0":
        return 200, {}
    affected = {
        "package": {"name": "bad", "ecosystem": "PyPI"},
        "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.1"}]}],
    }
    return 200, {"vulns": [{"id": "GHSA-1", "aliases": ["CVE-1"], "summary": "It is bad.", "affected": [affected]}]}


BAD = Finding("a lock", "bad", "1.0", ("GHSA-1", "CVE-1"), ("1.1",))


def test_a_known_vulnerability_is_found_with_all_its_ids_and_the_version_that_fixes_it() -> None:
    with vulnerability_service(one_bad_package) as service:
        (found,) = find_vulnerabilities("a lock", "bad==1.0\ngood==2.0\n", service)
    assert (found.lock, found.package, found.version, found.fixed_in) == ("a lock", "bad", "1.0", ("1.1",))
    assert set(found.ids) == {"GHSA-1", "CVE-1"}


def test_a_clean_lock_has_no_findings() -> None:
    with vulnerability_service(one_bad_package) as service:
        assert find_vulnerabilities("a lock", "bad==1.1\ngood==2.0\n", service) == []


@pytest.mark.parametrize("answer", [(500, {}), (404, {}), (200, "what?")])
def test_an_unusable_answer_of_the_service_is_an_error(answer: tuple[int, Any]) -> None:
    with (
        vulnerability_service(lambda _: answer) as service,
        pytest.raises(AuditError, match=f"a lock: {service} could not be queried"),
    ):
        find_vulnerabilities("a lock", "good==2.0\n", service)


def test_a_skipped_package_is_an_error() -> None:
    with vulnerability_service(one_bad_package) as service, pytest.raises(AuditError):
        find_vulnerabilities("a lock", "good\n", service)


def test_an_audit_that_cannot_run_says_so_and_exits_with_3() -> None:
    with vulnerability_service(one_bad_package) as service:
        pass  # stopped again
    ended = subprocess.run(
        [sys.executable, "-m", "supply_chain", "audit", "--service", service],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 3
    assert f"THE AUDIT DID NOT RUN: workspace: {service} could not be queried" in ended.stderr


def waiver(expires: datetime.date = TOMORROW, **changes: str) -> Waiver:
    return Waiver(**({"id": "CVE-1", "package": "bad", "reason": "x" * 20} | changes), expires=expires)


def test_a_finding_without_a_waiver_is_a_problem() -> None:
    assert list(list_problems([BAD], [], TODAY)) == ["a lock: bad 1.0 has GHSA-1 = CVE-1 (fixed in 1.1)"]


@pytest.mark.parametrize("name", ["CVE-1", "GHSA-1"])
@pytest.mark.parametrize("expires", [TODAY, TOMORROW])
def test_a_waiver_covers_a_vulnerability_by_any_of_its_ids_until_its_expiry_date(
    name: str, expires: datetime.date
) -> None:
    assert list(list_problems([BAD], [waiver(expires, id=name)], TODAY)) == []


def test_an_expired_waiver_is_a_problem() -> None:
    (problem,) = list_problems([BAD], [waiver(YESTERDAY)], TODAY)
    assert "expired on 2026-11-20" in problem


@pytest.mark.parametrize("changes", [{"id": "CVE-2"}, {"package": "good"}])
def test_a_waiver_that_matches_no_finding_is_a_problem(changes: dict[str, Any]) -> None:
    problems = list(list_problems([BAD], [waiver(**changes)], TODAY))
    assert len(problems) == 2
    assert "matches no finding: remove it" in problems[1]


def test_the_waivers_are_well_formed_and_none_has_expired() -> None:
    today = datetime.datetime.now(datetime.UTC).date()
    assert [waiver for waiver in read_waivers(WAIVERS, today) if waiver.expires < today] == []


WRITTEN = """
[[waiver]]
id = "CVE-1"
package = "bad"
reason = "We never call what is bad in it."
expires = 2026-12-31
"""


def test_a_written_waiver_is_read(tmp_path: Path) -> None:
    (tmp_path / "waivers.toml").write_text(WRITTEN)
    expected = Waiver("CVE-1", "bad", "We never call what is bad in it.", datetime.date(2026, 12, 31))
    assert read_waivers(tmp_path / "waivers.toml", TODAY) == [expected]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[", "cannot be read"),
        ("ignore = []", "only .* are allowed"),
        ("waiver = 1", "only .* are allowed"),
        (WRITTEN.replace("id =", "ids ="), "waiver 1 must have exactly the keys id, package, reason, expires"),
        (WRITTEN + "fixed = true", "waiver 1 must have exactly"),
        (WRITTEN.replace("2026-12-31", '"2026-12-31"'), "expires must be a date"),
        (WRITTEN.replace("2026-12-31", "2026-12-31T00:00:00"), "expires must be a date"),
        (WRITTEN.replace("2026-12-31", "2027-12-31"), "more than 180 days"),
        (WRITTEN.replace("We never call what is bad in it.", "Because."), "is too short"),
        (WRITTEN.replace('"bad"', '""'), "package must be a non-empty string"),
        (WRITTEN + WRITTEN, "duplicate waivers"),
    ],
)
def test_an_invalid_waiver_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "waivers.toml").write_text(text)
    with pytest.raises(WaiverError, match=message):
        read_waivers(tmp_path / "waivers.toml", TODAY)


def test_every_lock_is_audited() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "*uv.lock"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout.split()
    assert {REPOSITORY / name for name in listed} == {folder / "uv.lock" for folder in LOCKS.values()}


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_of_a_lock_is_audited(name: str) -> None:
    def key(entry: Mapping[str, Any]) -> str:
        return f"{entry['name']}=={entry['version']}"

    packages = tomllib.loads((LOCKS[name] / "uv.lock").read_text())["package"]
    asked = {line.split()[0] for line in export_requirements(LOCKS[name]).splitlines() if not line.startswith(" ")}
    assert asked == {key(entry) for entry in packages if "registry" in entry["source"]}


def locked_for(image: Image) -> set[tuple[str, str]]:
    """Collect the dependencies of the image's package from the lock, for every platform."""
    option, value, *more = image.selection
    folder = REPOSITORY / value if option == "--project" else REPOSITORY
    packages = {entry["name"]: entry for entry in tomllib.loads((folder / "uv.lock").read_text())["package"]}
    root = value if option == "--package" else tomllib.loads((folder / "pyproject.toml").read_text())["project"]["name"]
    found: set[tuple[str, str]] = set()
    extras = tuple(extra for before, extra in pairwise(more) if before == "--extra")
    wanted: list[tuple[str, tuple[str, ...]]] = [(root, extras)]
    seen = set()
    while wanted:
        name, extras = wanted.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        entry = packages[name]
        found.add((name, entry["version"]))
        needed = list(entry.get("dependencies", []))
        for extra in extras:
            needed += entry.get("optional-dependencies", {}).get(extra, [])
        wanted += [(need["name"], tuple(need.get("extra", ()))) for need in needed]
    return found


@pytest.mark.parametrize("name", IMAGES)
def test_the_sbom_of_an_image_lists_exactly_what_is_locked_for_it(name: str) -> None:
    sbom = json.loads(export_sbom(IMAGES[name]))
    assert (sbom["bomFormat"], sbom["specVersion"]) == ("CycloneDX", "1.5")
    listed = [(entry["name"], entry["version"]) for entry in (sbom["metadata"]["component"], *sbom["components"])]
    assert len(listed) == len(set(listed))
    assert set(listed) == locked_for(IMAGES[name])
    assert ("mlflow" in dict(listed)) is not name.startswith("housing-price-orchestrator")


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_is_built_with_the_options_of_its_sbom(name: str) -> None:
    text = IMAGES[name].dockerfile.read_text().replace("\\\n", " ")
    if default := re.search('^ARG EXTRAS="(.*)"$', text, re.MULTILINE):
        text = text.replace("${EXTRAS}", IMAGES[name].extras or default[1])
    (line,) = [line for line in text.splitlines() if "uv export" in line]
    selection = " ".join(IMAGES[name].selection)
    sync, export = line.split("&&")
    assert "uv sync --frozen --no-dev" in sync
    assert sync.split().count("--package") + sync.split().count("--project") == 1
    assert selection in sync
    assert "--extra" not in sync.replace(selection, "")
    assert f"{' '.join(OPTIONS)} {selection} " in export
    assert export.rstrip().endswith("--output-file /app/sbom.cdx.json")
