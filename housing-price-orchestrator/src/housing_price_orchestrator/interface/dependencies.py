"""What endpoints ask for by annotation: one getter and one alias for each service."""

from typing import Annotated

from fastapi import Depends, Request

from housing_price_orchestrator.interface.limits import BodyLimits
from housing_price_orchestrator.service.pricing import Pricing
from housing_price_orchestrator.service.readiness import Readiness


def _pricing(request: Request) -> Pricing:
    pricing: Pricing = request.app.state.pricing
    return pricing


def _readiness(request: Request) -> Readiness:
    readiness: Readiness = request.app.state.readiness
    return readiness


def _limits(request: Request) -> BodyLimits:
    limits: BodyLimits = request.app.state.limits
    return limits


type PricingDep = Annotated[Pricing, Depends(_pricing)]
type ReadinessDep = Annotated[Readiness, Depends(_readiness)]
type BodyLimitsDep = Annotated[BodyLimits, Depends(_limits)]
