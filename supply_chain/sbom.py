"""Writes an SBOM (CycloneDX 1.5) for each image, identical to `/app/sbom.cdx.json` in the image."""

from pathlib import Path
from typing import Final

from supply_chain.locks import IMAGES, REPOSITORY, Image, export_lock

OPTIONS: Final = ("--no-dev", "--preview-features", "sbom-export", "--format", "cyclonedx1.5")


def export_sbom(image: Image) -> str:
    """Return the SBOM of an image as JSON.

    Packages for other platforms are listed with their marker (`uv:package:marker`), although they are not installed.
    """
    return export_lock(REPOSITORY, *OPTIONS, *image.selection)


def write_sboms(folder: Path) -> list[Path]:
    """Write `NAME.cdx.json` for each image; return the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, image in IMAGES.items():
        path = folder / f"{name}.cdx.json"
        path.write_text(export_sbom(image), encoding="utf-8")
        written.append(path)
    return written
