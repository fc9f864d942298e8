import uuid

import pytest

from housing_price_orchestrator.shared.ids import MAX_IDS_PER_CALL, time_ordered_ids, unique_ids


def test_ids_are_unique_within_and_across_processes() -> None:
    sources = [unique_ids() for _ in range(3)]
    ids = [source() for _ in range(1_000) for source in sources]
    assert len(set(ids)) == len(ids)


def test_time_ordered_ids_are_unique_even_within_one_millisecond() -> None:
    sources = [time_ordered_ids(lambda: 1_700_000_000_000_000_000) for _ in range(3)]
    ids = [one for _ in range(1_000) for source in sources for one in source(3)]
    assert len(set(ids)) == len(ids) == 9_000


def test_a_time_ordered_id_is_a_uuid_of_version_7() -> None:
    for one in time_ordered_ids()(100):
        assert len(one) == 32
        read = uuid.UUID(one)
        assert (read.version, read.variant, read.hex) == (7, uuid.RFC_4122, one)


def test_later_ids_sort_after_earlier_ones() -> None:
    now = 1_700_000_000_000_000_000

    def clock() -> int:
        nonlocal now
        now += 1_000_000
        return now

    source = time_ordered_ids(clock)
    ids = [one for count in (1, 3, 1, 10_000, 2) for one in source(count)]
    assert ids == sorted(ids)


def test_ids_stay_unique_when_the_counter_wraps_around() -> None:
    source = time_ordered_ids(lambda: 0)
    assert len({source(1)[0] for _ in range(0x10000 + 10)}) == 0x10000 + 10


def test_a_source_makes_the_requested_number_of_ids() -> None:
    source = time_ordered_ids()
    assert [len(source(count)) for count in (0, 1, 2, 10_000)] == [0, 1, 2, 10_000]
    with pytest.raises(ValueError, match="at a time"):
        source(MAX_IDS_PER_CALL + 1)
