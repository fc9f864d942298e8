"""Each wrapper around a model alone, and all of them in the order in which they are shipped."""

from collections.abc import Callable
from typing import Any

from fakes import a_circuit
from housing_price_orchestrator.service.resilience.admission import AdmissionModel
from housing_price_orchestrator.service.resilience.balancing import BalancedModel
from housing_price_orchestrator.service.resilience.circuit_breaker import CircuitBreakerModel
from housing_price_orchestrator.service.resilience.coalescing import CoalescingModel
from housing_price_orchestrator.service.resilience.deadline import DeadlineModel
from housing_price_orchestrator.service.resilience.one_version import OneVersionModel
from housing_price_orchestrator.service.resilience.retry import RetryBudget, RetryModel
from housing_price_orchestrator.shared.ports import IdentifiedAnswer, Model

SECONDS = 60.0
"""Longer than any test."""


def limited[Question, Answer](model: Model[Question, Answer]) -> Model[Question, Answer]:
    return DeadlineModel(model, seconds=SECONDS)


def guarded[Question, Answer](model: Model[Question, Answer]) -> CircuitBreakerModel[Question, Answer]:
    return CircuitBreakerModel(model, a_circuit(), slow_seconds=SECONDS)


def balanced[Question, Answer](model: Model[Question, Answer]) -> Model[Question, Answer]:
    return BalancedModel([guarded(model), guarded(model)])


def retried[Question, Answer](model: Model[Question, Answer]) -> Model[Question, Answer]:
    return RetryModel(model, budget=RetryBudget(ratio=0.2, floor=3), max_attempts=3, backoff_seconds=0.001)


def coalesced[Question, Answer](model: Model[Question, Answer]) -> Model[Question, Answer]:
    return CoalescingModel(model, max_rows=5, max_calls=2)


def admitted[Question, Answer](model: Model[Question, Answer]) -> Model[Question, Answer]:
    queue = CoalescingModel(model, max_rows=100, max_calls=2)
    return AdmissionModel(queue, queue, share_of_deadline=0.8)


def as_shipped[Question, Answer: IdentifiedAnswer](model: Model[Question, Answer]) -> Model[Question, Answer]:
    queue = CoalescingModel(retried(BalancedModel([guarded(model)])), max_rows=100, max_calls=2)
    return DeadlineModel(AdmissionModel(OneVersionModel(queue), queue, share_of_deadline=0.8), seconds=SECONDS)


WRAPPERS: dict[str, Callable[[Model[Any, Any]], Model[Any, Any]]] = {
    "behind a deadline": limited,
    "behind a circuit breaker": guarded,
    "behind an admission": admitted,
    "balanced": balanced,
    "retried": retried,
    "coalesced": coalesced,
    "one version": OneVersionModel,
    "as shipped": as_shipped,
}
"""Wrappers that are generic over question and answer."""
