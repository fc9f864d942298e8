"""Samples of code that call an operation: the files in `samples/`, named after the operations."""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, Final

from housing_price_platform.environment.variables import SharedVariable


@dataclass(frozen=True, slots=True)
class Language:
    """A language of the samples."""

    folder: str
    suffix: str
    syntax: str
    """The name by which ReDoc knows the syntax."""
    label: str


LANGUAGES: Final = (
    Language("curl", ".sh", "Shell", "curl"),
    Language("python", ".py", "Python", "Python"),
    Language("javascript", ".mjs", "JavaScript", "JavaScript"),
)
_SAMPLES: Final[Traversable] = resources.files(__package__ or "") / "samples"


def add_code_samples(operations: Iterable[dict[str, Any]], *, with_key: bool) -> None:
    """Add the samples to the operations that have some; the line that sends a key only `with_key`."""
    for operation in operations:
        samples = [
            {"lang": language.syntax, "label": language.label, "source": source}
            for language in LANGUAGES
            if (source := _source(language, operation["operationId"], with_key=with_key))
        ]
        if samples:
            operation["x-codeSamples"] = samples


def _source(language: Language, operation: str, *, with_key: bool) -> str:
    file = _SAMPLES / language.folder / f"{operation}{language.suffix}"
    if not file.is_file():
        return ""
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join(line for line in lines if with_key or SharedVariable.API_KEY not in line)
