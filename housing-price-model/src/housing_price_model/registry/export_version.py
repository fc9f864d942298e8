"""Exports a registered model, so that it can be served without a tracking server."""

from datetime import UTC, datetime
from pathlib import Path

from housing_price_model.artefact.export import Manifest, read_export, write_export
from housing_price_model.errors import ArtefactError
from housing_price_model.registry.versions import RegisteredVersion, connect, download_checked, find_version


def export_registered(model: str, folder: Path, tracking_uri: str) -> tuple[Manifest, bool]:
    """Verify the digest of a registered model and export it to a folder.

    A folder that already holds this version undamaged is left unchanged, because a server may be reading it.

    Returns:
        The manifest of the export, and whether it was written.

    Raises:
        RegistryError: The tracking server does not respond or has no such model.
        ArtefactError: The files differ from those registered, or the folder cannot be written.
    """
    client = connect(tracking_uri)
    wanted, _version = find_version(client, model)
    if existing := _existing_export(folder, wanted):
        return existing, False
    with download_checked(client, model) as (registered, files):
        manifest = Manifest(
            name=registered.name,
            version=registered.version,
            model_id=registered.model_id,
            digest=registered.digest,
            run_id=registered.run_id,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        write_export(files, manifest, folder)
    return manifest, True


def _existing_export(folder: Path, wanted: RegisteredVersion) -> Manifest | None:
    """Return the manifest of the export in a folder if it is undamaged and of the wanted version, else None."""
    try:
        manifest = read_export(folder)
    except ArtefactError:
        return None
    # The version number alone is not enough: a new registry numbers its versions from 1 again.
    is_wanted = (manifest.name, manifest.version, manifest.digest) == (wanted.name, wanted.version, wanted.digest)
    return manifest if is_wanted else None
