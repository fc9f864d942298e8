"""The commands that create, list and revoke keys."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from housing_price_orchestrator.cli.main import app
from housing_price_orchestrator.provider.access.key_file import read_keys
from housing_price_orchestrator.provider.access.keyring import Keyring


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that the configuration names."""
    file = tmp_path / "keys.json"
    monkeypatch.setenv("ORCHESTRATOR_AUTH__KEYS_FILE", str(file))
    return file


def keys(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["keys", *arguments])


@pytest.mark.anyio
async def test_create_prints_only_the_key_and_the_key_works(path: Path) -> None:
    result = keys("create", "the web shop", "--scope", "predict", "--scope", "jobs")
    assert result.exit_code == 0
    key = result.stdout.removesuffix("\n")
    caller = await Keyring(path).caller_of(key)
    assert caller is not None
    assert caller.scopes == {"predict", "jobs"}
    assert key not in result.stderr


def test_the_default_scope_is_predict(path: Path) -> None:
    keys("create", "x")
    assert read_keys(path)[0].scopes == ("predict",)


def test_a_key_can_expire(path: Path) -> None:
    keys("create", "x", "--expires-in-days", "30")
    (key,) = read_keys(path)
    assert key.expires is not None
    assert (key.expires - key.created).days == 30


def test_list_shows_each_key_but_not_its_secret(path: Path) -> None:
    made = [keys("create", name, "--scope", "admin").stdout.strip() for name in ("first", "second")]
    keys("revoke", made[0][:11])
    (first, second) = json.loads(keys("list", "--json").stdout)
    assert (first["name"], first["state"]) == ("first", "revoked")
    assert (second["name"], second["state"], second["scopes"]) == ("second", "good", ["admin"])
    table = keys("list")
    assert table.exit_code == 0
    assert all(word in table.stdout for word in ("first", "second", "revoked", made[0][:11], made[1][:11]))
    for key, kept in zip(made, read_keys(path), strict=True):
        assert key not in table.stdout
        assert kept.sha256 not in table.stdout
        assert "sha256" not in first


def test_a_list_in_a_pipe_is_plain_lines_with_nothing_cut_off(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    name = "a caller with a name that is much longer than a line of twenty characters"
    key = keys("create", name, "--scope", "predict", "--scope", "jobs", "--expires-in-days", "30").stdout.strip()
    (stored,) = read_keys(path)
    header, line = keys("list").stdout.splitlines()
    assert header.split("\t") == ["key", "name", "scopes", "created", "expires (UTC)", "state"]
    expires = f"{stored.expires:%Y-%m-%d %H:%M}"
    assert line.split("\t") == [key[:11], name, "predict, jobs", f"{stored.created:%Y-%m-%d}", expires, "good"]


def test_revoke_takes_a_prefix_or_the_whole_key(path: Path) -> None:
    for part in (slice(11), slice(3, 11), slice(None)):
        key = keys("create", "x").stdout.strip()
        assert keys("revoke", key[part]).exit_code == 0
        assert read_keys(path)[-1].revoked is not None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["create", ""], "1 to 100"),
        (["create", "x" * 101], "1 to 100"),
        (["create", "a\nb"], "printable"),
        (["create", "x", "--scope", "root"], "predict, jobs, admin"),
        (["create", "x", "--expires-in-days", "0"], "expires-in-days"),
        (["revoke", "hp_00000000"], "keys list"),
        (["list", "--file", "/nowhere/keys.json"], "/nowhere/keys.json"),
        (["create", "x", "--file", "/nowhere/keys.json"], "/nowhere/keys.json"),
    ],
)
def test_an_error_is_one_message_without_a_traceback(path: Path, arguments: list[str], said: str) -> None:
    keys("create", "first")
    result = keys(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.output
    assert len(read_keys(path)) == 1


def test_without_a_key_file_the_error_names_the_variable() -> None:
    result = keys("list")
    assert result.exit_code == 2
    assert "ORCHESTRATOR_AUTH__KEYS_FILE" in result.stderr


def test_serve_without_its_key_file_says_how_to_create_it(path: Path) -> None:
    result = CliRunner().invoke(app, ["serve"])
    assert result.exit_code == 2
    assert "ORCHESTRATOR_AUTH__KEYS_FILE" in result.stderr
    assert "keys create" in result.stderr
    assert not path.exists()
