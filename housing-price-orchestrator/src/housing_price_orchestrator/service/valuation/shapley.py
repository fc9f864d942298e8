"""Splits a difference between two amounts into the parts of several players, by Shapley values.

The amount of a coalition is that in which its players have changed and the others have not. Exact Shapley values need
the amounts of all 2^n coalitions. KernelSHAP (Lundberg and Lee, NeurIPS 2017) fits them to some coalitions, by weighted
least squares with the exact sum as a constraint; coalitions in pairs, each with its complement, lower the error (Covert
and Lee, AISTATS 2021). With all coalitions of the sizes 1 and n - 1 the fit has a closed form, which this module uses:
for each size, the mean amount of the coalitions with a player minus the mean amount of those without.

The Shapley value averages these differences over all sizes. With two pairs of sizes and more, that average is
interpolated as a polynomial in (size - n/2)^2. So r pairs of sizes are exact if no more than 2r players interact at a
time, and all sizes are exact in general. KernelSHAP with the same coalitions is exact for two players at a time only.

Ten players or more that interact strongly need more than the sizes 1 and n - 1, and all pairs of players may be too
many. A design in between adds n triples and their complements, and is fitted by least squares with the exact sum.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import combinations
from typing import Final

MIN_PLAYERS_FOR_TRIPLES: Final = 10
"""Fewer players are split well enough by the sizes 1 and n - 1 (docs/explanation.md)."""

_TRIPLE: Final = (0, 1, 3)
"""The players of the first triple; the others follow by adding 1 to each, modulo n. All six differences of its players
are different, so no pair of players is in more than one triple."""

_WEIGHT_OF_EXTREMES: Final = 2
"""Weight of the sizes 1 and n - 1 in the fit, relative to the triples: the best of 0.5, 1 and 2."""


@dataclass(frozen=True, slots=True)
class CoalitionDesign:
    """The coalitions whose amounts are needed, and the linear map from their amounts to Shapley values."""

    players: int
    coalitions: tuple[tuple[int, ...], ...]
    """The players of each coalition, in ascending order. Neither the empty coalition nor that of all players."""
    _weights: tuple[tuple[float, ...], ...]
    """One row per player, one column per coalition."""

    def split(self, start: float, end: float, amounts: Sequence[float]) -> list[float]:
        """Return the part of each player in the difference between `start` and `end`; the parts sum to it.

        Args:
            start: the amount of the empty coalition.
            end: the amount of the coalition of all players.
            amounts: the amount of each of `coalitions`, in their order.
        """
        if not self.players:
            return []
        share = (end - start) / self.players
        return [share + math.sumprod(row, amounts) for row in self._weights]


@cache
def coalition_design(players: int, max_coalitions: int) -> CoalitionDesign:
    """Return the design with as many pairs of sizes as `max_coalitions` allows, from the sizes 1 and n - 1 inwards.

    Raises:
        ValueError: the sizes 1 and n - 1 do not fit.
    """
    firsts: list[int] = []
    room = max_coalitions
    for size in range(1, players // 2 + 1):
        room -= sum(math.comb(players, one) for one in {size, players - size})
        if room < 0:
            break
        firsts.append(size)
    if players > 1 and not firsts:
        raise ValueError(f"{players} players need {max_coalitions - room} coalitions, not {max_coalitions}")
    if firsts == [1] and players >= MIN_PLAYERS_FOR_TRIPLES and max_coalitions >= 4 * players:
        return _design_with_triples(players)
    share_of_size: dict[int, float] = {}
    for first, share in zip(firsts, _shares_of_pairs(firsts, players), strict=True):
        pair = {first, players - first}
        share_of_size |= dict.fromkeys(sorted(pair), share / len(pair))
    coalitions = tuple(coalition for size in share_of_size for coalition in combinations(range(players), size))
    weights = tuple(
        tuple(
            share_of_size[len(coalition)] * _weight(player in coalition, len(coalition), players)
            for coalition in coalitions
        )
        for player in range(players)
    )
    return CoalitionDesign(players, coalitions, weights)


def _weight(is_member: bool, size: int, players: int) -> float:
    """Return the weight of a coalition in the part of a player, as if all coalitions had this size."""
    others = players - 1
    mean = 1 / math.comb(others, size - 1) if is_member else -1 / math.comb(others, size)
    return others / players * mean


def _shares_of_pairs(firsts: Sequence[int], players: int) -> list[float]:
    """Return how much each pair of sizes, given by its smaller size, counts in the average over all sizes.

    These are the integrals of the Lagrange polynomials in (size - players / 2)^2 over all sizes.
    """

    def offset(size: int) -> Fraction:
        return (size - Fraction(players, 2)) ** 2

    sizes = range(1, players)
    return [
        float(
            sum(
                math.prod(
                    (offset(size) - offset(other)) / (offset(first) - offset(other))
                    for other in firsts
                    if other != first
                )
                for size in sizes
            )
            / Fraction(len(sizes))
        )
        for first in firsts
    ]


def _design_with_triples(players: int) -> CoalitionDesign:
    """Return the design of the sizes 1 and n - 1, and of n triples with their complements."""
    everyone = frozenset(range(players))
    some: list[tuple[int, ...]] = [(player,) for player in everyone]
    some += [tuple(sorted((player + first) % players for player in _TRIPLE)) for first in everyone]
    coalitions = tuple(one for coalition in some for one in (coalition, tuple(sorted(everyone.difference(coalition)))))
    weights = [_WEIGHT_OF_EXTREMES if len(one) in {1, players - 1} else 1 for one in coalitions]
    pairs = list(zip(coalitions, weights, strict=True))
    normal = [
        [Fraction(sum(weight for one, weight in pairs if row in one and column in one)) for column in everyone]
        for row in everyone
    ]
    # All players have equal places in the design. So the constraint of the exact sum is met by centring, and the amount
    # of the empty coalition cancels.
    columns = _solve(normal, [[Fraction(weight * (player in one)) for one, weight in pairs] for player in everyone])
    means = [sum(column) / players for column in zip(*columns, strict=True)]
    centred = (tuple(float(value - mean) for value, mean in zip(row, means, strict=True)) for row in columns)
    return CoalitionDesign(players, coalitions, tuple(centred))


def _solve(matrix: list[list[Fraction]], right: list[list[Fraction]]) -> list[list[Fraction]]:
    """Solve a regular linear system with several right-hand sides, one per column, exactly (Gauss and Jordan)."""
    rows = [[*left, *values] for left, values in zip(matrix, right, strict=True)]
    size = len(rows)
    for at in range(size):
        pivot = next(row for row in range(at, size) if rows[row][at])
        rows[at], rows[pivot] = rows[pivot], rows[at]
        rows[at] = [value / rows[at][at] for value in rows[at]]
        for other in range(size):
            if other != at and (factor := rows[other][at]):
                rows[other] = [value - factor * step for value, step in zip(rows[other], rows[at], strict=True)]
    return [row[size:] for row in rows]
