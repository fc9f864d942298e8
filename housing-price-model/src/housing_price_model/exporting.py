"""Exports a model, so that it can be served without a tracking server."""

from datetime import UTC, datetime
from pathlib import Path

from housing_price_model.artefact import Manifest, write_export
from housing_price_model.registry import checked, connect


def export_registered(model: str, folder: Path, tracking_uri: str) -> Manifest:
    """Check the digest of a registered model and write it, with a manifest, into a folder.

    Raises:
        RegistryError: the tracking server does not answer or does not know the model.
        ArtefactError: its files are not those that were registered, or the folder cannot be written.
    """
    with checked(connect(tracking_uri), model) as (registered, downloaded):
        manifest = Manifest(
            name=registered.name,
            version=registered.version,
            model_id=registered.model_id,
            digest=registered.digest,
            run_id=registered.run_id,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        write_export(downloaded, manifest, folder)
    return manifest
