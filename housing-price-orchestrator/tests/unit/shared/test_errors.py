import re
from collections.abc import Iterator

from housing_price_orchestrator.shared import errors


def tree(kind: type[errors.HousingPriceError]) -> Iterator[str]:
    yield kind.__name__
    for one in kind.__subclasses__():
        yield from tree(one)


def test_the_documented_tree_matches_the_classes() -> None:
    drawn = re.findall(r"^[│├└─ ]*([A-Z]\w+)", (errors.__doc__ or "").partition("```")[2], re.MULTILINE)
    assert sorted(drawn) == sorted(tree(errors.HousingPriceError))


def test_every_error_has_a_docstring() -> None:
    assert all(kind.__doc__ for kind in vars(errors).values() if isinstance(kind, type))
