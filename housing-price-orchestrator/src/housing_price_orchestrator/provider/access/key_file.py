"""The API key file: written by the `keys` commands, read by the running service.

It contains no usable key: only the prefix of each key, which identifies it, and the SHA-256 of the whole key. A slow
password hash is not needed, because keys have 256 random bits.
"""

import contextlib
import fcntl
import hashlib
import os
import secrets
import stat
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator

from housing_price_orchestrator.shared.access import Scope
from housing_price_platform.files import OWNER_ONLY, write_atomically
from housing_price_platform.orders.findings import describe_findings
from housing_price_survey.tabular.encoding import BYTE_ORDER_MARK

KEY_MARKER: Final = "hp_"
PREFIX_DIGITS: Final = 8
SECRET_BYTES: Final = 32
MAX_NAME_CHARACTERS: Final = 100
LOCK_SECONDS: Final = 10.0
"""Maximum wait of a command for the file lock; each command holds it for milliseconds."""

MAX_FILE_BYTES: Final = 16 * 1024 * 1024


class KeyFileUnusable(Exception):
    """The key file cannot be read or written; the message names the file and the reason and contains no key."""


class UnknownKey(Exception):
    """The key file has no key with this prefix."""


class _Stored(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class StoredKey(_Stored):
    """The stored form of a key."""

    prefix: Annotated[str, Field(pattern=rf"^[0-9a-f]{{{PREFIX_DIGITS}}}$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME_CHARACTERS)]
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1)]
    created: AwareDatetime
    expires: AwareDatetime | None = None
    revoked: AwareDatetime | None = None


class _KeyDocument(_Stored):
    version: Literal[1] = 1
    keys: tuple[StoredKey, ...] = ()

    @field_validator("keys")
    @classmethod
    def _check_unique_prefixes(cls, keys: tuple[StoredKey, ...]) -> tuple[StoredKey, ...]:
        if len({key.prefix for key in keys}) < len(keys):
            raise ValueError("two keys have the same prefix")
        return keys


def digest_of(key: str) -> bytes:
    """Return the SHA-256 digest of a key."""
    return hashlib.sha256(key.encode()).digest()


def read_keys(path: Path) -> Sequence[StoredKey]:
    """Read all keys of the file.

    Raises:
        KeyFileUnusable: the file is missing, unreadable, malformed or world-writable.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise KeyFileUnusable(
            f"{path} does not exist: `housing-price-orchestrator keys create` creates it with the first key"
        ) from error
    except OSError as error:
        raise KeyFileUnusable(f"{path} cannot be read: {error.strerror}") from error
    if mode & stat.S_IWOTH:
        raise KeyFileUnusable(f"{path} is world-writable: run chmod 600 {path}")
    if len(content) > MAX_FILE_BYTES:
        raise KeyFileUnusable(f"{path} is larger than {MAX_FILE_BYTES} bytes")
    try:
        return _KeyDocument.model_validate_json(content.removeprefix(BYTE_ORDER_MARK)).keys
    except ValidationError as error:
        finding = describe_findings(error, subject="the document", max_findings=1)
        reason = "it is empty" if not content.strip() else finding
        raise KeyFileUnusable(
            f"{path} is not a valid key file: {reason}. Restore it from a backup, or delete it and create new keys"
        ) from error


def create_key(
    path: Path, *, name: str, scopes: Sequence[Scope], now: datetime, expires: datetime | None = None
) -> tuple[str, StoredKey]:
    """Add a key to the file, which is created if needed.

    Returns the key, which is not stored and cannot be shown again, and its stored form.

    Raises:
        KeyFileUnusable: the file cannot be read or written.
    """
    with _locked(path):
        stored = list(read_keys(path)) if path.exists() else []
        used_prefixes = {key.prefix for key in stored}
        while (prefix := secrets.token_hex(PREFIX_DIGITS // 2)) in used_prefixes:
            pass
        key = f"{KEY_MARKER}{prefix}_{secrets.token_hex(SECRET_BYTES)}"
        stored_key = StoredKey(
            prefix=prefix,
            sha256=digest_of(key).hex(),
            name=name,
            scopes=tuple(dict.fromkeys(scopes)),
            created=now.astimezone(UTC),
            expires=None if expires is None else expires.astimezone(UTC),
        )
        _write(path, [*stored, stored_key])
    return key, stored_key


def revoke_key(path: Path, prefix: str, *, now: datetime) -> StoredKey:
    """Revoke a key. It stays in the file, so that logs can be matched to it and its prefix is never reused.

    Raises:
        UnknownKey: no key has this prefix.
        KeyFileUnusable: the file cannot be read or written.
    """
    with _locked(path):
        stored = {key.prefix: key for key in read_keys(path)}
        if prefix not in stored:
            raise UnknownKey(prefix)
        if stored[prefix].revoked is None:
            stored[prefix] = stored[prefix].model_copy(update={"revoked": now.astimezone(UTC)})
            _write(path, list(stored.values()))
        return stored[prefix]


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Lock out other commands while writing; locks the folder itself, so that no lock file is left behind."""
    try:
        folder = os.open(path.resolve().parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise KeyFileUnusable(f"{path}: its folder cannot be opened: {error.strerror}") from error
    try:
        deadline = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise KeyFileUnusable(f"{path} is locked by another command") from error
                time.sleep(0.02)
        yield
    finally:
        os.close(folder)


def _write(path: Path, keys: Sequence[StoredKey]) -> None:
    """Replace the file atomically, keeping its owner and mode."""
    target = path.resolve()
    content = _KeyDocument(keys=tuple(keys)).model_dump_json(indent=2).encode() + b"\n"
    try:
        previous = target.stat() if target.exists() else None
        write_atomically(
            target,
            content,
            mode=OWNER_ONLY if previous is None else stat.S_IMODE(previous.st_mode),
            owner=None if previous is None else _foreign_owner(previous),
        )
    except OSError as error:
        raise KeyFileUnusable(f"{path} cannot be written: {error.strerror}") from error


def _foreign_owner(status: os.stat_result) -> tuple[int, int] | None:
    """Return user and group of a file; None if they are those of this process."""
    owner = status.st_uid, status.st_gid
    return None if owner == (os.geteuid(), os.getegid()) else owner
