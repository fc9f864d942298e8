"""Medians over the rounds of one run."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

type Key = tuple[str, str, int | None]


class Medians:
    """The median of each figure by scenario, contender and x (connections or rows)."""

    def __init__(self, results: Mapping[str, Any]) -> None:
        """Group the samples of a result of `benchmarks.run.run`."""
        grouped: dict[Key, list[Mapping[str, Any]]] = defaultdict(list)
        for sample in results["samples"]:
            if "figures" in sample:
                grouped[sample["scenario"], sample["contender"], sample["x"]].append(sample["figures"])
        self._samples = grouped

    def get(self, scenario: str, contender: str, figure: str, x: int | None = None) -> float | None:
        """Return a median, or None if nothing was measured."""
        values = self.all(scenario, contender, figure, x)
        return median(values) if values else None

    def all(self, scenario: str, contender: str, figure: str, x: int | None = None) -> list[float]:
        """Return the figure of each round."""
        return [figures[figure] for figures in self._samples.get((scenario, contender, x), ()) if figure in figures]

    def x_values(self, scenario: str) -> list[int]:
        """Return the x values of a scenario in ascending order."""
        return sorted({x for name, _, x in self._samples if name == scenario and x is not None})

    def contenders(self, scenario: str) -> list[str]:
        """Return the names of the contenders measured in a scenario, sorted."""
        return list(dict.fromkeys(sorted(name for known, name, _ in self._samples if known == scenario)))

    def best(self, scenario: str, contenders: Sequence[str], figure: str) -> tuple[float, str, int] | None:
        """Return the largest median of several contenders at any x, with its contender and x."""
        candidates = [
            (value, name, x)
            for name in contenders
            for x in self.x_values(scenario)
            if (value := self.get(scenario, name, figure, x)) is not None
        ]
        return max(candidates, default=None)
