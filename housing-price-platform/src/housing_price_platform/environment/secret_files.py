"""Secrets from files: the variable `NAME_FILE` names a file that contains the value of `NAME`.

Container platforms mount secrets as files, which neither `docker inspect` nor a listing of processes shows. Every
program reads them in the same way, before it reads its settings. Only the standard library is used.
"""

from collections.abc import MutableMapping
from pathlib import Path
from typing import Final

from housing_price_platform.environment.variables import SharedVariable

SUFFIX: Final = "_FILE"

MAX_BYTES: Final = 65_536
"""Maximum size of a file. A secret is shorter; a wrong path may lead to an endless device."""

SECRETS: Final = (
    "ORCHESTRATOR_JOBS__DATABASE_URL",
    "ORCHESTRATOR_PREDICTION_LOG__URL",
    "ORCHESTRATOR_RATE_LIMIT__STORAGE_URL",
    str(SharedVariable.API_KEY),
    str(SharedVariable.JOBS_URL),
    str(SharedVariable.PREDICTION_LOG_URL),
    "MLFLOW_BACKEND_STORE_URI",
    "MLFLOW_TRACKING_USERNAME",
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_TOKEN",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    "PGPASSWORD",
)
"""The variables whose value is a secret, or a URL that may contain a password."""

FILE_VARIABLES: Final = tuple(f"{name}{SUFFIX}" for name in SECRETS)


class UnusableSecretFile(ValueError):
    """A secret cannot be read from its file; the message has a line for each variable, and never a value."""


def read_secret_files(environment: MutableMapping[str, str]) -> None:
    """Replace each `NAME_FILE` by `NAME`, whose value is the content of the file without its trailing line break.

    Child processes inherit the values. An empty variable counts as not set, because compose files pass on variables
    that way. Names are accepted in lower case, as those of settings are.

    Args:
        environment: The environment variables of this process.

    Raises:
        UnusableSecretFile: Both forms of a variable are set, or a file cannot be used. No variable is changed.
    """
    names = {name.upper(): name for name in environment}
    values: dict[str, str] = {}
    problems: list[str] = []
    for secret in SECRETS:
        variable = names.get(f"{secret}{SUFFIX}")
        if variable is None or not environment[variable]:
            continue
        if environment.get(names.get(secret, ""), ""):
            problems.append(f"{variable} and {names[secret]} are both set: set only one of them")
            continue
        try:
            values[secret] = _read_secret(Path(environment[variable]))
        except ValueError as error:
            problems.append(f"{variable}: {error}")
    if problems:
        raise UnusableSecretFile("\n".join(problems))
    for secret in SECRETS:
        if (variable := names.get(f"{secret}{SUFFIX}")) is not None:
            del environment[variable]
        if secret in values:
            # An empty one in lower case would be a second value of the same setting.
            environment.pop(names.get(secret, secret), None)
            environment[secret] = values[secret]


def _read_secret(path: Path) -> str:
    """Return the content of a file.

    Raises:
        ValueError: The file cannot be read, or its content is no secret; the message says why.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: the path contains a null character
        raise ValueError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    if len(content) > MAX_BYTES:
        raise ValueError(f"{path} is larger than {MAX_BYTES} bytes")
    try:
        text = content.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8 text") from None  # the cause contains the secret
    if not text.strip():
        raise ValueError(f"{path} is empty")
    if any(character in text for character in "\r\n\0"):
        raise ValueError(f"{path} must contain a single line of text")
    return text
