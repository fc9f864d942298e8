"""Writes an SBOM (CycloneDX 1.5) for each image: the one that its build puts at `/app/sbom.cdx.json` inside it."""

from pathlib import Path
from typing import Final

from supply_chain.locks import IMAGES, REPOSITORY, Image, export_lock

OPTIONS: Final = ("--no-dev", "--preview-features", "sbom-export", "--format", "cyclonedx1.5")


def sbom_of(image: Image) -> str:
    """Describe what is in an image, as JSON.

    A package that goes only with other systems is listed with its marker (`uv:package:marker`) and not installed.
    """
    return export_lock(REPOSITORY, *OPTIONS, *image.selection)


def write_sboms(folder: Path) -> list[Path]:
    """Write `NAME.cdx.json` for each image; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, image in IMAGES.items():
        path = folder / f"{name}.cdx.json"
        path.write_text(sbom_of(image), encoding="utf-8")
        written.append(path)
    return written
