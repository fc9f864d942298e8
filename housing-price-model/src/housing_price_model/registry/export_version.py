"""Exports a model, so that it can be served without a tracking server."""

from datetime import UTC, datetime
from pathlib import Path

from housing_price_model.artefact.export import Manifest, read_export, write_export
from housing_price_model.errors import ArtefactError
from housing_price_model.registry.versions import Registered, checked, connect, find


def export_registered(model: str, folder: Path, tracking_uri: str) -> tuple[Manifest, bool]:
    """Check the digest of a registered model and write it, with a manifest, into a folder.

    A folder that holds this very version, whole and unchanged, is left as it is: a server may be reading it.

    Returns:
        What the folder holds now, and whether it was written.

    Raises:
        RegistryError: the tracking server does not answer or does not know the model.
        ArtefactError: its files are not those that were registered, or the folder cannot be written.
    """
    client = connect(tracking_uri)
    wanted, _version = find(client, model)
    if held := _held(folder, wanted):
        return held, False
    with checked(client, model) as (registered, downloaded):
        manifest = Manifest(
            name=registered.name,
            version=registered.version,
            model_id=registered.model_id,
            digest=registered.digest,
            run_id=registered.run_id,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        write_export(downloaded, manifest, folder)
    return manifest, True


def _held(folder: Path, wanted: Registered) -> Manifest | None:
    """Read the export in a folder if it is the one that is wanted; a damaged one is not."""
    try:
        manifest = read_export(folder)
    except ArtefactError:
        return None
    # The number alone does not do: a registry that was made anew counts from 1 again.
    is_wanted = (manifest.name, manifest.version, manifest.digest) == (wanted.name, wanted.version, wanted.digest)
    return manifest if is_wanted else None
