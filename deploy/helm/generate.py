"""Writes what the chart takes from elsewhere: the table of values in its README, the names of settings in its schema.

    python deploy/helm/generate.py

A value is described by the comment `# -- ...` above it in `values.yaml`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from housing_price_orchestrator.settings import list_settings

CHART: Final = Path(__file__).parent / "housing-price"
COMPOSE: Final = Path(__file__).parents[2] / "compose.yaml"
VALUES, SCHEMA, README = CHART / "values.yaml", CHART / "values.schema.json", CHART / "README.md"

START, END = "<!-- values: begin -->", "<!-- values: end -->"

SET_BY_CHART: Final = frozenset(
    f"ORCHESTRATOR_{name}"
    for name in (
        # By the image.
        *("SERVER__HOST", "SERVER__PORT", "METRICS__FOLDER"),
        # By values of their own.
        *("SERVER__STOP_NOTICE_SECONDS", "SERVER__TRUSTED_HOSTS", "TLS__CERT_FILE", "TLS__KEY_FILE", "GRPC__PORT"),
        *("AUTH__REQUIRED", "AUTH__KEYS_FILE", "RATE_LIMIT__REQUESTS", "RATE_LIMIT__REQUESTS_PER_ADDRESS"),
        *("RATE_LIMIT__STORAGE_URL", "PREDICTION_LOG__ENABLED", "PREDICTION_LOG__URL"),
        *("JOBS__DATABASE_URL", "JOBS__FOLDER", "JOBS__STORES"),
        # By the components that the chart runs.
        *("MODEL_SERVER__BASE_URL", "MODEL_SERVER__ROUTES_FILE", "COMPARABLES__BASE_URL", "COMPARABLES__ROUTES_FILE"),
        "DRIFT__FILE",
    )
)
"""Settings that `orchestrator.settings` cannot set."""


@dataclass(frozen=True)
class Value:
    """A described value of the chart."""

    path: str
    default: str
    text: str


def described_values(text: str) -> Iterator[Value]:
    """Yield the values of a `values.yaml` whose comments describe them, in their order."""
    defaults = yaml.safe_load(text)
    parents: list[tuple[int, str]] = []
    comment = ""
    for line in text.splitlines():
        if found := re.fullmatch(r" *# -- (.*)", line):
            comment = found[1]
        elif comment and (found := re.fullmatch(r" *# (.*)", line)):
            comment += f" {found[1]}"
        elif found := re.match(r"( *)([A-Za-z]\w*):", line):
            indent = len(found[1])
            parents = [parent for parent in parents if parent[0] < indent] + [(indent, found[2])]
            if comment:
                path = [name for _, name in parents]
                yield Value(".".join(path), _as_text(_at(defaults, path)), comment)
            comment = ""


def _at(values: Mapping[str, Any], path: list[str]) -> Any:
    value: Any = values
    for name in path:
        value = value[name]
    return value


def _as_text(default: Any) -> str:
    return default if isinstance(default, str) else json.dumps(default)


def values_table(text: str) -> str:
    """Return the Markdown table of the values of a `values.yaml`."""
    lines = ["| value | default | meaning |", "|---|---|---|"]
    for value in described_values(text):
        default = f"`{value.default}`" if value.default else ""
        lines.append(f"| `{value.path}` | {default} | {value.text} |")
    return "\n".join(lines)


def with_table(readme: str, table: str) -> str:
    """Return the README with this table of values."""
    before, _, rest = readme.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n{table}\n{END}{after}"


def settings_of_api() -> list[str]:
    """List the settings of the API that the values may set: all but those that the chart sets, and their files."""
    names = [name for name, _, _ in list_settings()]
    files = {f"{name}_FILE" for name in names}
    return [name for name in names if name not in SET_BY_CHART | files]


def settings_of_worker() -> list[str]:
    """List the settings that the scoring worker reads: those that `compose.yaml` passes on to it."""
    environment = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]["scoring-worker"]["environment"]
    files = {f"{name}_FILE" for name in environment}
    return [name for name in environment if name not in SET_BY_CHART | files]


def with_settings(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema with the names of the settings as they are now."""
    definitions = dict(schema["definitions"])
    for name, settings in (("settings", settings_of_api()), ("workerSettings", settings_of_worker())):
        properties = {setting: {"type": ["string", "number", "boolean"]} for setting in settings}
        definitions[name] = {"type": "object", "additionalProperties": False, "properties": properties}
    return schema | {"definitions": definitions}


def main() -> None:
    """Write both files."""
    readme = with_table(README.read_text(encoding="utf-8"), values_table(VALUES.read_text(encoding="utf-8")))
    README.write_text(readme, encoding="utf-8")
    schema = with_settings(json.loads(SCHEMA.read_text(encoding="utf-8")))
    SCHEMA.write_text(json.dumps(schema, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
