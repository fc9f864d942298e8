"""Asks a model, or a running model server, for the golden answers: they must come back to the last bit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx

from housing_price_model.errors import VerificationError
from housing_price_model.reference.golden import Golden, read_golden
from housing_price_model.serving.fast_scoring import Rows
from housing_price_model.serving.find_model import located

_TIMEOUT_SECONDS: Final = 30


@dataclass(frozen=True)
class Verified:
    """What came back.

    Attributes:
        model: The name and version whose golden answers were asked for.
        asked: How many houses.
        differences: What is not as it should be, one line for each house; empty if all is.
    """

    model: str
    asked: int
    differences: Sequence[str]


def verify(target: str, model: str, tracking_uri: str) -> Verified:
    """Compare the answers of `target` with the golden ones.

    Args:
        target: The URL of a running model server, an exported folder or `models:/...`.
        model: For a URL: whose golden answers are expected; otherwise the target's own are.
        tracking_uri: The tracking server, for `models:/...`.

    Raises:
        ArtefactError, RegistryError: see `located`.
        VerificationError: the server gives no usable answer.
    """
    is_url = target.startswith(("http://", "https://"))
    with located(model if is_url else target, tracking_uri) as found:
        golden = read_golden(found.folder)
        if is_url:
            answers = _asked(target, golden)
        else:
            answers = found.load().predict(Rows(golden.columns, golden.rows)).to_dict("records")
    differences = list(_differences(golden, answers))
    return Verified(f"{found.name} version {found.version}", len(golden.rows), differences)


def _asked(url: str, golden: Golden) -> list[Any]:
    body = {"dataframe_split": {"columns": golden.columns, "data": golden.rows}}
    try:
        answer = httpx.post(f"{url.rstrip('/')}/invocations", json=body, timeout=_TIMEOUT_SECONDS)
        if answer.status_code != httpx.codes.OK:
            raise VerificationError(f"{url}: answers {answer.status_code}: {answer.text[:300]}")
        predictions = answer.json()["predictions"]
    except (httpx.HTTPError, httpx.InvalidURL) as exc:
        raise VerificationError(f"{url}: does not answer ({exc})") from exc
    except (ValueError, KeyError, TypeError) as exc:
        raise VerificationError(f"{url}: answers something else than predictions ({exc!r})") from exc
    if not isinstance(predictions, list):
        raise VerificationError(f"{url}: answers something else than a list of predictions")
    return predictions


def _differences(golden: Golden, answers: Sequence[Any]) -> Iterator[str]:
    if len(answers) != len(golden.rows):
        yield f"{len(answers)} answers to {len(golden.rows)} houses"
        return
    for number, (expected, found) in enumerate(zip(golden.answers, answers, strict=True), start=1):
        if found != expected:
            yield f"house {number}: {found}, not {expected}"
