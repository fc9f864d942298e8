from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from housing_price_model.artefact.served import RANKED, Floats
from housing_price_model.fitting.calibration import Stretch
from housing_price_model.fitting.intervals import Interval
from housing_price_model.fitting.pack import load, pack
from housing_price_model.fitting.pipeline import ENCODER, FEATURES, PriceFit, Ranges, Recipe
from housing_price_model.fitting.robust_ridge import RobustRidge
from housing_price_model.survey.data import Houses
from housing_price_model.training.plots import importance
from housing_price_survey.columns import CATEGORIES, SUBCLASSES

QUICK = Recipe(trees=10, spread_trees=5)


@pytest.fixture(scope="module")
def values(houses: Houses) -> Floats:
    return ENCODER.encode(houses.features)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Limit BLAS to one thread, as in training."""
    with threadpool_limits(1):
        yield


def test_encoder_has_exactly_the_declared_categories() -> None:
    assert ENCODER.categories == {"MSSubClass": SUBCLASSES, **CATEGORIES}


def test_every_ranked_column_has_categories() -> None:
    assert set(RANKED) <= set(CATEGORIES)


@pytest.mark.parametrize("stretch", [Stretch(), Stretch(12.0, 1.1)])
def test_graph_reproduces_the_estimators_and_their_correction(
    houses: Houses, values: Floats, stretch: Stretch, tmp_path: Path
) -> None:
    log_prices = np.log(houses.prices)
    plain = PriceFit.fit(values, log_prices, QUICK, 0)
    price = replace(plain, stretch=stretch)
    assert price.predict(values) == pytest.approx(12 + stretch.slope * (plain.predict(values) - 12))
    interval = Interval.fit(values, log_prices - price.predict(values), QUICK, 0)
    answer = load(pack(price, interval, QUICK, tmp_path).artifacts)(houses.features)
    center = price.predict(values)
    low, high = interval.bounds(values, center)
    for name, expected in {"price": center, "low": low, "high": high}.items():
        np.testing.assert_allclose(answer[name], np.exp(expected), rtol=1e-5)


def test_equal_seeds_give_equal_bytes_and_different_seeds_do_not(
    houses: Houses, values: Floats, tmp_path: Path
) -> None:
    log_prices = np.log(houses.prices)
    identities, graphs = [], []
    for seed in (0, 0, 1):
        price = PriceFit.fit(values, log_prices, QUICK, seed)
        interval = Interval.fit(values, log_prices - price.predict(values), QUICK, seed)
        packed = pack(price, interval, QUICK, tmp_path)
        identities.append(packed.model_id)
        graphs.append(Path(packed.artifacts["graph"]).read_bytes())
    assert identities[0] == identities[1] != identities[2]
    assert graphs[0] == graphs[1] != graphs[2]


def test_features_are_named_and_finite(values: Floats) -> None:
    matrix = FEATURES.matrix(values)
    names = FEATURES.names()
    assert matrix.shape == (len(values), len(names))
    assert len(set(names)) == len(names)
    assert np.isfinite(matrix).all()


def test_each_category_has_its_own_column(houses: Houses, values: Floats) -> None:
    matrix, names = FEATURES.matrix(values), FEATURES.names()
    timber = matrix[:, names.index("Neighborhood=Timber")]
    np.testing.assert_array_equal(timber, houses.features["Neighborhood"] == "Timber")
    blank = matrix[:, names.index("Alley=blank")]
    np.testing.assert_array_equal(blank, houses.features["Alley"].isna())


def test_numbers_are_clipped_to_the_range_of_the_training_data(values: Floats) -> None:
    ranges = Ranges.of(values)
    far = values[:1].copy()
    at = ENCODER.columns.index("LotArea")
    far[0, at] = 1e12
    largest = values[:1].copy()
    largest[0, at] = 215_245  # the largest lot in the data
    np.testing.assert_array_equal(ranges.matrix(far), ranges.matrix(largest))


def test_column_without_training_values_gives_finite_features(values: Floats) -> None:
    blank = values.copy()
    blank[:, ENCODER.columns.index("LotFrontage")] = np.nan
    assert np.isfinite(Ranges.of(blank).matrix(values)).all()


def test_robust_ridge_ignores_outliers() -> None:
    random = np.random.default_rng(0)
    matrix = random.normal(size=(400, 3))
    target = matrix @ [1.0, -2.0, 0.5] + 3 + random.normal(scale=0.01, size=400)
    target[:20] += 50
    fitted = RobustRidge.fit(matrix, target, 1e-3, 1.5)
    np.testing.assert_allclose(fitted.coefficients, [1.0, -2.0, 0.5], atol=0.01)
    assert fitted.intercept == pytest.approx(3, abs=0.01)
    assert fitted.weights[:20].max() < 0.01
    assert fitted.weights[20:].mean() > 0.9


@pytest.mark.parametrize("skew", [0.0, 1.0])
def test_interval_has_its_coverage_and_is_wider_where_errors_are_larger(values: Floats, skew: float) -> None:
    random = np.random.default_rng(0)
    quality = values[:, ENCODER.columns.index("OverallQual")]
    sizes = np.where(quality >= 7, 0.2, 0.05)
    errors = sizes * (random.normal(size=len(values)) + skew * random.exponential(size=len(values)))
    half = len(values) // 2
    interval = Interval.fit(values[:half], errors[:half], Recipe(), 0)
    low, high = interval.bounds(values[half:], np.zeros(len(values) - half))
    covered = np.mean((low <= errors[half:]) & (errors[half:] <= high))
    assert 0.87 <= covered <= 0.93
    fine = quality[half:] >= 7
    assert np.median((high - low)[fine]) > 2 * np.median((high - low)[~fine])


def test_importance_ranks_quality_and_living_area_highest(houses: Houses, values: Floats) -> None:
    changes = importance(values, PriceFit.fit(values, np.log(houses.prices), QUICK, 0), 0)
    most = sorted(changes, key=changes.__getitem__)[-6:]
    assert {"OverallQual", "GrLivArea"} <= set(most)
    assert all(change >= 0 for change in changes.values())
