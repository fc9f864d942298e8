"""Makes the message of a valuation."""

from collections.abc import Sequence

from housing_price_orchestrator.interface.grpc.documents.words import CONFIDENCES, GROUPS, METHODS, PARTS
from housing_price_orchestrator.interface.grpc.documents.writing import (
    feature_warnings,
    house_message,
    interval,
    model_name,
    priced_house,
)
from housing_price_orchestrator.interface.grpc.generated import price_pb2
from housing_price_orchestrator.interface.problems import problem_type_of, problem_urn
from housing_price_orchestrator.service.input_warnings import InputWarnings
from housing_price_orchestrator.service.valuation.explanation import GroupDifference
from housing_price_orchestrator.service.valuation.valued_house import AdjustedSale, ValuedHouse


def valuation(
    valued: ValuedHouse, transaction_id: str, input_warnings: InputWarnings, *, with_comparables: bool
) -> price_pb2.Valuation:
    """Make the message of one valuation; without comparables, the value has used the sales and they are left out."""
    house, price, value = valued.house, valued.price, valued.value
    message = price_pb2.Valuation(
        id=house.id,
        transaction_id=transaction_id,
        value=price_pb2.MarketValue(
            amount=value.amount_usd,
            interval=interval(value.low_usd, value.high_usd),
            method=METHODS[valued.method],  # type: ignore[arg-type]  # a number of this enum
        ),
        price=priced_house(house, price, transaction_id, input_warnings),
        warnings=feature_warnings(input_warnings.warnings_of(house, price)),
        problems=[_problem(part, error) for part, error in valued.problems.items()],
    )
    if valued.confidence is not None:
        message.value.confidence = CONFIDENCES[valued.confidence]  # type: ignore[assignment]  # as above
    if valued.comparables is not None and with_comparables:
        message.comparables.estimate = valued.comparables.estimate_usd
        message.comparables.sales.extend(map(_sale, valued.comparables.sales))
        message.comparables.model.CopyFrom(model_name(valued.comparables.model))
    if valued.explanation is not None:
        message.explanation.typical_price = valued.explanation.typical_usd
        message.explanation.differences.extend(_adjustments(valued.explanation.differences))
    ranges = input_warnings.ranges_of(price.model.id)
    if ranges is not None and ranges.sale_years is not None:
        message.dollar_years.first, message.dollar_years.last = ranges.sale_years
    return message


def _sale(adjusted: AdjustedSale) -> price_pb2.ComparableSale:
    sale = adjusted.sale
    message = price_pb2.ComparableSale(
        id=sale.id,
        sale_price=sale.price_usd,
        sold_in=f"{sale.year_sold}-{sale.month_sold:02}",
        distance=sale.distance,
        house=house_message(sale.house),
        adjusted_price=adjusted.adjusted_usd,
        weight=adjusted.weight,
    )
    if adjusted.adjustments is not None:
        message.adjustments.SetInParent()
        message.adjustments.groups.extend(_adjustments(adjusted.adjustments))
    return message


def _adjustments(differences: Sequence[GroupDifference]) -> list[price_pb2.Adjustment]:
    return [
        price_pb2.Adjustment(group=GROUPS[one.group], usd=one.usd)  # type: ignore[arg-type]  # a number of this enum
        for one in differences
    ]


def _problem(part: str, error: Exception) -> price_pb2.PartProblem:
    problem = problem_type_of(error)
    return price_pb2.PartProblem(
        part=PARTS[part],  # type: ignore[arg-type]  # a number of this enum
        type=problem_urn(problem),
        title=problem.title,
        status=problem.status,
        retry_after_seconds=problem.retry_after_seconds,
    )
