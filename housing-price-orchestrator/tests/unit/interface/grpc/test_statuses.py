"""Every error of the HTTP table has a gRPC status."""

import pytest
from grpc import StatusCode

from housing_price_orchestrator.interface.grpc.statuses import STATUSES, status_of
from housing_price_orchestrator.interface.problems import PROBLEM_TYPES
from housing_price_orchestrator.shared import errors

BY_DESIGN = {
    401: {StatusCode.UNAUTHENTICATED},
    403: {StatusCode.PERMISSION_DENIED},
    429: {StatusCode.RESOURCE_EXHAUSTED},
    502: {StatusCode.UNAVAILABLE},
    503: {StatusCode.UNAVAILABLE},
    504: {StatusCode.DEADLINE_EXCEEDED},
}
"""The statuses of the errors that have an HTTP status."""


def test_every_error_with_an_http_status_has_a_grpc_status() -> None:
    assert set(STATUSES) == set(PROBLEM_TYPES)


@pytest.mark.parametrize(("http_status", "expected"), BY_DESIGN.items())
def test_the_two_tables_agree(http_status: int, expected: set[StatusCode]) -> None:
    kinds = [kind for kind, problem in PROBLEM_TYPES.items() if problem.status == http_status]
    assert {STATUSES[kind] for kind in kinds} == expected


def test_no_expected_error_ends_in_internal_or_unknown() -> None:
    assert not {StatusCode.INTERNAL, StatusCode.UNKNOWN, StatusCode.OK} & set(STATUSES.values())


def test_a_defect_ends_in_internal() -> None:
    assert status_of(ZeroDivisionError()) is StatusCode.INTERNAL
    assert status_of(errors.HousingPriceError()) is StatusCode.INTERNAL
