"""The key file, and the keyring that reloads it."""

import asyncio
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from factories import new_key
from fakes import FakeClock
from housing_price_orchestrator.provider.access.key_file import (
    MAX_FILE_BYTES,
    KeyFileUnusable,
    UnknownKey,
    create_key,
    read_keys,
    revoke_key,
)
from housing_price_orchestrator.provider.access.keyring import Keyring
from housing_price_orchestrator.shared.access import Caller

NOW = datetime.now(UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


def prefix_of(key: str) -> str:
    return key.split("_")[1]


def test_a_key_has_256_random_bits_and_the_file_holds_none_of_them(path: Path) -> None:
    keys = [new_key(path) for _ in range(20)]
    secrets = {key.split("_")[2] for key in keys}
    assert len(secrets) == 20
    assert all(len(bytes.fromhex(secret)) == 32 for secret in secrets)
    kept = path.read_text(encoding="utf-8")
    assert all(secret not in kept and secret[:16] not in kept for secret in secrets)


def test_only_its_owner_can_read_a_new_file(path: Path) -> None:
    new_key(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_rewriting_keeps_the_owner_and_mode_of_the_file(path: Path) -> None:
    new_key(path)
    path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(path, 1234, 4321)
    before = path.stat()
    new_key(path)
    after = path.stat()
    assert (before.st_mode, before.st_uid, before.st_gid) == (after.st_mode, after.st_uid, after.st_gid)
    assert before.st_ino != after.st_ino


def test_writing_leaves_no_temporary_files(path: Path) -> None:
    for _ in range(3):
        new_key(path)
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_writing_through_a_link_keeps_the_link(path: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    real = tmp_path / "there" / "real.json"
    path.symlink_to(real)
    new_key(path)
    assert path.is_symlink()
    assert len(read_keys(real)) == 1


def test_no_key_is_lost_when_many_commands_write_at_once(path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _: new_key(path), range(40)))
    assert {key.prefix for key in read_keys(path)} == {prefix_of(key) for key in keys}


def test_a_reader_never_sees_a_partial_file(path: Path) -> None:
    new_key(path)
    program = "import sys, pathlib, factories\nfor _ in range(60): factories.new_key(pathlib.Path(sys.argv[1]))"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen([sys.executable, "-c", program, str(path)], env=environment) as writer:
        seen = set()
        while writer.poll() is None:
            seen.add(len(read_keys(path)))
    assert writer.returncode == 0
    assert len(read_keys(path)) == 61
    assert seen


def test_a_revoked_key_stays_in_the_file_with_its_date(path: Path) -> None:
    prefix = prefix_of(new_key(path))
    first = revoke_key(path, prefix, now=NOW)
    again = revoke_key(path, prefix, now=NOW + timedelta(days=1))
    assert first == again == read_keys(path)[0]
    assert first.revoked == NOW


def test_revoking_an_unknown_key_fails(path: Path) -> None:
    new_key(path)
    with pytest.raises(UnknownKey):
        revoke_key(path, "00000000", now=NOW)


def stored(**changes: object) -> dict[str, object]:
    created = "2026-01-01T00:00:00Z"
    good = {"prefix": "01234567", "sha256": "a" * 64, "name": "n", "scopes": ["predict"], "created": created}
    return {**good, **changes}


UNUSABLE = {
    "empty": b"",
    "no JSON": b"{",
    "not UTF-8": b'{"version": 1, "keys": "\xff"}',
    "another document": b"[]",
    "another version": b'{"version": 2, "keys": []}',
    "nested without end": b"[" * 100_000,
    "too large": b" " * (MAX_FILE_BYTES + 1),
    **{
        f"{name} is {value!r}": json.dumps({"version": 1, "keys": [stored(**{name: value})]}).encode()
        for name, value in {
            "prefix": "xyz",
            "sha256": "secret",
            "name": "",
            "scopes": [],
            "created": "2026-01-01T00:00:00",
            "expires": "soon",
            "more": 1,
        }.items()
    },
    "an unknown scope": json.dumps({"version": 1, "keys": [stored(scopes=["root"])]}).encode(),
    "two keys of one prefix": json.dumps({"version": 1, "keys": [stored(), stored()]}).encode(),
}


@pytest.mark.parametrize("content", UNUSABLE.values(), ids=UNUSABLE)
def test_the_error_names_a_damaged_file_without_quoting_it(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(KeyFileUnusable, match=str(path)) as refused:
        read_keys(path)
    assert "secret" not in str(refused.value)
    with pytest.raises(KeyFileUnusable):
        new_key(path)
    assert path.read_bytes() == content


def test_a_world_writable_file_is_refused(path: Path) -> None:
    new_key(path)
    path.chmod(0o666)
    with pytest.raises(KeyFileUnusable, match="chmod"):
        read_keys(path)


@pytest.mark.parametrize("place", ["nowhere/keys.json", "."])
def test_the_error_names_a_path_that_cannot_be_a_file(tmp_path: Path, place: str) -> None:
    path = tmp_path / place
    with pytest.raises(KeyFileUnusable, match=str(path)):
        read_keys(path)
    with pytest.raises(KeyFileUnusable, match=str(path)):
        new_key(path)


@pytest.mark.anyio
async def test_the_caller_of_a_key_has_its_prefix_and_scopes(path: Path) -> None:
    key = new_key(path, "jobs", "admin")
    assert await Keyring(path).caller_of(key) == Caller(prefix_of(key), frozenset({"jobs", "admin"}))


@pytest.mark.anyio
async def test_a_key_is_valid_until_the_moment_it_expires(path: Path) -> None:
    key = new_key(path, expires=NOW + timedelta(seconds=60))
    clock = FakeClock()
    keyring = Keyring(path, clock=clock)
    clock.now = NOW.timestamp() + 59.9
    assert await keyring.caller_of(key) is not None
    clock.passes(0.1)
    assert await keyring.caller_of(key) is None


@pytest.mark.anyio
async def test_created_and_revoked_keys_take_effect_after_a_reload(path: Path) -> None:
    first = new_key(path)
    keyring = Keyring(path)
    second = new_key(path)
    assert await keyring.caller_of(second) is None
    await keyring.reload_if_changed()
    assert await keyring.caller_of(second) is not None
    revoke_key(path, prefix_of(first), now=NOW)
    await keyring.reload_if_changed()
    assert await keyring.caller_of(first) is None
    assert await keyring.caller_of(second) is not None


@pytest.mark.parametrize("damage", ["gone", "broken"])
def test_an_unusable_file_keeps_the_last_valid_keys_and_is_logged_once(path: Path, damage: str) -> None:
    structlog.reset_defaults()
    key = new_key(path)
    keyring = Keyring(path)
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(b"{")
    with capture_logs() as logs:
        for _ in range(3):
            asyncio.run(keyring.reload_if_changed())
            assert knows(keyring, key)
    assert [entry["log_level"] for entry in logs] == ["error"]
    assert str(path) in logs[0]["error"]
    # It recovers without a restart.
    path.write_bytes(content)
    revoke_key(path, prefix_of(key), now=NOW)
    asyncio.run(keyring.reload_if_changed())
    assert not knows(keyring, key)


def test_a_file_without_keys_authenticates_nobody(path: Path) -> None:
    path.write_text('{"version": 1, "keys": []}', encoding="utf-8")
    assert not knows(Keyring(path), "hp_00000000_")


@pytest.fixture(scope="module")
def keyring_and_key(tmp_path_factory: pytest.TempPathFactory) -> tuple[Keyring, str]:
    path = tmp_path_factory.mktemp("keys") / "keys.json"
    key, _ = create_key(path, name="one", scopes=["predict"], now=NOW)
    return Keyring(path), key


def knows(keyring: Keyring, credential: str) -> bool:
    """Return whether the keyring accepts a credential; it must answer without waiting."""
    coroutine = keyring.caller_of(credential)
    try:
        coroutine.send(None)
    except StopIteration as answer:
        return answer.value is not None
    raise AssertionError("the keyring waited for something")


@given(text=st.text(st.characters(max_codepoint=127), max_size=200))
def test_random_text_is_never_a_key(keyring_and_key: tuple[Keyring, str], text: str) -> None:
    keyring, key = keyring_and_key
    for credential in (text, f"hp_{text}", f"{key[:12]}{text}", key[: min(len(text), 75)], key + text + "0"):
        assert not knows(keyring, credential)
    assert knows(keyring, key)


@given(at=st.integers(0, 75), character=st.characters(max_codepoint=127))
def test_a_key_with_one_character_changed_is_invalid(
    keyring_and_key: tuple[Keyring, str], at: int, character: str
) -> None:
    keyring, key = keyring_and_key
    assert knows(keyring, key[:at] + character + key[at + 1 :]) == (key[at] == character)
