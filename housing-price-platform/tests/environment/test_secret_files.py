from pathlib import Path

import pytest

from housing_price_platform.environment.secret_files import (
    FILE_VARIABLES,
    MAX_BYTES,
    SECRETS,
    UnusableSecretFile,
    read_secret_files,
)

NAME = "ORCHESTRATOR_JOBS__DATABASE_URL"
URL = "postgresql://me:hunter2@db/jobs"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text(f"{URL}\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("secret", SECRETS)
def test_every_secret_can_come_from_a_file(secret: str, file: Path) -> None:
    environment = {f"{secret}_FILE": str(file), "PATH": "/bin"}
    read_secret_files(environment)
    assert environment == {secret: URL, "PATH": "/bin"}
    read_secret_files(environment)
    assert environment == {secret: URL, "PATH": "/bin"}


@pytest.mark.parametrize("ending", ["", "\n", "\r\n", "\n\n"])
def test_the_line_break_at_the_end_is_no_part_of_the_secret(ending: str, file: Path) -> None:
    file.write_bytes(f" {URL} {ending}".encode())
    environment = {f"{NAME}_FILE": str(file)}
    read_secret_files(environment)
    assert environment == {NAME: f" {URL} "}


def test_empty_variables_count_as_not_set(file: Path) -> None:
    environment = {f"{NAME}_FILE": str(file), NAME: "", "PGPASSWORD_FILE": "", "PGPASSWORD": "x"}
    read_secret_files(environment)
    assert environment == {NAME: URL, "PGPASSWORD": "x"}


def test_names_may_be_in_lower_case_as_those_of_settings(file: Path) -> None:
    environment = {f"{NAME}_FILE".lower(): str(file), NAME.lower(): ""}
    read_secret_files(environment)
    assert environment == {NAME: URL}


def test_a_link_to_the_file_is_followed_as_kubernetes_mounts_secrets(file: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(file)
    environment = {f"{NAME}_FILE": str(tmp_path / "link")}
    read_secret_files(environment)
    assert environment == {NAME: URL}


def refusal(environment: dict[str, str]) -> str:
    before = dict(environment)
    with pytest.raises(UnusableSecretFile) as refused:
        read_secret_files(environment)
    assert environment == before
    assert "hunter2" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize("name", [NAME, NAME.lower()])
def test_a_variable_and_its_file_contradict_each_other(name: str, file: Path) -> None:
    message = refusal({f"{NAME}_FILE": str(file), name: "sqlite:///hunter2.db"})
    assert message == f"{NAME}_FILE and {name} are both set: set only one of them"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "is empty"),
        (b"\n \r\n", "is empty"),
        (b"hunter2\nhunter2\n", "must contain a single line of text"),
        (b"hunter2\0", "must contain a single line of text"),
        (b"hunter2\xff", "is not UTF-8 text"),
        (b"hunter2" * MAX_BYTES, f"is larger than {MAX_BYTES} bytes"),
    ],
)
def test_a_file_with_unusable_content_is_refused(content: bytes, fault: str, file: Path) -> None:
    file.write_bytes(content)
    assert refusal({f"{NAME}_FILE": str(file)}) == f"{NAME}_FILE: {file} {fault}"


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    missing = refusal({f"{NAME}_FILE": str(tmp_path / "none")})
    assert missing == f"{NAME}_FILE: cannot read {tmp_path / 'none'}: No such file or directory"
    assert "Is a directory" in refusal({f"{NAME}_FILE": str(tmp_path)})
    assert "null" in refusal({f"{NAME}_FILE": "a\0b"})


def test_each_problem_has_a_line(tmp_path: Path) -> None:
    lines = refusal({f"{NAME}_FILE": str(tmp_path), "PGPASSWORD_FILE": str(tmp_path / "none")}).splitlines()
    assert [line.partition(":")[0] for line in lines] == [f"{NAME}_FILE", "PGPASSWORD_FILE"]


def test_no_secret_has_the_name_of_the_file_of_another() -> None:
    assert not set(SECRETS) & set(FILE_VARIABLES)
