"""Shapley values from few coalitions, compared with the definition over all coalitions."""

import math
import random
from collections.abc import Callable, Collection, Sequence
from fractions import Fraction
from functools import cache
from itertools import combinations

import pytest

from housing_price_orchestrator.service.valuation.shapley import coalition_design

type Game = Callable[[Collection[int]], float]


def random_game(players: int, order: int, seed: int = 0) -> Game:
    """A game in which at most `order` players interact at a time."""
    dice = random.Random(seed)
    effects = {
        group: dice.gauss(0, 1_000)
        for size in range(1, min(order, players) + 1)
        for group in combinations(range(players), size)
    }

    @cache
    def amount(members: frozenset[int]) -> float:
        return 150_000 + math.fsum(effect for group, effect in effects.items() if members.issuperset(group))

    return lambda coalition: amount(frozenset(coalition))


def shapley_values(game: Game, players: int) -> list[float]:
    """The definition: the mean over all coalitions without a player, weighted by their size, of what it adds."""
    return [
        math.fsum(
            (game([*others, player]) - game(others)) / players / math.comb(players - 1, size)
            for size in range(players)
            for others in combinations([other for other in range(players) if other != player], size)
        )
        for player in range(players)
    ]


def split(game: Game, players: int, max_coalitions: int) -> list[float]:
    design = coalition_design(players, max_coalitions)
    return design.split(game(()), game(range(players)), [game(coalition) for coalition in design.coalitions])


def kernel_weight(players: int, size: int) -> Fraction:
    return Fraction(players - 1, math.comb(players, size) * size * (players - size))


def least_squares(
    game: Game,
    players: int,
    coalitions: Sequence[Sequence[int]],
    weight_of: Callable[[int, int], Fraction] = kernel_weight,
) -> list[float]:
    """Weighted least squares with the exact sum as a constraint, solved in exact fractions (Lundberg and Lee, 2017)."""
    start, end = Fraction(game(())), Fraction(game(range(players)))
    normal = [[Fraction(0)] * (players + 2) for _ in range(players + 1)]
    for coalition in coalitions:
        size = len(coalition)
        weight = weight_of(players, size)
        for row in coalition:
            normal[row][-1] += weight * (Fraction(game(coalition)) - start)
            for column in coalition:
                normal[row][column] += weight
    for player in range(players):
        normal[player][players] = normal[players][player] = Fraction(1)
    normal[players][-1] = end - start
    for column in range(players + 1):
        pivot = next(row for row in range(column, players + 1) if normal[row][column])
        normal[column], normal[pivot] = normal[pivot], normal[column]
        normal[column] = [value / normal[column][column] for value in normal[column]]
        for row in range(players + 1):
            if row != column:
                factor = normal[row][column]
                normal[row] = [a - factor * b for a, b in zip(normal[row], normal[column], strict=True)]
    return [float(normal[player][-1]) for player in range(players)]


@pytest.mark.parametrize(
    ("players", "max_coalitions", "count"), [(11, 22, 22), (11, 132, 132), (5, 22, 10), (4, 22, 14)]
)
def test_coalitions_come_in_pairs_of_complements_and_fit(players: int, max_coalitions: int, count: int) -> None:
    coalitions = coalition_design(players, max_coalitions).coalitions
    assert len(coalitions) == len(set(coalitions)) == count
    everyone = set(range(players))
    assert {tuple(sorted(everyone.difference(coalition))) for coalition in coalitions} == set(coalitions)


@pytest.mark.parametrize("players", range(2, 12))
def test_sizes_one_and_all_but_one_give_the_fit_of_kernel_shap(players: int) -> None:
    game = random_game(players, 5)
    design = coalition_design(players, 2 * players)
    assert {len(coalition) for coalition in design.coalitions} == {1, players - 1}
    assert split(game, players, 2 * players) == pytest.approx(least_squares(game, players, design.coalitions), abs=1e-6)


@pytest.mark.parametrize("players", range(1, 9))
def test_all_coalitions_give_exact_values(players: int) -> None:
    game = random_game(players, players)
    assert split(game, players, 2**players) == pytest.approx(shapley_values(game, players), abs=1e-6)


@pytest.mark.parametrize("players", [10, 11])
def test_triples_are_fitted_by_least_squares_with_the_exact_sum(players: int) -> None:
    game = random_game(players, 5)
    expected = least_squares(
        game,
        players,
        coalition_design(players, 44).coalitions,
        lambda players, size: Fraction(2 if size in {1, players - 1} else 1),
    )
    assert split(game, players, 44) == pytest.approx(expected, abs=1e-6)
    interacting_in_pairs = random_game(players, 2)
    exact = shapley_values(interacting_in_pairs, players)
    assert split(interacting_in_pairs, players, 44) == pytest.approx(exact, abs=1e-6)


@pytest.mark.parametrize(("max_coalitions", "order"), [(18, 2), (90, 4), (258, 6)])
def test_each_pair_of_sizes_makes_interactions_of_two_more_players_exact(max_coalitions: int, order: int) -> None:
    game, more = random_game(9, order), random_game(9, order + 1)
    assert split(game, 9, max_coalitions) == pytest.approx(shapley_values(game, 9), abs=1e-6)
    assert split(more, 9, max_coalitions) != pytest.approx(shapley_values(more, 9), abs=1)


@pytest.mark.parametrize("max_coalitions", [22, 44, 132])
@pytest.mark.parametrize("players", range(1, 12))
def test_parts_sum_to_the_difference(players: int, max_coalitions: int) -> None:
    dice = random.Random(players)
    design = coalition_design(players, max_coalitions)
    amounts = [dice.uniform(10_000, 1_000_000) for _ in design.coalitions]
    assert math.fsum(design.split(1e5, 3e5, amounts)) == pytest.approx(2e5, abs=1e-6)


def test_no_players_have_no_parts_and_one_has_all() -> None:
    assert coalition_design(0, 22).split(5, 5, []) == []
    assert coalition_design(1, 22).split(5, 9, []) == [4]


def test_too_few_coalitions_are_refused() -> None:
    with pytest.raises(ValueError, match="11 players need 22 coalitions, not 21"):
        coalition_design(11, 21)
