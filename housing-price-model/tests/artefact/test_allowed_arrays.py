"""The allowed contents of a comparables model. Arrays must be plain numbers, whatever their files claim to be."""

import io
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from housing_price_model.artefact.allowed_arrays import MAX_SALES, check_arrays
from housing_price_model.artefact.allowed_contents import check_contents
from housing_price_model.artefact.kinds import ARRAYS, COMPARABLES
from housing_price_model.comparables.pack import SERVED_FILE
from housing_price_model.errors import ArtefactError

# Warnings inside MLflow while the model is saved.
pytestmark = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning:mlflow")

ROWS = 293


@pytest.fixture
def model(comparables_model: Path, tmp_path: Path) -> Path:
    """A copy of a comparables model that the test may change."""
    shutil.copytree(comparables_model, tmp_path / "model")
    return tmp_path / "model"


def saved(array: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def replaced(name: str, content: bytes | Callable[[bytes], bytes]) -> Callable[[Path], None]:
    """Replace the file of an array, or change its bytes."""

    def changed(model: Path) -> None:
        path = model / ARRAYS[name]
        path.write_bytes(content if isinstance(content, bytes) else content(path.read_bytes()))

    return changed


def with_header(text: str, length: int | None = None) -> bytes:
    """Return an array file of format 1.0 with a header of this text and no data."""
    header = text.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + (length or len(header)).to_bytes(2, "little") + header


def version_2(content: bytes) -> bytes:
    length = int.from_bytes(content[8:10], "little")
    return content[:6] + b"\x02\x00" + length.to_bytes(4, "little") + content[10:]


def compressed(array: Any) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, array)
    return file.getvalue()


def change_paths(model: Path, **paths: str) -> None:
    document = yaml.safe_load((model / "MLmodel").read_text())
    document["flavors"]["python_function"]["artifacts"].update({name: {"path": path} for name, path in paths.items()})
    (model / "MLmodel").write_text(yaml.safe_dump(document))


NUMBERS = np.ones(ROWS)
NOT_PLAIN = "not an array of plain numbers"
HEADER = "{'descr': '<f8', 'fortran_order': False, 'shape': (%s,), }"

FORBIDDEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "an array of objects": (replaced("prices", saved(np.array([None] * ROWS), allow_pickle=True)), NOT_PLAIN),
    "a pickle": (replaced("prices", pickle.dumps(NUMBERS)), NOT_PLAIN),
    "a compressed archive": (replaced("prices", compressed(NUMBERS)), NOT_PLAIN),
    "an empty file": (replaced("prices", b""), NOT_PLAIN),
    "a header alone": (replaced("prices", with_header(HEADER % ROWS)), "another size than its header says"),
    "a structured type": (replaced("prices", saved(np.zeros(ROWS, dtype=[("a", "<f8")]))), NOT_PLAIN),
    "a type of several fields": (
        replaced("prices", with_header("{'descr': [('a', '|O')], 'shape': (1,), }")),
        NOT_PLAIN,
    ),
    "numbers with the other byte order": (replaced("prices", saved(NUMBERS.astype(">f8"))), NOT_PLAIN),
    "numbers of another size": (replaced("prices", saved(NUMBERS.astype("<f4"))), "not of type <f8"),
    "integers instead of prices": (replaced("prices", saved(NUMBERS.astype("<i8"))), "not of type <f8"),
    "times": (replaced("prices", saved(NUMBERS.astype("<M8[s]"))), NOT_PLAIN),
    "text": (replaced("pids", saved(np.array(["a"] * ROWS))), r"not of type \|S"),
    "wide text": (replaced("pids", saved(np.array([b"a" * 129] * ROWS))), "larger than"),
    "two dimensions": (replaced("prices", saved(NUMBERS[:, np.newaxis])), "with 1 dimension"),
    "one dimension": (replaced("numbers", saved(NUMBERS)), "with 2 dimension"),
    "three dimensions": (replaced("numbers", saved(NUMBERS[:, np.newaxis, np.newaxis])), NOT_PLAIN),
    "no dimension": (replaced("prices", saved(np.float64(1.0))), NOT_PLAIN),
    "columns before rows": (replaced("numbers", saved(np.asfortranarray(np.ones((ROWS, 2))))), NOT_PLAIN),
    "a later format": (replaced("prices", version_2), NOT_PLAIN),
    "no sales": (replaced("prices", saved(np.empty(0))), NOT_PLAIN),
    "fewer sales than the other arrays": (replaced("prices", saved(NUMBERS[:-1])), "different lengths: .*prices 292"),
    "bytes behind the data": (replaced("prices", lambda content: content + b"\0"), "another size"),
    "missing data": (replaced("prices", lambda content: content[:-1]), "another size"),
    "more sales than memory": (replaced("prices", with_header(HEADER % (10**9 - 1))), "larger than 1,000,000 sales"),
    "more digits than a number": (replaced("prices", with_header(HEADER % ("9" * 400))), NOT_PLAIN),
    "many columns": (replaced("numbers", with_header(HEADER.replace("%s,", "1, 1001"))), "larger than"),
    "a long header": (replaced("prices", with_header(HEADER % ROWS + " " * 2000)), NOT_PLAIN),
    "a wrong length of the header": (replaced("prices", with_header(HEADER % ROWS, 40)), NOT_PLAIN),
    "an expression in the header": (replaced("prices", with_header(HEADER % "__import__('os').abort()")), NOT_PLAIN),
    "a missing array": (lambda model: (model / ARRAYS["ids"]).unlink(), r"artifacts/ids\.npy is missing"),
    "another array": (
        lambda model: (model / "artifacts" / "more.npy").write_bytes(saved(NUMBERS)),
        r"artifacts/more\.npy is not an allowed file",
    ),
    "a graph": (lambda model: (model / "artifacts" / "graph.onnx").touch(), r"graph\.onnx is not an allowed file"),
    "a joblib": (lambda model: (model / "artifacts" / "x.joblib").touch(), r"x\.joblib is not an allowed file"),
    "the code of a price model": (lambda model: (model / "served.py").touch(), r"graph\.onnx is missing"),
    "no specification": (lambda model: (model / "artifacts" / "spec.json").unlink(), r"spec\.json is missing"),
    "other code": (
        lambda model: (model / COMPARABLES.code).write_bytes(SERVED_FILE.read_bytes() + b"\n"),
        r"served_comparables\.py is not code of this package",
    ),
    "swapped arrays": (lambda model: change_paths(model, prices=ARRAYS["ids"]), "are not artifacts/categories"),
    "an array elsewhere": (lambda model: change_paths(model, prices="../prices.npy"), "are not artifacts/categories"),
    "a file outside": (lambda model: change_paths(model, more="../../etc/passwd"), r"refers to the file \.\./\.\./etc"),
}


@pytest.mark.parametrize("kind", FORBIDDEN)
def test_forbidden_content_is_rejected_and_named(model: Path, kind: str) -> None:
    change, message = FORBIDDEN[kind]
    assert check_contents(model) is COMPARABLES
    change(model)
    with pytest.raises(ArtefactError, match=message):
        check_contents(model)


def test_arrays_of_every_allowed_size_are_accepted(model: Path) -> None:
    for rows in (1, 9, 10, 99_999):
        contents = {
            "categories": np.zeros((rows, 44), dtype=np.int8),
            "numbers": np.zeros((rows, 1)),
            "prices": np.zeros(rows),
            "ids": np.zeros(rows, dtype=np.int64),
            "pids": np.array([b"a" * 128] * rows),
        }
        for name, array in contents.items():
            (model / ARRAYS[name]).write_bytes(saved(array))
        check_arrays(model)


def test_limit_of_sales_is_exact(model: Path) -> None:
    for rows, message in ((MAX_SALES, "different lengths"), (MAX_SALES + 1, "larger than")):
        (model / ARRAYS["categories"]).write_bytes(saved(np.zeros((rows, 1), dtype=np.int8)))
        with pytest.raises(ArtefactError, match=message):
            check_arrays(model)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_damaged_array_is_rejected_or_still_the_array_of_plain_numbers(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    model = tmp_path_factory.mktemp("model", numbered=True)
    (model / "artifacts").mkdir()
    arrays: dict[str, npt.NDArray[Any]] = {
        "categories": np.zeros((3, 2), dtype=np.int8),
        "numbers": np.zeros((3, 2)),
        "prices": np.zeros(3),
        "ids": np.zeros(3, dtype=np.int64),
        "pids": np.array([b"526301100"] * 3),
    }
    for name, array in arrays.items():
        (model / ARRAYS[name]).write_bytes(saved(array))
    name = data.draw(st.sampled_from(list(arrays)))
    content = bytearray((model / ARRAYS[name]).read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, min(len(content), 90) - 1))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    (model / ARRAYS[name]).write_bytes(content)
    try:
        check_arrays(model)
    except ArtefactError:
        return
    read = np.load(model / ARRAYS[name], allow_pickle=False)
    assert read.shape[0] == 3
    assert read.dtype.kind == arrays[name].dtype.kind
