"""Each check reports its finding and how to fix it. `test_stack` runs the check of the lock."""

import hashlib
import io
import json
import os
import shutil
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import asdict
from pathlib import Path

import pytest

from housing_price.doctor import doctor
from housing_price.doctor.checks import Finding, Verdict, model
from housing_price.doctor.checks.machine import check_ports, check_python
from housing_price.doctor.checks.model import (
    check_columns,
    check_comparables,
    check_data,
    check_databases,
    check_export,
    check_registry,
    compare_columns,
)
from housing_price.processes.output import Output
from housing_price.processes.ports import Address, reserved_port
from housing_price.stack.plan import Plan
from housing_price.stack.state import State
from housing_price_model.artefact.export import Manifest, digest_of, read_export
from housing_price_model.registry.names import NAME_OF_MODEL
from housing_price_platform.orders.moves import ServedModel

TABLES = """
    CREATE TABLE IF NOT EXISTS registered_model_aliases (name TEXT, alias TEXT, version INTEGER);
    CREATE TABLE IF NOT EXISTS model_version_tags (name TEXT, version INTEGER, key TEXT, value TEXT);
"""


@pytest.fixture
def plan(tmp_path: Path) -> Iterator[Plan]:
    with ExitStack() as reserved:

        def address(name: str, option: str) -> Address:
            return Address("127.0.0.1", reserved.enter_context(reserved_port("127.0.0.1")), name, option)

        yield Plan(
            State(tmp_path / "state"),
            tracking=address("tracking-server", "--tracking-port"),
            model_server=address("model-server", "--model-server-port"),
            comparables_server=address("comparables-server", "--comparables-port"),
            orchestrator=address("orchestrator", "--port"),
        )


def only(findings: Iterator[Finding]) -> Finding:
    (finding,) = findings
    return finding


def write_registry(
    plan: Plan, version: int | None, digest: str | None = None, model: ServedModel = ServedModel.PRICE
) -> None:
    plan.state.folder.mkdir(exist_ok=True)
    name = NAME_OF_MODEL[model]
    with closing(sqlite3.connect(plan.state.database)) as database:
        database.executescript(TABLES)
        if version:
            database.execute("INSERT INTO registered_model_aliases VALUES (?, 'champion', ?)", (name, version))
        tags = [(99, "digest", "of another version"), (version, "model_id", "m"), (version, "digest", digest)]
        database.executemany(f"INSERT INTO model_version_tags VALUES ('{name}', ?, ?, ?)", tags)  # noqa: S608 - fixed
        database.commit()


def write_export(plan: Plan, version: str, columns: dict[str, str], model: ServedModel = ServedModel.PRICE) -> str:
    """Write an export with a real signature and nothing else; returns its digest."""
    export = plan.state.serving.of(model).export_of(version)
    folder = export / "model"
    folder.mkdir(parents=True)
    inputs = json.dumps([{"type": kind, "name": name, "required": True} for name, kind in columns.items()])
    (folder / "MLmodel").write_text(json.dumps({"signature": {"inputs": inputs}}))  # JSON is YAML too
    manifest = Manifest(NAME_OF_MODEL[model], version, "m", digest_of(folder), "run", "2026-01-01T00:00:00+00:00")
    (export / "manifest.json").write_text(json.dumps(asdict(manifest)))
    return manifest.digest


def orchestrator_sends(monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    monkeypatch.setattr(model, "orchestrator_columns", lambda: ("echo", columns))


def test_the_running_python_has_the_required_version(plan: Plan) -> None:
    assert only(check_python(plan)).verdict is Verdict.OK


def test_free_ports_are_ok(plan: Plan) -> None:
    assert [finding.verdict for finding in check_ports(plan)] == [Verdict.OK] * 4


@pytest.mark.parametrize("is_ours", [True, False])
def test_a_port_in_use_is_a_problem_unless_the_stack_itself_uses_it(plan: Plan, is_ours: bool) -> None:
    holder = {"pid": 1, "ports": {"orchestrator": plan.orchestrator.port if is_ours else 1}}
    with socket.socket() as taken, plan.state.lock(holder):
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((plan.orchestrator.host, plan.orchestrator.port))
        taken.listen()
        finding = next(finding for finding in check_ports(plan) if str(plan.orchestrator.port) in finding.subject)
        assert is_ours or f"in use by process {os.getpid()} (" in finding.details
    assert finding.verdict is (Verdict.OK if is_ours else Verdict.PROBLEM)
    assert is_ours or "--port" in finding.fix


def test_the_bundled_data_has_the_recorded_checksum(plan: Plan) -> None:
    assert only(check_data(plan)).verdict is Verdict.OK


@pytest.mark.parametrize("content", [b"other", None])
def test_changed_or_missing_data_is_a_problem(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    (tmp_path / "SHA256SUMS").write_text(f"{hashlib.sha256(b'right').hexdigest()}  houses.csv\n")
    if content is not None:
        (tmp_path / "houses.csv").write_bytes(content)
    monkeypatch.setattr(model, "DATA", tmp_path)
    finding = only(check_data(plan))
    assert finding.verdict is Verdict.PROBLEM
    assert "git checkout" in finding.fix


def test_a_stack_that_was_never_started_is_a_note(plan: Plan) -> None:
    for check in (check_registry, check_export, check_columns):
        finding = only(check(plan))
        assert finding.verdict is Verdict.NOTE
        assert "housing-price up" in finding.fix


def test_a_registry_with_a_champion_is_ok(plan: Plan) -> None:
    write_registry(plan, 3)
    finding = only(check_registry(plan))
    assert finding.verdict is Verdict.OK
    assert "version 3" in finding.details


def test_a_registry_without_a_champion_is_a_problem(plan: Plan) -> None:
    write_registry(plan, None)
    assert only(check_registry(plan)).verdict is Verdict.PROBLEM


def test_an_unreadable_registry_is_a_problem(plan: Plan) -> None:
    plan.state.folder.mkdir()
    plan.state.database.write_text("not a database, and long enough that SQLite looks at its header" * 20)
    assert only(check_registry(plan)).verdict is Verdict.PROBLEM


def test_a_champion_without_an_export_is_a_problem(plan: Plan) -> None:
    write_registry(plan, 3)
    assert only(check_export(plan)).verdict is Verdict.PROBLEM


@pytest.mark.parametrize(("version", "verdict"), [("3", Verdict.OK), ("2", Verdict.PROBLEM)])
def test_the_export_must_be_the_champion(plan: Plan, version: str, verdict: Verdict) -> None:
    write_registry(plan, 3, write_export(plan, version, {}))
    assert only(check_export(plan)).verdict is verdict


def test_an_export_with_the_right_version_and_another_digest_is_a_problem(plan: Plan) -> None:
    digest = write_export(plan, "3", {})
    write_registry(plan, 3, "sha256:other")
    finding = only(check_export(plan))
    assert finding.verdict is Verdict.PROBLEM
    assert digest in finding.details
    assert "sha256:other" in finding.details


@pytest.mark.parametrize("has_registry", [True, False])
def test_a_damaged_export_is_a_problem(plan: Plan, has_registry: bool) -> None:
    digest = write_export(plan, "3", {})
    if has_registry:
        write_registry(plan, 3, digest)
    (plan.state.export_of("3") / "model" / "added").touch()
    finding = only(check_export(plan))
    assert finding.verdict is Verdict.PROBLEM
    assert "files differ from" in finding.details


def test_an_export_with_an_incomplete_manifest_is_a_problem(plan: Plan) -> None:
    write_export(plan, "3", {})
    (plan.state.export_of("3") / "manifest.json").write_text('{"version": "3"}')
    assert only(check_export(plan)).verdict is Verdict.PROBLEM


def test_an_export_of_the_real_model_is_ok(plan: Plan, champion: Path) -> None:
    manifest = read_export(champion)
    shutil.copytree(champion, plan.state.export_of(manifest.version))
    write_registry(plan, int(manifest.version), manifest.digest)
    assert only(check_export(plan)).verdict is Verdict.OK


@pytest.mark.parametrize(("sent", "verdict"), [("double", Verdict.OK), ("string", Verdict.PROBLEM)])
def test_the_orchestrators_columns_must_be_the_models(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, sent: str, verdict: Verdict
) -> None:
    write_export(plan, "1", {"LotArea": "double"})
    orchestrator_sends(monkeypatch, json.dumps([{"name": "LotArea", "type": sent}]))
    assert only(check_columns(plan)).verdict is verdict


def test_an_orchestrator_that_cannot_list_its_columns_is_a_problem(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    write_export(plan, "1", {"LotArea": "double"})
    orchestrator_sends(monkeypatch, "no json")
    assert only(check_columns(plan)).verdict is Verdict.PROBLEM


def test_an_export_without_a_signature_is_a_problem(plan: Plan) -> None:
    write_export(plan, "1", {})
    (plan.state.export_of("1") / "model" / "MLmodel").write_text("flavors: {}")
    assert only(check_columns(plan)).verdict is Verdict.PROBLEM


def test_the_comparables_model_is_checked_like_the_price_model(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    model = ServedModel.COMPARABLES
    orchestrator_sends(monkeypatch, json.dumps([{"name": "LotArea", "type": "double"}]))
    assert list(check_comparables(plan)) == []  # no stack yet: the checks of the price model say so
    write_registry(plan, 1)
    missing = only(check_comparables(plan))
    assert (missing.verdict, missing.subject) == (Verdict.NOTE, "registry, comparables")
    assert "housing-price-model train" in missing.fix
    write_registry(plan, 2, write_export(plan, "2", {"LotArea": "double"}, model), model)
    findings = list(check_comparables(plan))
    subjects = ["registry, comparables", "export, comparables", "signature, comparables"]
    assert [(finding.subject, finding.verdict) for finding in findings] == [(name, Verdict.OK) for name in subjects]
    (plan.state.serving.of(model).export_of("2") / "model" / "added").touch()
    assert [finding.subject for finding in check_comparables(plan) if finding.verdict is Verdict.PROBLEM] == subjects[
        1:2
    ]


def test_every_difference_between_columns_is_reported() -> None:
    sent, expected = {"a": "double", "b": "string", "c": "double"}, {"b": "double", "c": "double", "d": "string"}
    differences = list(compare_columns(sent, expected))
    assert differences == ["missing: d", "unknown to the model: a", "b is sent as string, but the model expects double"]
    assert list(compare_columns(sent, sent)) == []


@pytest.mark.parametrize(
    ("verdict", "is_healthy"), [(Verdict.OK, True), (Verdict.NOTE, True), (Verdict.PROBLEM, False)]
)
def test_only_a_problem_makes_doctor_fail(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, verdict: Verdict, is_healthy: bool
) -> None:
    checks: tuple[Callable[[Plan], Iterator[Finding]], ...] = (
        lambda _: iter([Finding("a thing", verdict, "details", "do this")]),
    )
    monkeypatch.setattr(doctor, "CHECKS", checks)
    stream = io.StringIO()
    assert doctor.run_checks(plan, Output(stream)) is is_healthy
    for text in ("a thing", str(verdict), "details", "do this"):
        assert text in stream.getvalue()


def test_a_damaged_database_is_a_problem_that_names_it(plan: Plan) -> None:
    assert list(check_databases(plan)) == []
    write_registry(plan, 1)
    assert only(check_databases(plan)).verdict is Verdict.OK
    plan.state.jobs.write_bytes(b"no database")
    finding = next(finding for finding in check_databases(plan) if finding.verdict is Verdict.PROBLEM)
    assert (finding.subject, finding.details) == ("jobs.db", f"{plan.state.jobs} is damaged (file is not a database)")
    assert "backup" in finding.fix
