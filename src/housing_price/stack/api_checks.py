"""Checks that the API of a stack prices houses."""

import asyncio
from typing import Final

import httpx

from housing_price.errors import StackError
from housing_price.processes.ports import Address
from housing_price.stack.api_url import is_open, public_url, url_for_checks
from housing_price.stack.state import EXAMPLE

PREDICT_PATH: Final = "/api/v1/price/predict"
READY_SECONDS: Final = 60
READY_POLL_SECONDS: Final = 0.25
JSON: Final = {"content-type": "application/json"}


async def wait_until_api_prices(client: httpx.AsyncClient, address: Address) -> None:
    """Wait for `/readyz`: the API has then received a prediction from the model server.

    No key is needed, and every host is served there.

    Raises:
        StackError: The API is not ready in time.
    """
    url, last_answer = f"{url_for_checks(address)}/readyz", "none"
    try:
        async with asyncio.timeout(READY_SECONDS):
            while True:
                try:
                    answer = await client.get(url, timeout=READY_SECONDS)
                    if answer.is_success:
                        return
                    last_answer = f"{answer.status_code} {answer.text}"
                except httpx.HTTPError as error:
                    last_answer = repr(error)
                await asyncio.sleep(READY_POLL_SECONDS)
    except TimeoutError as error:
        raise StackError(f"the API was not ready within {READY_SECONDS} s. Last answer: {last_answer}") from error


async def price_example(client: httpx.AsyncClient, address: Address) -> float | None:
    """Return the price of the example house, to be printed; None if the API gives no price without a key."""
    if not is_open():
        return None
    url = f"{public_url(address)}{PREDICT_PATH}"
    try:
        answer = await client.post(url, content=EXAMPLE.read_bytes(), headers=JSON, timeout=READY_SECONDS)
        return float(answer.raise_for_status().json()["predictedPrice"])
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return None
