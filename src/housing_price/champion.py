"""Which model the registry calls champion, and whether the export on disk is that one."""

from dataclasses import dataclass
from typing import Any

import httpx

from housing_price.errors import StackError
from housing_price.services import ALIAS, MODEL_NAME

ALIAS_PATH = "/api/2.0/mlflow/registered-models/alias"
DIGEST_TAG = "digest"
"""The tag under which training registers the digest of the model's files."""

NO_SUCH_MODEL, NO_SUCH_ALIAS = "RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"


@dataclass(frozen=True)
class Champion:
    """A registered version; `digest` is that of its files, where it was recorded."""

    version: str
    digest: str | None

    def is_exported_as(self, manifest: dict[str, Any] | None) -> bool:
        """Whether an export's manifest describes this very version.

        The number alone does not do: a registry that was made anew counts from 1 again.
        """
        if manifest is None or str(manifest.get("version")) != self.version:
            return False
        return self.digest is None or manifest.get("digest") == self.digest


async def find_champion(client: httpx.AsyncClient, tracking_url: str) -> Champion | None:
    """Ask the registry for the champion; None when there is none yet.

    Raises:
        StackError: The registry gives no usable answer.
    """
    try:
        answer = await client.get(tracking_url + ALIAS_PATH, params={"name": MODEL_NAME, "alias": ALIAS}, timeout=30)
        body = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise StackError(f"the registry at {tracking_url} did not answer: {error!r}") from error
    if answer.is_success:
        version = body["model_version"]
        tags = {tag["key"]: tag["value"] for tag in version.get("tags", [])}
        return Champion(str(version["version"]), tags.get(DIGEST_TAG))
    if body.get("error_code") in {NO_SUCH_MODEL, NO_SUCH_ALIAS}:
        return None
    raise StackError(f"the registry at {tracking_url} refused: {answer.status_code} {body.get('message')}")
