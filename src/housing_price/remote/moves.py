"""The commands of `housing-price models` that change the state of a version, as jobs of the API."""

from typing import Annotated, Any

import typer

from housing_price.remote.api import DEFAULT_URL, Api, Url, fail
from housing_price.remote.outcomes import end_with_outcome
from housing_price_platform.orders.moves import ServedModel
from housing_price_platform.output.terminal import echo

app = typer.Typer()

# Plain assignments: typer ignores aliases made by a `type` statement.
Version = Annotated[str, typer.Argument(help="Number of the version in the registry.")]
Model = Annotated[ServedModel, typer.Option(help="The registered model.")]
Reason = Annotated[str, typer.Option(help="Reason, stored with the change.")]
Watch = Annotated[bool, typer.Option("--watch", help="Show the progress until the job has finished.")]
Key = Annotated[str | None, typer.Option(help="Makes a retry safe: the same key returns the same job.")]


@app.command()
def promote(
    version: Version,
    *,
    model: Model = ServedModel.PRICE,
    reason: Reason = "",
    watch: Watch = False,
    idempotency_key: Key = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Make a version the champion, by a blue-green deployment."""
    _submit_action(url, version, "promote", {"reason": reason}, idempotency_key, watch=watch, model=model)


@app.command()
def rollback(
    version: Annotated[str | None, typer.Argument(help="Number of the version.", show_default="the champion")] = None,
    *,
    model: Model = ServedModel.PRICE,
    reason: Reason = "",
    watch: Watch = False,
    idempotency_key: Key = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Take a version out of service. Rolling back the champion restores its predecessor."""
    version = version or _served_version(url, model)
    _submit_action(url, version, "rollback", {"reason": reason}, idempotency_key, watch=watch, model=model)


@app.command()
def canary(
    version: Version,
    *,
    weight: Annotated[float, typer.Option(min=0, max=1, help="Share of the houses that the version prices.")],
    reason: Reason = "",
    watch: Watch = False,
    idempotency_key: Key = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Start a canary, a challenger that prices a share of the houses, or change its share."""
    _submit_action(url, version, "canary", {"reason": reason, "weight": weight}, idempotency_key, watch=watch)


@app.command()
def shadow(
    version: Version,
    *,
    sample: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the requests that are copied to the version.")
    ] = 1.0,
    reason: Reason = "",
    watch: Watch = False,
    idempotency_key: Key = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Start a shadow: a challenger prices copies of requests, and its prices are only logged."""
    _submit_action(url, version, "shadow", {"reason": reason, "sample": sample}, idempotency_key, watch=watch)


@app.command()
def abort(
    version: Version,
    *,
    reason: Reason = "",
    watch: Watch = False,
    idempotency_key: Key = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Stop a canary or a shadow."""
    _submit_action(url, version, "abort", {"reason": reason}, idempotency_key, watch=watch)


@app.command()
def archive(
    version: Version,
    *,
    reason: Reason = "",
    watch: Watch = False,
    idempotency_key: Key = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Archive a version that is not in service."""
    _submit_action(url, version, "archive", {"reason": reason}, idempotency_key, watch=watch)


def _served_version(url: str, model: ServedModel) -> str:
    """Return the version of a model that is served as champion."""
    served = Api(url).request("GET", "/models")
    champion = served["champion"] if model is ServedModel.PRICE else served.get(model.value)
    version = (champion or {}).get("version")
    if version is None:
        fail(f"no version of the {model} model is in service. Name the version to roll back.")
    return str(version)


def _submit_action(
    url: str,
    version: str,
    action: str,
    body: dict[str, Any],
    key: str | None,
    *,
    watch: bool,
    model: ServedModel = ServedModel.PRICE,
) -> None:
    api = Api(url)
    headers = {"idempotency-key": key} if key else {}
    versions = "/models" if model is ServedModel.PRICE else f"/models/{model}"
    job = api.request("POST", f"{versions}/{version}/{action}", json=body, headers=headers)
    echo(job["id"])
    if watch:
        end_with_outcome(api, api.follow(job["id"]))
