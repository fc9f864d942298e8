"""Shared by all groups of settings: variable names, types and the base class."""

import ipaddress
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, HttpUrl

PREFIX: Final = "ORCHESTRATOR_"
DELIMITER: Final = "__"

type Seconds = Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)]
type Bytes = Annotated[int, Field(gt=0, le=2**32)]


class InvalidSettings(ValueError):
    """The configuration is invalid; the message names each variable and its problem."""


class Group(BaseModel):
    """One group of settings; the docstring under each field is its description."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def split_at_commas(value: object) -> object:
    """Split a comma-separated text; other values stay as they are, for pydantic to check."""
    return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value


def split_list(value: object) -> object:
    """Split a comma-separated text that may be empty."""
    return () if value == "" else split_at_commas(value)


def variable_name(loc: tuple[int | str, ...]) -> str:
    """Return the environment variable of a setting, given its group and its name; indices in a list are ignored."""
    names = [part.upper() for part in loc if isinstance(part, str)]
    return "OTEL_" + DELIMITER.join(names[1:]) if loc[0] == "tracing" else PREFIX + DELIMITER.join(names)


def without_credentials(address: HttpUrl) -> str:
    """Return an address as users may see it: without user name, password, query and fragment."""
    url = urlsplit(str(address))
    return url._replace(netloc=url.netloc.rpartition("@")[2], query="", fragment="").geturl()


def is_loopback(host: str) -> bool:
    """Return whether `host` is a loopback address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
