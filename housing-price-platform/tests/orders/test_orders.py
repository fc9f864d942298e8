"""The orders: what every order accepts and refuses, whoever reads it."""

from datetime import datetime
from typing import Any

import pytest
from pydantic import ValidationError

from housing_price_platform.orders.findings import describe_findings
from housing_price_platform.orders.moves import ORDER_OF_ACTION, Action, Move
from housing_price_platform.orders.training import TrainingOrder


@pytest.mark.parametrize(
    "version", ["0", "007", "01", "-1", "+1", "1.0", "2147483648", "1000000000", "9" * 20, "", "1 ", "\u0663", 2]
)
def test_only_numbers_of_the_registry_are_versions(version: Any) -> None:
    with pytest.raises(ValidationError):
        Move.model_validate({"action": "promote", "version": version})


def test_numbers_of_up_to_nine_digits_are_versions() -> None:
    for version in ("1", "999999999"):
        assert Move.model_validate({"action": "promote", "version": version}).version == version


@pytest.mark.parametrize("share", [0, -0.1, 1e-320, 5e-324, 0.00009, 1.0001, True, "0.5", float("nan"), float("inf")])
@pytest.mark.parametrize(("action", "name"), [("canary", "weight"), ("shadow", "sample")])
def test_a_share_is_at_least_one_bucket_of_houses(action: str, name: str, share: Any) -> None:
    with pytest.raises(ValidationError):
        ORDER_OF_ACTION[Action(action)].model_validate({name: share})
    with pytest.raises(ValidationError):
        Move.model_validate({"action": action, "version": "2", name: share})


def test_whatever_an_order_accepts_is_accepted_as_a_move() -> None:
    bodies: dict[Action, dict[str, Any]] = {Action.CANARY: {"weight": 0.0001, "limits": {"leastRequests": 50.0}}}
    for action, kind in ORDER_OF_ACTION.items():
        order = kind.model_validate(bodies.get(action, {}))
        given = {"action": action.value, "version": "2", "by": "x" * 200, **order.model_dump(mode="json")}
        assert Move.model_validate(given).action is action


@pytest.mark.parametrize(("text", "seed"), [("7", 7), ("7.0", 7), ("7e0", 7), ("2147483647.0", 2**31 - 1)])
def test_a_number_without_a_fraction_is_an_integer(text: str, seed: int) -> None:
    read = TrainingOrder.model_validate_json(f'{{"seed": {text}}}').seed
    assert (read, type(read)) == (seed, int)


@pytest.mark.parametrize(
    ("given", "start", "end"),
    [
        ({}, None, None),
        ({"from": "2026-06-30", "to": "2026-06-30"}, datetime(2026, 6, 30), datetime(2026, 7, 1)),  # noqa: DTZ001 - UTC
        ({"to": "2024-02-28"}, None, datetime(2024, 2, 29)),  # noqa: DTZ001 - UTC
        ({"to": "9998-12-31"}, None, datetime(9999, 1, 1)),  # noqa: DTZ001 - UTC
    ],
)
def test_the_last_day_is_included(given: dict[str, str], start: datetime | None, end: datetime | None) -> None:
    order = TrainingOrder.model_validate({"source": "prediction-log", **given})
    assert (order.start, order.end) == (start, end)


@pytest.mark.parametrize(
    "given",
    [
        {"seed": 2**31},
        {"seed": -1},
        {"seed": 0.5},
        {"seed": 2.0**53},
        {"seed": True},
        {"source": "prediction-log", "from": "2026-07-01", "to": "2026-06-30"},
        {"source": "prediction-log", "to": "9999-01-01"},
        {"source": "prediction-log", "to": "2026-6-30"},
        {"source": "prediction-log", "to": "\u0662026-06-30"},
        {"source": "prediction-log", "data": "x.csv"},
        {"from": "2026-06-30"},
        {"source": "csv"},
        {"source": "csv", "data": "a\0b"},
        {"search": 1},
        [],
        None,
    ],
)
def test_an_invalid_training_order_is_refused(given: Any) -> None:
    with pytest.raises(ValidationError):
        TrainingOrder.model_validate(given)


def test_a_whole_number_may_have_a_point() -> None:
    assert TrainingOrder.model_validate({"seed": 7.0}).seed == 7


def test_findings_name_each_invalid_key_and_never_its_value() -> None:
    with pytest.raises(ValidationError) as caught:
        TrainingOrder.model_validate({"source": "secret-1", "seed": "secret-2"})
    described = describe_findings(caught.value)
    assert described.startswith("source: Input should be")
    assert "; seed: " in described
    assert "secret" not in described
    assert describe_findings(caught.value, max_findings=1) == described.partition("; seed")[0]
    with pytest.raises(ValidationError) as caught:
        TrainingOrder.model_validate("secret")
    assert describe_findings(caught.value, subject="the file").startswith("the file: ")
