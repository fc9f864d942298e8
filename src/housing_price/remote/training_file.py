"""Turns the file of `jobs submit --train FILE` into an order: the order itself, or data for the training worker."""

import hashlib
import json
from pathlib import Path
from typing import Final

import httpx

from housing_price.remote.api import fail
from housing_price.stack.state import DEFAULT_STATE, State
from housing_price_platform.files import READABLE, write_atomically

ORDER_SUFFIX: Final = ".json"
DATA_SUFFIXES: Final = (".csv", ".tsv", ".txt", ".ndjson", ".jsonl", ".parquet")
"""The worker recognises the format by the content."""

_LOOPBACK: Final = {"localhost", "127.0.0.1", "::1"}


def training_order(file: Path, *, data_folder: Path | None, url: str) -> bytes:
    """Return the order to train on a file; a file of houses is copied into the folder from which the worker reads.

    Args:
        file: A training order (`.json`) or sold houses (`DATA_SUFFIXES`).
        data_folder: The worker's data folder; None for that of the stack on this machine.
        url: Address of the API.
    """
    if file.suffix not in {ORDER_SUFFIX, *DATA_SUFFIXES}:
        supported = ", ".join(DATA_SUFFIXES)
        fail(f"{file}: unsupported file type. Supported types: {supported} for data, {ORDER_SUFFIX} for an order.")
    try:
        content = file.read_bytes()
    except OSError as error:
        fail(f"{file}: cannot be read ({error.strerror}).")
    if file.suffix == ORDER_SUFFIX:
        return content
    folder = data_folder or _folder_of_local_stack(url)
    # The name depends on the content, so a file that a running job reads is never replaced.
    name = f"{file.stem[:100]}-{hashlib.sha256(content).hexdigest()[:16]}{file.suffix}"
    try:
        if not (folder / name).exists():
            write_atomically(folder / name, content, mode=READABLE, parents=True)
    except OSError as error:
        fail(f"{folder}: the data cannot be copied there ({error.strerror}).")
    return json.dumps({"source": "csv", "data": name}).encode()


def _folder_of_local_stack(url: str) -> Path:
    if httpx.URL(url).host not in _LOOPBACK:
        fail(
            "the API runs on another machine: set --data-folder to the data folder of its training worker, or submit "
            f"an order (a {ORDER_SUFFIX} file) that names a file there."
        )
    return State(DEFAULT_STATE).data
