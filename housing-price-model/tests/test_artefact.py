import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from housing_price_model.artefact import MANIFEST, MODEL, Manifest, digest_of, read_export, write_export
from housing_price_model.errors import ArtefactError


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "artifacts").mkdir(parents=True)
    (folder / "MLmodel").write_text("flavors: {}")
    (folder / "artifacts" / "graph.onnx").write_bytes(b"\x08\x0a")
    return folder


@pytest.fixture
def manifest(model: Path) -> Manifest:
    return Manifest("housing-price", "7", "0123456789abcdef", digest_of(model), "run", "2026-01-01T00:00:00+00:00")


@pytest.fixture
def export(model: Path, manifest: Manifest, tmp_path: Path) -> Path:
    write_export(model, manifest, tmp_path / "export")
    return tmp_path / "export"


def test_export_is_read_back_and_leaves_nothing_else(export: Path, manifest: Manifest) -> None:
    assert read_export(export) == manifest
    assert sorted(path.name for path in export.iterdir()) == [MANIFEST, MODEL]


def test_later_export_replaces_an_earlier_one(export: Path, model: Path, manifest: Manifest) -> None:
    (model / "artifacts" / "graph.onnx").write_bytes(b"other")
    later = dataclasses.replace(manifest, version="8", digest=digest_of(model))
    write_export(model, later, export)
    assert read_export(export) == later
    assert sorted(path.name for path in export.iterdir()) == [MANIFEST, MODEL]


def test_model_that_is_not_what_the_manifest_says_is_not_exported(
    export: Path, model: Path, manifest: Manifest
) -> None:
    (model / "MLmodel").write_text("other")
    with pytest.raises(ArtefactError, match="refused"):
        write_export(model, dataclasses.replace(manifest, version="8"), export)
    assert read_export(export) == manifest


def change_a_byte(export: Path) -> None:
    (export / MODEL / "artifacts" / "graph.onnx").write_bytes(b"\x08\x0b")


def add_a_file(export: Path) -> None:
    (export / MODEL / "extra.py").write_text("")


def remove_a_file(export: Path) -> None:
    (export / MODEL / "MLmodel").unlink()


def rename_a_file(export: Path) -> None:
    (export / MODEL / "MLmodel").rename(export / MODEL / "MLmodel2")


def remove_the_model(export: Path) -> None:
    (export / MODEL).rename(export / "elsewhere")


@pytest.mark.parametrize("tamper", [change_a_byte, add_a_file, remove_a_file, rename_a_file, remove_the_model])
def test_changed_export_is_refused(export: Path, tamper: Callable[[Path], None]) -> None:
    tamper(export)
    with pytest.raises(ArtefactError, match="refused, its files are not those that were recorded"):
        read_export(export)


def test_link_in_a_model_is_refused(export: Path) -> None:
    (export / MODEL / "link").symlink_to("/etc/hostname")
    with pytest.raises(ArtefactError, match="link is a link"):
        read_export(export)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": "x"}', "\x00"])
def test_manifest_that_is_none_is_refused(export: Path, text: str) -> None:
    (export / MANIFEST).write_text(text)
    with pytest.raises(ArtefactError, match="cannot be read as a manifest"):
        read_export(export)


def test_folder_without_a_manifest_is_no_export(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match=r"there is no manifest\.json"):
        read_export(tmp_path)


def test_export_can_be_read_by_other_users(export: Path) -> None:
    for path in (export / MANIFEST, *(export / MODEL).rglob("*")):
        assert path.stat().st_mode & 0o004


def test_folder_that_cannot_be_written_is_named(model: Path, manifest: Manifest, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtefactError, match="cannot be exported there"):
        write_export(model, manifest, tmp_path / "file" / "export")
    assert (tmp_path / "file").read_text() == ""
