import dataclasses
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from housing_price_model.artefact.export import MANIFEST, MODEL, Manifest, digest_of, read_export, sums_of, write_export
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
    assert read_export(export) == dataclasses.replace(manifest, files=sums_of(export / MODEL))
    assert sorted(path.name for path in export.iterdir()) == [MANIFEST, MODEL]


def test_later_export_replaces_an_earlier_one(export: Path, model: Path, manifest: Manifest) -> None:
    (model / "artifacts" / "graph.onnx").write_bytes(b"other")
    later = dataclasses.replace(manifest, version="8", digest=digest_of(model))
    write_export(model, later, export)
    assert read_export(export) == dataclasses.replace(later, files=sums_of(model))
    assert sorted(path.name for path in export.iterdir()) == [MANIFEST, MODEL]


def test_model_that_is_not_what_the_manifest_says_is_not_exported(
    export: Path, model: Path, manifest: Manifest
) -> None:
    (model / "MLmodel").write_text("other")
    with pytest.raises(ArtefactError, match="refused"):
        write_export(model, dataclasses.replace(manifest, version="8"), export)
    assert read_export(export).version == manifest.version


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


def swap_two_files(export: Path) -> None:
    one, other = export / MODEL / "MLmodel", export / MODEL / "artifacts" / "graph.onnx"
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)


def truncate_a_file(export: Path) -> None:
    graph = export / MODEL / "artifacts" / "graph.onnx"
    graph.write_bytes(graph.read_bytes()[:-1])


def add_what_mlflow_writes(export: Path) -> None:
    (export / MODEL / "registered_model_meta").write_text("")


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (change_a_byte, "model/artifacts/graph.onnx was changed"),
        (truncate_a_file, "model/artifacts/graph.onnx was changed"),
        (add_a_file, "model/extra.py was added"),
        (add_what_mlflow_writes, "model/registered_model_meta was added"),
        (remove_a_file, "model/MLmodel is missing"),
        (rename_a_file, "model/MLmodel is missing, model/MLmodel2 was added"),
        (swap_two_files, "model/MLmodel was changed, model/artifacts/graph.onnx was changed"),
        (remove_the_model, "model/MLmodel is missing, model/artifacts/graph.onnx is missing"),
    ],
)
def test_changed_export_is_refused_and_the_file_is_named(
    export: Path, tamper: Callable[[Path], None], said: str
) -> None:
    tamper(export)
    with pytest.raises(ArtefactError, match=f"refused, its files are not those that were recorded: {said}$"):
        read_export(export)


def test_export_whose_manifest_lists_no_files_is_held_to_its_digest(export: Path) -> None:
    """As exports were written at first."""
    content = json.loads((export / MANIFEST).read_text())
    del content["files"]
    (export / MANIFEST).write_text(json.dumps(content))
    read_export(export)
    change_a_byte(export)
    with pytest.raises(ArtefactError, match="refused, its files are not those that were recorded"):
        read_export(export)


def test_many_differences_are_told_in_part(export: Path) -> None:
    for number in range(12):
        (export / MODEL / f"{number:02}").touch()
    with pytest.raises(ArtefactError, match=r"model/09 was added, and 2 more$"):
        read_export(export)


def test_export_must_be_the_pinned_one(export: Path, manifest: Manifest) -> None:
    read_export(export, manifest.digest)
    other = f"sha256:{'0' * 64}"
    with pytest.raises(ArtefactError, match=f"its digest is {manifest.digest}, and {other} was asked for"):
        read_export(export, other)


@pytest.mark.parametrize(
    "pinned", ["", "sha256:", "0" * 64, f"sha256:{'0' * 63}", f"sha256:{'G' * 64}", f"md5:{'0' * 64}"]
)
def test_what_is_pinned_must_be_a_digest(export: Path, pinned: str) -> None:
    with pytest.raises(ArtefactError, match="is no digest: it should be sha256: and 64 hexadecimal digits"):
        read_export(export, pinned)


def test_device_or_pipe_in_a_model_is_refused_and_not_read(export: Path) -> None:
    os.mkfifo(export / MODEL / "pipe")
    with pytest.raises(ArtefactError, match="pipe is neither a file nor a folder"):
        read_export(export)


def test_model_that_is_a_link_is_refused(export: Path) -> None:
    (export / MODEL).rename(export / "elsewhere")
    (export / MODEL).symlink_to("elsewhere")
    with pytest.raises(ArtefactError, match="refused, it is a link"):
        read_export(export)


def test_link_in_a_model_is_refused(export: Path) -> None:
    (export / MODEL / "link").symlink_to("/etc/hostname")
    with pytest.raises(ArtefactError, match="link is a link"):
        read_export(export)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": "x"}', "\x00", "[" * 100_000])
def test_manifest_that_is_none_is_refused(export: Path, text: str) -> None:
    (export / MANIFEST).write_text(text)
    with pytest.raises(ArtefactError, match="cannot be read as a manifest"):
        read_export(export)


@pytest.mark.parametrize("change", [{"digest": "x"}, {"version": 1}, {"files": []}, {"files": {"MLmodel": "x"}}])
def test_manifest_of_other_types_is_refused(export: Path, change: dict[str, object]) -> None:
    (export / MANIFEST).write_text(json.dumps(json.loads((export / MANIFEST).read_text()) | change))
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
