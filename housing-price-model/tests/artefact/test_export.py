import dataclasses
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from housing_price_model.artefact.export import (
    MANIFEST,
    MODEL,
    Manifest,
    digest_of,
    file_digests,
    read_export,
    write_export,
)
from housing_price_model.errors import ArtefactError
from small_disk import SmallDisk


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
    assert read_export(export) == dataclasses.replace(manifest, files=file_digests(export / MODEL))
    assert sorted(path.name for path in export.iterdir()) == [MANIFEST, MODEL]


def test_later_export_replaces_an_earlier_one(export: Path, model: Path, manifest: Manifest) -> None:
    (model / "artifacts" / "graph.onnx").write_bytes(b"other")
    later = dataclasses.replace(manifest, version="8", digest=digest_of(model))
    write_export(model, later, export)
    assert read_export(export) == dataclasses.replace(later, files=file_digests(model))
    assert sorted(path.name for path in export.iterdir()) == [MANIFEST, MODEL]


def test_model_that_differs_from_its_manifest_is_not_exported(export: Path, model: Path, manifest: Manifest) -> None:
    (model / "MLmodel").write_text("other")
    with pytest.raises(ArtefactError, match="rejected"):
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
def test_changed_export_is_rejected_naming_the_file(export: Path, tamper: Callable[[Path], None], said: str) -> None:
    tamper(export)
    with pytest.raises(ArtefactError, match=f"rejected: files differ from those recorded: {said}$"):
        read_export(export)


def test_manifest_without_files_is_checked_by_its_digest(export: Path) -> None:
    """The first exports had no `files`."""
    content = json.loads((export / MANIFEST).read_text())
    del content["files"]
    (export / MANIFEST).write_text(json.dumps(content))
    read_export(export)
    change_a_byte(export)
    with pytest.raises(ArtefactError, match="rejected: files differ from those recorded"):
        read_export(export)


def test_long_list_of_differences_ends_with_a_count(export: Path) -> None:
    for number in range(12):
        (export / MODEL / f"{number:02}").touch()
    with pytest.raises(ArtefactError, match=r"model/09 was added, and 2 more$"):
        read_export(export)


def test_export_must_have_the_pinned_digest(export: Path, manifest: Manifest) -> None:
    read_export(export, manifest.digest)
    other = f"sha256:{'0' * 64}"
    with pytest.raises(ArtefactError, match=f"its digest is {manifest.digest}, expected {other}"):
        read_export(export, other)


@pytest.mark.parametrize(
    "pinned", ["", "sha256:", "0" * 64, f"sha256:{'0' * 63}", f"sha256:{'G' * 64}", f"md5:{'0' * 64}"]
)
def test_malformed_pinned_digest_is_rejected(export: Path, pinned: str) -> None:
    with pytest.raises(ArtefactError, match="is not a digest: expected sha256: and 64 hexadecimal digits"):
        read_export(export, pinned)


def test_pipe_in_a_model_is_rejected_unread(export: Path) -> None:
    os.mkfifo(export / MODEL / "pipe")
    with pytest.raises(ArtefactError, match="pipe is neither a file nor a folder"):
        read_export(export)


def test_model_folder_that_is_a_link_is_rejected(export: Path) -> None:
    (export / MODEL).rename(export / "elsewhere")
    (export / MODEL).symlink_to("elsewhere")
    with pytest.raises(ArtefactError, match="rejected: it is a symbolic link"):
        read_export(export)


def test_link_inside_a_model_is_rejected(export: Path) -> None:
    (export / MODEL / "link").symlink_to("/etc/hostname")
    with pytest.raises(ArtefactError, match="link is a symbolic link"):
        read_export(export)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": "x"}', "\x00", "[" * 100_000])
def test_invalid_manifest_is_rejected(export: Path, text: str) -> None:
    (export / MANIFEST).write_text(text)
    with pytest.raises(ArtefactError, match="not a valid manifest"):
        read_export(export)


@pytest.mark.parametrize("change", [{"digest": "x"}, {"version": 1}, {"files": []}, {"files": {"MLmodel": "x"}}])
def test_manifest_with_wrong_types_is_rejected(export: Path, change: dict[str, object]) -> None:
    (export / MANIFEST).write_text(json.dumps(json.loads((export / MANIFEST).read_text()) | change))
    with pytest.raises(ArtefactError, match="not a valid manifest"):
        read_export(export)


def test_folder_without_a_manifest_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match=r"manifest\.json not found"):
        read_export(tmp_path)


def test_export_can_be_read_by_other_users(export: Path) -> None:
    for path in (export / MANIFEST, *(export / MODEL).rglob("*")):
        assert path.stat().st_mode & 0o004


def test_unwritable_folder_is_named_in_the_error(model: Path, manifest: Manifest, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtefactError, match=r"cannot write the export"):
        write_export(model, manifest, tmp_path / "file" / "export")
    assert (tmp_path / "file").read_text() == ""


def test_full_disk_keeps_the_earlier_export_and_leaves_nothing_behind(
    small_disk: SmallDisk, model: Path, manifest: Manifest
) -> None:
    folder = small_disk.folder / "export"
    write_export(model, manifest, folder)
    before = small_disk.names()
    (model / "artifacts" / "graph.onnx").write_bytes(b"x" * 500_000)
    later = dataclasses.replace(manifest, version="8", digest=digest_of(model))
    small_disk.fill()
    with pytest.raises(ArtefactError, match=r"cannot write the export .*No space left on device") as raised:
        write_export(model, later, folder)
    assert len(str(raised.value).splitlines()) == 1
    assert read_export(folder).version == manifest.version
    assert small_disk.names() == before
    small_disk.free()
    write_export(model, later, folder)
    assert read_export(folder).version == "8"


def test_leftovers_of_a_killed_export_are_removed_and_those_of_others_stay(
    export: Path, model: Path, manifest: Manifest
) -> None:
    old, young = export / ".export-old", export / ".export-young"
    for folder in (old, young):
        (folder / MODEL).mkdir(parents=True)
    os.utime(old, (1, 1))
    write_export(model, manifest, export)
    assert sorted(path.name for path in export.iterdir()) == [young.name, MANIFEST, MODEL]


def test_folder_that_is_no_model_is_not_replaced(model: Path, manifest: Manifest, tmp_path: Path) -> None:
    (tmp_path / "mine" / MODEL).mkdir(parents=True)
    (tmp_path / "mine" / MODEL / "thesis.txt").write_text("years of work")
    with pytest.raises(ArtefactError, match="which is no exported model"):
        write_export(model, manifest, tmp_path / "mine")
    assert (tmp_path / "mine" / MODEL / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize("lost", [MANIFEST, f"{MODEL}/MLmodel"])
def test_damaged_export_is_replaced(export: Path, model: Path, manifest: Manifest, lost: str) -> None:
    (export / lost).unlink()
    write_export(model, manifest, export)
    assert read_export(export).digest == manifest.digest
