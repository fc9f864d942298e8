"""Runs the generators. Each makes a folder, which replaces the earlier one only when it is complete."""

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from client_tools.collection import COLLECTION_NAME, complete
from client_tools.documents import api_document, for_clients, for_python
from client_tools.tools import NODE_PROGRAMS, PYTHON_PROGRAMS, TOOLS, ToolError, run

PYTHON: Final = "python"
TYPESCRIPT: Final = "typescript"
POSTMAN: Final = "postman"

type Write = Callable[[Mapping[str, Any], Path], None]


def generate(to: Path) -> list[Path]:
    """Write the clients and the collection into folders of `to`, and return those folders.

    Raises:
        ToolError: A generator failed, or left something out.
    """
    try:
        document = api_document()
        return [_replaced(to / name, document, write) for name, write in _GENERATORS.items()]
    except OSError as error:
        raise ToolError(f"{error.filename}: {error.strerror}") from error


def _replaced(folder: Path, document: Mapping[str, Any], write: Write) -> Path:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
        made = Path(temporary) / folder.name
        write(document, made)
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)
    return folder


def _write_python(document: Mapping[str, Any], folder: Path) -> None:
    run(
        str(PYTHON_PROGRAMS / "openapi-python-client"),
        "generate",
        *("--path", str(_written(for_python(document), folder))),
        *("--config", str(TOOLS / "openapi-python-client.yaml")),
        *("--output-path", str(folder)),
        *("--meta", "uv"),
        # A warning says that an operation was left out.
        "--fail-on-warning",
    )


def _write_typescript(document: Mapping[str, Any], folder: Path) -> None:
    folder.mkdir()
    templates = TOOLS / TYPESCRIPT
    for name in ("package.json", "tsconfig.json"):
        shutil.copyfile(templates / name, folder / name)
    printed = run(
        str(NODE_PROGRAMS / "openapi-ts"),
        *("--file", str(templates / "openapi-ts.config.mjs")),
        "--no-log-file",
        also={
            "CLIENT_DOCUMENT": str(_written(for_clients(document), folder)),
            "CLIENT_OUTPUT": str(folder / "src"),
        },
    )
    if "warn" in printed.lower():
        raise ToolError(f"openapi-ts warned: {' '.join(printed.split())}")
    run(str(NODE_PROGRAMS / "tsc"), "--project", str(folder))


def _write_postman(document: Mapping[str, Any], folder: Path) -> None:
    folder.mkdir()
    made = folder / COLLECTION_NAME
    described = for_clients(document)
    options = "folderStrategy=Tags,parametersResolution=Example,enableOptionalParameters=false"
    source = _written(described, folder)
    run(str(NODE_PROGRAMS / "openapi2postmanv2"), "--spec", str(source), "--output", str(made), "--options", options)
    collection = complete(json.loads(made.read_text(encoding="utf-8")), described)
    made.write_text(json.dumps(collection, indent=2) + "\n", encoding="utf-8")


def _written(document: Mapping[str, Any], folder: Path) -> Path:
    """Write a document beside the folder of its client, so that the client is complete without it."""
    path = folder.parent / "openapi.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


_GENERATORS: Final[Mapping[str, Write]] = {
    PYTHON: _write_python,
    TYPESCRIPT: _write_typescript,
    POSTMAN: _write_postman,
}
