"""Bodies of any size over real connections."""

from collections.abc import Iterator

import httpx
import pytest

from factories import house_bytes

PREDICT = "/api/v1/price/predict"

MEBIBYTE = b" " * 1024 * 1024


@pytest.mark.parametrize("is_length_known", [True, False])
@pytest.mark.parametrize("mebibytes", [1, 40])
def test_a_body_that_is_too_large_is_answered_and_not_cut_off(
    http: httpx.Client, mebibytes: int, is_length_known: bool
) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(mebibytes):
            yield MEBIBYTE

    body = MEBIBYTE * mebibytes if is_length_known else chunks()
    answer = http.post(PREDICT, content=body)
    assert answer.status_code == 413
    assert answer.json()["limitBytes"] == 64 * 1024
    # The same connection is good for the next request.
    assert http.post(PREDICT, content=house_bytes()).status_code == 200


def test_a_body_in_many_small_pieces_is_read(http: httpx.Client) -> None:
    body = house_bytes()
    answer = http.post(PREDICT, content=iter([body[at : at + 1] for at in range(len(body))]))
    assert answer.status_code == 200
