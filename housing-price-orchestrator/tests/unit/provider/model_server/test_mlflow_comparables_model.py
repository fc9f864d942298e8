"""The checks of a comparables server's answers, and what it is asked."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from factories import house, houses
from housing_price_orchestrator.provider.model_server.columns import row_of
from housing_price_orchestrator.provider.model_server.mlflow_client import client_for
from housing_price_orchestrator.provider.model_server.mlflow_comparables_model import MLflowComparablesModel
from housing_price_orchestrator.shared.errors import ComparablesImplausible
from housing_price_orchestrator.shared.ports import ComparablesQuestion, ConfidenceLimits
from housing_price_orchestrator.shared.view.example import EXAMPLE_HOUSE
from housing_price_orchestrator.shared.view.record import house_with_gaps
from housing_price_survey.columns import COLUMNS
from servers import SECRET, StubModelServer, each_sale, finds

pytestmark = pytest.mark.anyio

SECONDS = 10.0


@pytest.fixture
async def model(comparables_stub: StubModelServer) -> AsyncIterator[MLflowComparablesModel]:
    url = comparables_stub.url
    async with client_for(url, timeout_seconds=SECONDS, connect_timeout_seconds=SECONDS, connections=4) as client:
        yield MLflowComparablesModel(client, model_name="housing-comparables")


async def test_the_server_is_asked_for_the_sales_of_a_whole_house(
    model: MLflowComparablesModel, comparables_stub: StubModelServer
) -> None:
    await model.answer([ComparablesQuestion(house())])
    (call,) = comparables_stub.calls
    assert json.loads(call.body) == {
        "dataframe_split": {"columns": list(COLUMNS), "data": [list(row_of(house()))]},
        "params": {"k": 6, "known": []},
    }


async def test_the_server_is_told_which_columns_are_known(
    model: MLflowComparablesModel, comparables_stub: StubModelServer
) -> None:
    facts = {"year_built": 1960, "first_flr_sf": 900.0}
    await model.answer([ComparablesQuestion(house_with_gaps(1, facts), 20, tuple(facts))])
    (call,) = comparables_stub.calls
    assert call.params == {"k": 20, "known": ["1stFlrSF", "YearBuilt"]}
    assert {column: value for column, value in zip(call.columns, call.rows[0], strict=True) if value is not None} == {
        "YearBuilt": 1960,
        "1stFlrSF": 900.0,
    }


async def test_questions_with_the_same_parameters_share_a_call(
    model: MLflowComparablesModel, comparables_stub: StubModelServer
) -> None:
    known = [("lot_area", "year_built"), (), ("year_built", "lot_area"), ()]
    await model.answer([ComparablesQuestion(house(), known=names) for names in known])
    assert [(len(call.rows), call.params["known"]) for call in comparables_stub.calls] == [
        (2, ["LotArea", "YearBuilt"]),
        (2, []),
    ]


async def test_a_sale_is_read_as_it_was_written(model: MLflowComparablesModel) -> None:
    (found,) = await model.answer([ComparablesQuestion(house())])
    sale = found.sales[1]
    assert (sale.year_sold, sale.month_sold, sale.condition) == (2010, 6, "Normal")
    assert sale.pid == f"{sale.id:010}"
    # Whole numbers are integers again, as callers send them.
    expected = list(row_of(EXAMPLE_HOUSE))
    expected[COLUMNS.index("LotArea")] = 5_000 + sale.id
    assert list(row_of(sale.house)) == expected
    assert found.model.name == "housing-comparables"
    assert found.model.id == found.model.version == "stub-comparables-1"


async def test_name_and_version_of_the_server_are_taken(
    model: MLflowComparablesModel, comparables_stub: StubModelServer
) -> None:
    comparables_stub.behaviour = finds(x_model_name="comps", x_model_version="7")
    (found,) = await model.answer([ComparablesQuestion(house())])
    assert (found.model.name, found.model.version) == ("comps", "7")


def feature(column: str, value: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Change one feature of each sale."""

    def change(prediction: dict[str, Any]) -> dict[str, Any]:
        at = COLUMNS.index(column)
        for sale in prediction["sales"]:
            sale["features"][at] = value
        return prediction

    return change


def features(make: Callable[[list[Any]], Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def change(prediction: dict[str, Any]) -> dict[str, Any]:
        for sale in prediction["sales"]:
            sale["features"] = make(sale["features"])
        return prediction

    return change


def sale(**changes: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Change the last sale only; None leaves a member out."""

    def change(prediction: dict[str, Any]) -> dict[str, Any]:
        *others, last = prediction["sales"]
        last = {key: value for key, value in {**last, **changes}.items() if value is not ...}
        return {**prediction, "sales": [*others, last]}

    return change


def with_condition(one: dict[str, Any], condition: str) -> dict[str, Any]:
    features = [*one["features"]]
    features[COLUMNS.index("SaleCondition")] = condition
    return {**one, "condition": condition, "features": features}


def sales(make: Callable[[list[Any]], Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda prediction: {**prediction, "sales": make(prediction["sales"])}


def blend(**changes: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda prediction: {**prediction, "blend": {**prediction["blend"], **changes}}


def whole(**changes: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda prediction: {key: value for key, value in {**prediction, **changes}.items() if value is not ...}


NaN = float("nan")

NONSENSE: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a number": lambda _: 7,
    "null": lambda _: None,
    "a list": lambda prediction: prediction["sales"],
    "a price": lambda _: {"price": 1.0, "low": 1.0, "high": 1.0, "model_id": "stub-1"},
    "no sales": whole(sales=...),
    "a text for sales": whole(sales=SECRET),
    "no blend": whole(blend=...),
    "no model_id": whole(model_id=...),
    "a model_id of several lines": whole(model_id=f"{SECRET}\n"),
    "an unhashable model_id": whole(model_id=[]),
    "no sale at all": sales(lambda _: []),
    "one sale too many": sales(lambda made: [*made, {**made[-1], "id": 2_930}]),
    "a sale twice": sales(lambda made: [*made[:-1], made[-2]]),
    "furthest first": sales(lambda made: made[::-1]),
    "a sale of the same condition out of order": sales(lambda made: [*made[1:], made[0]]),
    "two sales out of order": sales(
        lambda made: [
            *made[:-2],
            *({**with_condition(one, "Family"), "distance": d} for one, d in zip(made[-2:], (0.2, 0.1), strict=True)),
        ]
    ),
    "a sale that is a text": sales(lambda made: [*made[:-1], SECRET]),
    "no price": sale(price=...),
    "a price of zero": sale(price=0.0),
    "a negative price": sale(price=-1.0),
    "a price that is NaN": sale(price=NaN),
    "an infinite price": sale(price=float("inf")),
    "a price beyond all": sale(price=1e300),
    "a price of 400 digits": sale(price=10**400),
    "a price that is a text": sale(price="100000"),
    "a price that is true": sale(price=True),
    "no distance": sale(distance=...),
    "a negative distance": sales(lambda made: [{**made[0], "distance": -0.1}, *made[1:]]),
    "a distance that is NaN": sale(distance=NaN),
    "an infinite distance": sale(distance=float("inf")),
    "an id of zero": sale(id=0),
    "an id with a fraction": sale(id=1.5),
    "an id beyond 64 bits": sale(id=2**63),
    "an id that is a text": sale(id="1"),
    "a pid of several lines": sale(pid=f"{SECRET}\n"),
    "a pid that is a page": sale(pid=SECRET * 100),
    "a pid that is a number": sale(pid=1),
    "a month that does not exist": sale(month=13),
    "a year with a misplaced digit": sale(year=20_100),
    "an unknown condition": sale(condition=SECRET),
    "no condition": sale(condition=None),
    "another condition than its house": sale(condition="Family"),
    "another year than its house": sale(year=2009),
    "another month than its house": sale(month=5),
    "a house of another year": feature("YrSold", 2009.0),
    "a house of another month": feature("MoSold", 5.0),
    "a house of another condition": feature("SaleCondition", "Family"),
    "no features": sale(features=...),
    "features by name": features(lambda made: dict(zip(COLUMNS, made, strict=True))),
    "one feature too few": features(lambda made: made[:-1]),
    "one feature too many": features(lambda made: [*made, None]),
    "an unknown neighbourhood": feature("Neighborhood", SECRET),
    "no neighbourhood": feature("Neighborhood", None),
    "an area that is NaN": feature("GrLivArea", NaN),
    "an area that is infinite": feature("GrLivArea", float("inf")),
    "a negative area": feature("GrLivArea", -1.0),
    "an area that is a text": feature("GrLivArea", "1500"),
    "half a bathroom too much": feature("FullBath", 1.5),
    "a quality of eleven": feature("OverallQual", 11),
    "a weight above one": blend(weight=1.01),
    "a weight that is NaN": blend(weight=NaN),
    "no weight": blend(weight=None),
    "an offset of zero": blend(distance_offset=0.0),
    "a negative scale": blend(interval_scale=-0.1),
    "an infinite spread": blend(interval_spread=float("inf")),
    "a grade without a bound": blend(confidence={"high": 0.1, "medium": 1e9}),
    "a grade just above the bound": blend(confidence={"high": 0.1, "medium": 1.000001}),
    "a negative grade": blend(confidence={"high": -0.1, "medium": 0.1}),
    "grades out of order": blend(confidence={"high": 0.2, "medium": 0.1}),
    "one grade": blend(confidence={"high": 0.1}),
    "a grade that is NaN": blend(confidence={"high": 0.1, "medium": NaN}),
    "grades as a list": blend(confidence=[0.1, 0.2]),
}


@pytest.mark.parametrize("limits", [(0, 0), (0.1, 0.1), (0.07, 0.12), (1, 1)])
async def test_limits_of_the_grades_are_read_as_they_were_written(
    limits: tuple[float, float], model: MLflowComparablesModel, comparables_stub: StubModelServer
) -> None:
    change = blend(confidence=dict(zip(("high", "medium"), limits, strict=True)))
    comparables_stub.behaviour = finds(lambda made: {"predictions": list(map(change, made))})
    (found,) = await model.answer([ComparablesQuestion(house())])
    assert found.blend.confidence == ConfidenceLimits(*limits)


@pytest.mark.parametrize("name", NONSENSE)
async def test_nonsense_is_refused_and_not_repeated(
    name: str, model: MLflowComparablesModel, comparables_stub: StubModelServer
) -> None:
    comparables_stub.behaviour = finds(lambda made: {"predictions": [*made[:-1], NONSENSE[name](made[-1])]})
    asked = [ComparablesQuestion(one) for one in houses(3)]
    with pytest.raises(ComparablesImplausible) as raised:
        await model.answer(asked)
    *good, bad = raised.value.answers
    assert bad is None
    comparables_stub.behaviour = finds()
    assert good == list(await model.answer(asked[:-1]))
    assert SECRET not in str(raised.value)


async def test_nonsense_for_some_parameters_keeps_the_answers_to_the_others(
    model: MLflowComparablesModel, comparables_stub: StubModelServer
) -> None:
    def spoil(made: list[dict[str, Any]]) -> dict[str, Any]:
        return {"predictions": [one if len(one["sales"]) == 6 else NONSENSE["no sales"](one) for one in made]}

    comparables_stub.behaviour = finds(spoil)
    asked = [ComparablesQuestion(house(), k) for k in (6, 20, 6)]
    with pytest.raises(ComparablesImplausible) as raised:
        await model.answer(asked)
    assert [answer is not None for answer in raised.value.answers] == [True, False, True]


async def test_fewer_sales_are_accepted_if_the_data_has_no_more(
    model: MLflowComparablesModel, comparables_stub: StubModelServer
) -> None:
    comparables_stub.behaviour = finds(
        lambda made: {"predictions": [{**one, "sales": one["sales"][:2]} for one in made]}
    )
    (found,) = await model.answer([ComparablesQuestion(house())])
    assert len(found.sales) == 2


async def test_sales_that_are_not_at_arms_length_may_follow_the_others(
    model: MLflowComparablesModel, comparables_stub: StubModelServer
) -> None:
    def rank_last(one: dict[str, Any]) -> dict[str, Any]:
        last = [with_condition(sale, "Family") for sale in one["sales"][:2]]
        return {**one, "sales": [*one["sales"][2:], *last]}

    comparables_stub.behaviour = finds(lambda made: {"predictions": list(map(rank_last, made))})
    (found,) = await model.answer([ComparablesQuestion(house())])
    assert [sale.condition for sale in found.sales] == ["Normal"] * 4 + ["Family"] * 2


async def test_data_without_parcel_numbers_have_none(
    model: MLflowComparablesModel, comparables_stub: StubModelServer
) -> None:
    comparables_stub.behaviour = each_sale(pid=None)
    (found,) = await model.answer([ComparablesQuestion(house())])
    assert {sale.pid for sale in found.sales} == {None}


async def test_further_members_of_a_sale_are_ignored(
    model: MLflowComparablesModel, comparables_stub: StubModelServer
) -> None:
    (expected,) = await model.answer([ComparablesQuestion(house())])
    comparables_stub.behaviour = each_sale(parcel_map="https://example.org")
    assert list(await model.answer([ComparablesQuestion(house())])) == [expected]
