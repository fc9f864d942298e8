"""`housing-price-orchestrator keys create | list | revoke`: manages the file of API keys.

A running service applies changes within a second.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.box import SIMPLE
from rich.table import Table

from housing_price_orchestrator.cli.exits import exit_on_invalid_settings, exit_with_error
from housing_price_orchestrator.provider.access.key_file import (
    KEY_MARKER,
    MAX_NAME_CHARACTERS,
    PREFIX_DIGITS,
    KeyFileUnusable,
    StoredKey,
    UnknownKey,
    create_key,
    read_keys,
    revoke_key,
)
from housing_price_orchestrator.settings import PREFIX, check_names, load_settings
from housing_price_orchestrator.shared.access import SCOPES
from housing_price_platform.output.console import CleanConsole
from housing_price_platform.output.tables import print_table
from housing_price_platform.output.terminal import echo

app = typer.Typer(no_args_is_help=True, help="Create, list and revoke API keys.")

_VARIABLE: Final = f"{PREFIX}AUTH__KEYS_FILE"

# Typer does not read the options of a `type` alias.
FileOption = Annotated[Path | None, typer.Option("--file", help=f"File of API keys ({_VARIABLE}).")]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Name of the caller that the key is for.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(help=f"Scope of the key: {', '.join(SCOPES)}; repeatable.", show_default="predict"),
    ] = None,
    expires_in_days: Annotated[
        int | None, typer.Option(min=1, max=3650, help="Days until the key expires; without it the key never expires.")
    ] = None,
    file: FileOption = None,
) -> None:
    """Create a key and print it. It cannot be shown again: the file stores only its hash."""
    scopes = [one for one in SCOPES if one in (scope or ["predict"])]
    if unknown := sorted(set(scope or []) - set(SCOPES)):
        exit_with_error(f"unknown scope {', '.join(unknown)}: use {', '.join(SCOPES)}")
    if not 1 <= len(name) <= MAX_NAME_CHARACTERS or not name.isprintable():
        exit_with_error(f"the name must have 1 to {MAX_NAME_CHARACTERS} printable characters")
    now = datetime.now(UTC)
    expires = None if expires_in_days is None else now + timedelta(days=expires_in_days)
    with _exit_on_key_file_error():
        key, stored = create_key(_file(file), name=name, scopes=scopes, now=now, expires=expires)
    typer.echo(key)
    until = "until it is revoked" if stored.expires is None else f"until {stored.expires:%Y-%m-%d %H:%M} UTC"
    typer.echo(
        f"Key with scopes {', '.join(stored.scopes)}, valid {until}. Save it now: it is not shown again.", err=True
    )


@app.command(name="list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    file: FileOption = None,
) -> None:
    """List all keys with their names, scopes, dates and states, but not the keys themselves."""
    with _exit_on_key_file_error():
        keys = read_keys(_file(file))
    now = datetime.now(UTC)
    if as_json:
        shown = [key.model_dump(mode="json", exclude={"sha256"}) | {"state": _state(key, now)} for key in keys]
        typer.echo(json.dumps(shown, indent=2))
        return
    table = Table("key", "name", "scopes", "created", "expires (UTC)", "state", box=SIMPLE)
    for key in keys:
        expires = f"{key.expires:%Y-%m-%d %H:%M}" if key.expires else "never"
        scopes = ", ".join(key.scopes)
        created = f"{key.created:%Y-%m-%d}"
        table.add_row(f"{KEY_MARKER}{key.prefix}", key.name, scopes, created, expires, _state(key, now))
    print_table(CleanConsole(), table)


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(help="The key, or its first characters as shown by `list`.")],
    file: FileOption = None,
) -> None:
    """Revoke a key. The service rejects it within a second."""
    prefix = key.removeprefix(KEY_MARKER)[:PREFIX_DIGITS]
    with _exit_on_key_file_error():
        revoked = revoke_key(_file(file), prefix, now=datetime.now(UTC))
    echo(f"{KEY_MARKER}{revoked.prefix} ({revoked.name}) is revoked.", err=True)


def _state(key: StoredKey, now: datetime) -> str:
    if key.revoked is not None:
        return "revoked"
    return "expired" if key.expires is not None and key.expires <= now else "good"


def _file(given: Path | None) -> Path:
    with exit_on_invalid_settings():
        if given is not None:
            check_names()
            return given
        configured = load_settings().auth.keys_file
    if configured is None:
        exit_with_error(f"no key file: set {_VARIABLE} or pass --file")
    return configured


@contextmanager
def _exit_on_key_file_error() -> Iterator[None]:
    try:
        yield
    except KeyFileUnusable as error:
        exit_with_error(str(error))
    except UnknownKey as error:
        exit_with_error(f"no key begins with {KEY_MARKER}{error}: run `keys list` to see all keys")
