"""Checks that a model or a model server reproduces the golden answers bit for bit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx

from housing_price_model.errors import VerificationError
from housing_price_model.reference.golden import Golden, read_golden
from housing_price_model.serving.fast_scoring import Rows
from housing_price_model.serving.find_model import open_model

_TIMEOUT_SECONDS: Final = 30


@dataclass(frozen=True)
class Verification:
    """The result of a verification."""

    model: str
    """Name and version of the model whose golden answers were expected."""
    houses: int
    """Number of houses priced."""
    differences: Sequence[str]
    """One line per house whose answer differs; empty if all match."""


def verify(target: str, model: str, tracking_uri: str) -> Verification:
    """Compare the answers of `target` with the golden answers.

    Args:
        target: The URL of a running model server, an exported folder or `models:/...`.
        model: For a URL: the model whose golden answers are expected. Otherwise unused: the target has its own.
        tracking_uri: The tracking server, for `models:/...`.

    Raises:
        ArtefactError, RegistryError: See `open_model`.
        VerificationError: The server is unreachable or its response is invalid.
    """
    is_url = target.startswith(("http://", "https://"))
    with open_model(model if is_url else target, tracking_uri) as checked_model:
        golden = read_golden(checked_model.folder)
        if is_url:
            answers = _request_predictions(target, golden)
        else:
            answers = checked_model.load().predict(Rows(golden.columns, golden.rows)).to_dict("records")
    differences = list(_differences(golden, answers))
    return Verification(f"{checked_model.name} version {checked_model.version}", len(golden.rows), differences)


def _request_predictions(url: str, golden: Golden) -> list[Any]:
    body = {"dataframe_split": {"columns": golden.columns, "data": golden.rows}}
    try:
        response = httpx.post(f"{url.rstrip('/')}/invocations", json=body, timeout=_TIMEOUT_SECONDS)
        if response.status_code != httpx.codes.OK:
            raise VerificationError(f"{url}: status {response.status_code}: {response.text[:300]}")
        predictions = response.json()["predictions"]
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise VerificationError(f"{url}: the model server does not respond ({error})") from error
    except (ValueError, KeyError, TypeError) as error:
        raise VerificationError(f"{url}: the response contains no predictions ({error!r})") from error
    if not isinstance(predictions, list):
        raise VerificationError(f"{url}: the response contains no list of predictions")
    return predictions


def _differences(golden: Golden, answers: Sequence[Any]) -> Iterator[str]:
    if len(answers) != len(golden.rows):
        yield f"got {len(answers)} answers for {len(golden.rows)} houses"
        return
    for number, (expected, actual) in enumerate(zip(golden.answers, answers, strict=True), start=1):
        if actual != expected:
            yield f"house {number}: got {actual}, expected {expected}"
