"""Reads the settings from environment variables and passes them to worker processes."""

import os
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from housing_price_orchestrator.settings.base import InvalidSettings, variable_name
from housing_price_orchestrator.settings.telemetry import TracingSettings
from housing_price_orchestrator.settings.tree import Settings


def load_settings(*, host: str | None = None, port: int | None = None) -> Settings:
    """Read the environment; `host` and `port` override their variables.

    Raises:
        InvalidSettings: a variable is invalid; the message names it and says what is expected.
    """
    overrides = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    try:
        tracing = TracingSettings()
    except ValidationError as error:
        raise _to_invalid_settings(error, "tracing") from error
    try:
        return Settings(server=overrides, tracing=tracing) if overrides else Settings(tracing=tracing)
    except ValidationError as error:
        raise _to_invalid_settings(error) from error


def _to_invalid_settings(error: ValidationError, *group: str) -> InvalidSettings:
    problems = []
    for finding in error.errors(include_url=False, include_input=False):
        message = finding["msg"].removeprefix("Value error, ")
        location = finding["loc"]
        problems.append(f"{variable_name((*group, *location))}: {message}" if location else message)
    return InvalidSettings("\n".join(problems))


def pass_to_workers(settings: Settings, *, metrics_folder: Path) -> None:
    """Set the variables that worker processes, which read the environment again, would otherwise miss."""
    os.environ[variable_name(("metrics", "folder"))] = str(metrics_folder)
    os.environ[variable_name(("server", "host"))] = settings.server.host
    os.environ[variable_name(("server", "port"))] = str(settings.server.port)


def list_settings() -> Iterator[tuple[str, str, str]]:
    """Yield the variable, the default and the description of each setting."""
    for group, field in Settings.model_fields.items():
        default = field.get_default()
        for name, setting in type(default).model_fields.items():
            yield variable_name((group, name)), _as_text(getattr(default, name)), setting.description or ""


def _as_text(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(str(part).rstrip("/") for part in value)
    return "" if value is None else str(value)
