"""Removes invalid values of OpenTelemetry's environment variables, which a cluster sets for all its programs.

OpenTelemetry's specification asks that an invalid value is ignored with a warning, as if it were not set. The Python
packages raise instead, some of them when they are imported: MLflow imports them too. So every program calls
`ignore_invalid` before it imports one of them. Only the standard library is used.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

SAMPLERS: Final = tuple(
    prefix + name for prefix in ("", "parentbased_") for name in ("always_on", "always_off", "traceidratio")
)
PROTOCOLS: Final = ("grpc", "http/protobuf")
EXPORTERS: Final = ("otlp", "none")
_EXPORTER: Final = "OTEL_TRACES_EXPORTER"
_DISABLED: Final = "OTEL_SDK_DISABLED"
_QUEUE, _BATCH = "OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"
_DEFAULT_QUEUE, _DEFAULT_BATCH = 2048, 512

_PAIR: Final = re.compile(r"\s*[\w!#$%&'*+.^`|~/-]+\s*=[^,]*")
_HOST_AND_PORT: Final = re.compile(r"[A-Za-z0-9_.-]+:[0-9]{1,5}|\[[0-9A-Fa-f:.]+\]:[0-9]{1,5}")

type Rule = tuple[str, Callable[[str], bool]]
"""The description of valid values, and the check of a value."""


def _is_number(text: str, least: float, most: float = math.inf) -> bool:
    try:
        return least <= float(text) <= most and math.isfinite(float(text))
    except ValueError:
        return False


def _is_integer(text: str, least: int) -> bool:
    return re.fullmatch(r"\s*[0-9]{1,18}\s*", text, re.ASCII) is not None and int(text) >= least


def _are_pairs(text: str) -> bool:
    return all(_PAIR.fullmatch(pair) for pair in text.split(",") if pair.strip())


def _is_url(text: str) -> bool:
    try:
        url = urlsplit(text)
        return url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:
        return False


def _is_file(text: str) -> bool:
    return Path(text).is_file()


def _one_of(*names: str) -> Rule:
    return f"one of {', '.join(names)}", lambda text: text.strip().lower() in names


def _installed(group: str, *, also: tuple[str, ...] = ()) -> Rule:
    def are_installed(text: str) -> bool:
        names = {one.name for one in entry_points(group=f"opentelemetry_{group}")} | set(also)
        return all(name.strip() in names for name in text.split(","))

    return "names of installed extensions", are_installed


_COUNT: Final[Rule] = "an integer of 0 or more", lambda text: _is_integer(text, 0)
_POSITIVE: Final[Rule] = "an integer of 1 or more", lambda text: _is_integer(text, 1)
_SECONDS: Final[Rule] = "a number above 0", lambda text: _is_number(text, math.ulp(0))
_BOOLEAN: Final[Rule] = _one_of("true", "false")
_PAIRS: Final[Rule] = "name=value, comma-separated", _are_pairs
_FILE: Final[Rule] = "an existing file", _is_file

_SIGNALS: Final = ("OTEL_EXPORTER_OTLP_", "OTEL_EXPORTER_OTLP_TRACES_")
TRANSPORT: Final[Mapping[str, Rule]] = {
    prefix + name: rule
    for prefix in _SIGNALS
    for name, rule in {
        "PROTOCOL": _one_of(*PROTOCOLS),
        "ENDPOINT": ("a URL such as http://collector:4318", _is_url),
        "CERTIFICATE": _FILE,
        "CLIENT_KEY": _FILE,
        "CLIENT_CERTIFICATE": _FILE,
    }.items()
}
"""Variables that tell where traces go: with tracing on, an invalid one is an error."""

_RULES: Final[Mapping[str, Rule]] = {
    **TRANSPORT,
    **{
        prefix + name: rule
        for prefix in _SIGNALS
        for name, rule in {
            "TIMEOUT": _SECONDS,
            "COMPRESSION": _one_of("none", "gzip", "deflate"),
            "HEADERS": _PAIRS,
            "INSECURE": _BOOLEAN,
        }.items()
    },
    **{f"OTEL_BSP_{name}": _POSITIVE for name in ("SCHEDULE_DELAY", "EXPORT_TIMEOUT")},
    **dict.fromkeys((_QUEUE, _BATCH), _POSITIVE),
    **{
        f"OTEL_{name}_LIMIT": _COUNT
        for name in (
            *("ATTRIBUTE_COUNT", "ATTRIBUTE_VALUE_LENGTH", "EVENT_ATTRIBUTE_COUNT", "LINK_ATTRIBUTE_COUNT"),
            *("SPAN_ATTRIBUTE_COUNT", "SPAN_ATTRIBUTE_VALUE_LENGTH", "SPAN_EVENT_COUNT", "SPAN_LINK_COUNT"),
            *("LOGRECORD_ATTRIBUTE_COUNT", "LOGRECORD_ATTRIBUTE_VALUE_LENGTH"),
        )
    },
    _DISABLED: _BOOLEAN,
    "OTEL_TRACES_SAMPLER": _one_of(*SAMPLERS),
    "OTEL_TRACES_SAMPLER_ARG": ("a number from 0 to 1", lambda text: _is_number(text, 0, 1)),
    "OTEL_RESOURCE_ATTRIBUTES": _PAIRS,
    "OTEL_PROPAGATORS": _installed("propagator", also=("none",)),
    "OTEL_PYTHON_CONTEXT": _installed("context"),
    "OTEL_PYTHON_TRACER_PROVIDER": _installed("tracer_provider"),
    "OTEL_PYTHON_METER_PROVIDER": _installed("meter_provider"),
    "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": _installed("resource_detector", also=("*",)),
}


def ignore_invalid(environment: MutableMapping[str, str], *, with_transport: bool = True) -> list[str]:
    """Remove the variables with invalid values; returns a warning for each, without its value.

    Args:
        environment: The environment variables of this process, which its children inherit.
        with_transport: Whether to remove also an invalid one of `TRANSPORT` while tracing is on.
    """
    for name in _RULES.keys() & environment.keys():
        if not environment[name].strip():
            del environment[name]  # empty means not set, but some packages do not know this
    warnings = [*_ignore_other_exporters(environment)]
    for name, wanted in sorted(find_invalid(environment).items()):
        if with_transport or name not in TRANSPORT or not is_tracing(environment):
            del environment[name]
            warnings.append(f"{name} is ignored: it must be {wanted}")
    return warnings


def find_invalid(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables with invalid values, each with what it must be."""
    found = {
        name: wanted
        for name, (wanted, is_valid) in _RULES.items()
        if name in environment and not is_valid(environment[name]) and not _is_grpc_target(environment, name)
    }
    if not {_QUEUE, _BATCH} & found.keys():
        queue, batch = int(environment.get(_QUEUE, _DEFAULT_QUEUE)), int(environment.get(_BATCH, _DEFAULT_BATCH))
        if batch > queue:
            smaller = (
                f"such that the batch ({_BATCH}, {_DEFAULT_BATCH}) fits into the queue ({_QUEUE}, {_DEFAULT_QUEUE})"
            )
            found |= {name: smaller for name in (_QUEUE, _BATCH) if name in environment}
    return found


def is_tracing(environment: Mapping[str, str]) -> bool:
    """Return whether the variables turn tracing on: a collector is set, and nothing turns it off."""
    is_off = environment.get(_DISABLED, "").strip().lower() == "true" or "otlp" not in _exporters(environment)
    return not is_off and any(environment.get(f"{prefix}ENDPOINT", "").strip() for prefix in _SIGNALS)


def protocol_of(environment: Mapping[str, str]) -> str:
    """Return the protocol for traces."""
    names = (f"{prefix}PROTOCOL" for prefix in reversed(_SIGNALS))
    return next((environment[name] for name in names if environment.get(name)), "http/protobuf").strip().lower()


def _is_grpc_target(environment: Mapping[str, str], name: str) -> bool:
    """Return whether this is an endpoint without a scheme, which only gRPC understands."""
    is_endpoint = name.endswith("_ENDPOINT") and _HOST_AND_PORT.fullmatch(environment[name]) is not None
    return is_endpoint and protocol_of(environment) == "grpc"


def _exporters(environment: Mapping[str, str]) -> list[str]:
    return [name.strip().lower() for name in environment.get(_EXPORTER, "otlp").split(",")]


def _ignore_other_exporters(environment: MutableMapping[str, str]) -> Iterator[str]:
    """Without the unknown ones, traces go where they were meant to go, or nowhere."""
    if _EXPORTER in environment and not environment[_EXPORTER].strip():
        del environment[_EXPORTER]
    exporters = _exporters(environment)
    if not set(exporters) <= set(EXPORTERS):
        environment[_EXPORTER] = "otlp" if "otlp" in exporters else "none"
        yield f"{_EXPORTER}: exporters other than {' and '.join(EXPORTERS)} are ignored"
