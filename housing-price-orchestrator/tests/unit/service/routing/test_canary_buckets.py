"""Assignment of houses to the canary."""

import random
import subprocess
import sys
from collections.abc import Iterable
from itertools import pairwise

import pytest

from housing_price_orchestrator.service.routing.canary_buckets import BUCKETS, bucket_of, buckets_of

NUMBER = 10_000

IDS: dict[str, Iterable[int]] = {
    "sequential": range(1, NUMBER + 1),
    "like the ids of the survey": range(526_301_100, 526_301_100 + 10 * NUMBER, 10),
    "every thousandth": range(1_000, 1_000 * (NUMBER + 1), 1_000),
    "every ten thousandth": range(10_000, 10_000 * (NUMBER + 1), 10_000),
    "in steps of a power of two": range(1, 2**16 * NUMBER, 2**16),
    "large": range(2**63 - NUMBER, 2**63),
    "random": random.Random(7).sample(range(1, 2**63), NUMBER),
}


@pytest.mark.parametrize("ids", IDS.values(), ids=IDS.keys())
@pytest.mark.parametrize("weight", [0.01, 0.1, 0.5])
def test_share_of_ids_matches_the_weight_within_one_percent(ids: Iterable[int], weight: float) -> None:
    limit = buckets_of(weight)
    share = sum(bucket_of(one) < limit for one in ids) / NUMBER
    assert abs(share - weight) <= 0.01


def test_bucket_is_the_same_in_every_process() -> None:
    ours = [bucket_of(one) for one in range(1, 50)]
    module = bucket_of.__module__
    code = f"from {module} import bucket_of; print([bucket_of(one) for one in range(1, 50)])"
    theirs = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env={"PYTHONHASHSEED": "1"}
    )
    assert theirs.stdout.strip() == str(ours)


def test_bucket_never_changes_between_releases() -> None:
    """Processes of every release must agree: a different hash would move every house."""
    assert [bucket_of(one) for one in (1, 2, 1461, 2**63 - 1)] == [6209, 8690, 9499, 1370]


def test_canary_houses_stay_with_the_canary_while_the_weight_grows() -> None:
    weights = [0.0001, 0.01, 0.1, 0.11, 0.5, 1.0]
    members = [{one for one in range(1, 5_000) if bucket_of(one) < buckets_of(weight)} for weight in weights]
    for smaller, larger in pairwise(members):
        assert smaller <= larger
    assert len(members[-1]) == 4_999


def test_smallest_weight_is_one_bucket() -> None:
    assert buckets_of(1e-9) == 1
    assert buckets_of(1) == BUCKETS
