"""Reads the settings from environment variables and passes them to worker processes."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from pydantic_settings import SettingsError

from housing_price_orchestrator.settings.base import PREFIX, InvalidSettings, variable_name
from housing_price_orchestrator.settings.telemetry import TracingSettings
from housing_price_orchestrator.settings.tree import Settings
from housing_price_platform.environment.secret_files import (
    FILE_VARIABLES,
    SECRETS,
    UnusableSecretFile,
    read_secret_files,
)
from housing_price_platform.environment.variables import UnknownVariables, check_variables

_PUBLISHED_PORT: Final = f"{PREFIX}PORT"
"""Read by compose.yaml only: the port that Docker publishes."""


def load_settings(*, host: str | None = None, port: int | None = None) -> Settings:
    """Read the environment; `host` and `port` override their variables.

    Raises:
        InvalidSettings: a variable is invalid or unknown; the message names it and says what is expected.
    """
    check_names()
    try:
        # Also sets the variables that only libraries read, such as the keys of object stores.
        read_secret_files(os.environ)
    except UnusableSecretFile as error:
        raise InvalidSettings(str(error)) from error
    overrides = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    try:
        tracing = TracingSettings()
    except ValidationError as error:
        raise _to_invalid_settings(error, "tracing") from error
    try:
        return Settings(server=overrides, tracing=tracing) if overrides else Settings(tracing=tracing)
    except ValidationError as error:
        raise _to_invalid_settings(error) from error
    except SettingsError as error:
        raise InvalidSettings(f"{_variable_in(error)}: not a JSON object") from error


def check_names() -> None:
    """Check that each variable with this service's prefix is a setting.

    Raises:
        InvalidSettings: a variable is unknown; the message names it and the closest setting.
    """
    groups = [group for group in Settings.model_fields if group != "tracing"]
    known = {name for name, _, _ in list_settings()} | {variable_name((group,)) for group in groups} | {_PUBLISHED_PORT}
    known |= set(FILE_VARIABLES)
    try:
        check_variables(os.environ, known, prefixes=(PREFIX,), is_case_sensitive=False)
    except UnknownVariables as error:
        raise InvalidSettings(str(error)) from error


def _to_invalid_settings(error: ValidationError, *group: str) -> InvalidSettings:
    problems = []
    for finding in error.errors(include_url=False, include_input=False):
        message = finding["msg"].removeprefix("Value error, ")
        location = finding["loc"]
        problems.append(f"{variable_name((*group, *location))}: {message}" if location else message)
    return InvalidSettings("\n".join(problems))


def _variable_in(error: SettingsError) -> str:
    """Return the variable of a group whose JSON cannot be parsed. The error itself has no attribute for it."""
    named = re.search(r'field "(\w+)"', str(error))
    return variable_name((named.group(1),)) if named else PREFIX


def pass_to_workers(settings: Settings, *, metrics_folder: Path, grpc_port: int | None) -> None:
    """Set the variables that worker processes, which read the environment again, would otherwise miss."""
    os.environ[variable_name(("metrics", "folder"))] = str(metrics_folder)
    os.environ[variable_name(("server", "host"))] = settings.server.host
    os.environ[variable_name(("server", "port"))] = str(settings.server.port)
    if grpc_port is not None:
        os.environ[variable_name(("grpc", "port"))] = str(grpc_port)


def list_settings() -> Iterator[tuple[str, str, str]]:
    """Yield the variable, the default and the description of each setting."""
    for group, field in Settings.model_fields.items():
        default = field.get_default()
        for name, setting in type(default).model_fields.items():
            variable = variable_name((group, name))
            in_file = f" Or `{variable}_FILE`: a file with the URL." if variable in SECRETS else ""
            yield variable, _as_text(getattr(default, name)), f"{setting.description or ''}{in_file}"


def _as_text(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(str(part).rstrip("/") for part in value)
    return "" if value is None else str(value)
