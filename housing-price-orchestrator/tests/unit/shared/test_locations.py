"""URIs that a job may read and write."""

import pytest

from housing_price_orchestrator.shared.locations import (
    AllowedLocations,
    LocationRefused,
    check_prefix,
    check_written_files,
)

ALLOWED = AllowedLocations(
    [check_prefix(uri) for uri in ("file:///data/houses", "s3://bucket/in/", "s3://bucket/in/more")]
)


@pytest.mark.parametrize(
    ("uri", "prefix", "names", "kind"),
    [
        ("file:///data/houses/june.csv", "file:///data/houses/", ("june.csv",), "csv"),
        ("file:///data/houses/2026/june.parquet", "file:///data/houses/", ("2026", "june.parquet"), "parquet"),
        ("s3://bucket/in/a.b.ndjson", "s3://bucket/in/", ("a.b.ndjson",), "ndjson"),
        ("s3://bucket/in/more/a.csv", "s3://bucket/in/more/", ("a.csv",), "csv"),
    ],
)
def test_a_uri_under_a_store_is_accepted(uri: str, prefix: str, names: tuple[str, ...], kind: str) -> None:
    found = ALLOWED.find(uri)
    assert (found.uri, found.prefix, found.names, found.format) == (uri, prefix, names, kind)


@pytest.mark.parametrize(
    "uri",
    [
        "file:///data/houses-of-others/june.csv",
        "file:///data/houses/../secret/june.csv",
        "file:///data/houses/./june.csv",
        "file:///data/houses//june.csv",
        "file:///data/houses/",
        "file:///data/houses/.csv",
        "file:///data/houses/june.txt",
        "file:///data/houses/june",
        "file:///data/houses/%2e%2e/june.csv",
        "file:///data/houses/june.csv?x=.csv",
        "file:///data/houses/june.csv#.csv",
        "file:///data/houses/*.csv",
        "file:///data/houses/a\\..\\june.csv",
        "file:///data/houses/a\0.csv",
        "file:///data/houses/a\n.csv",
        "file:///data/houses/a b.csv",
        "FILE:///data/houses/june.csv",
        "file://data/houses/june.csv",
        "/data/houses/june.csv",
        "data/houses/june.csv",
        "s3://bucket/other/june.csv",
        "s3://user:word@bucket/in/june.csv",
        "simplecache::s3://bucket/in/june.csv",
        "s3://bucket/in/a::file:///etc/june.csv",
        "https://bucket/in/june.csv",
        "s3://bucket/in/" + "x" * 1_000 + ".csv",
        "",
    ],
)
def test_any_other_uri_is_refused_without_being_repeated(uri: str) -> None:
    with pytest.raises(LocationRefused) as refused:
        ALLOWED.find(uri)
    assert len(uri) < 5 or uri not in str(refused.value)
    assert "word" not in str(refused.value)


def test_without_stores_every_uri_is_refused() -> None:
    with pytest.raises(LocationRefused, match="no stores"):
        AllowedLocations([]).find("file:///data/houses/june.csv")


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/data",
        "memory://x",
        "data://x",
        "local:///data",
        "file://data",
        "s3://a:b@bucket",
        "s3://bucket/../x",
        "a::s3://b",
        "s3://b//c",
    ],
)
def test_an_invalid_store_is_refused(uri: str) -> None:
    with pytest.raises(LocationRefused):
        check_prefix(uri)


def test_every_file_that_a_job_writes_is_known() -> None:
    output = ALLOWED.find("s3://bucket/in/more/june.csv")
    assert [file.uri for file in output.written_files] == [
        "s3://bucket/in/more/june.csv.refused.ndjson",
        "s3://bucket/in/more/june.csv",
    ]
    assert output.refused_rows.names == ("june.csv.refused.ndjson",)


@pytest.mark.parametrize(
    ("source", "output", "is_allowed"),
    [
        ("june.csv", "july.csv", True),
        ("june.csv", "june.csv", False),
        ("june.csv", "JUNE.csv", False),
        ("june.csv.refused.ndjson", "june.csv", False),
        ("June.CSV.Refused.ndjson", "june.csv", False),
        ("caf\u00e9.csv", "cafe\u0301.csv", False),
        ("STRASSE.csv", "straße.csv", False),
        ("june.csv.refused.ndjson", "june.ndjson", True),
        ("june.csv", "june.csv.refused.ndjson", True),
        ("june.csv", f"{'a' * 236}.csv", True),
        ("june.csv", f"{'a' * 237}.csv", False),
        ("june.csv", f"{'ä' * 119}.csv", False),
    ],
)
def test_a_job_may_not_write_to_its_input_or_to_impossible_names(source: str, output: str, is_allowed: bool) -> None:
    locations = [ALLOWED.find(f"file:///data/houses/{name}") for name in (source, output)]
    if is_allowed:
        check_written_files(*locations)
        return
    with pytest.raises(LocationRefused, match=r"which is its `input`|too long"):
        check_written_files(*locations)


@pytest.mark.parametrize(
    ("one", "other", "is_shared"),
    [
        ("june.csv", "june.csv", True),
        ("june.csv", "June.CSV.Refused.ndjson", True),
        ("june.csv", "june.csv.refused.ndjson", True),
        ("june.csv", "JUNE.csv", True),
        ("june.csv", "june.ndjson", False),
        ("june.csv", "2026/june.csv", False),
    ],
)
def test_jobs_that_could_write_one_file_have_the_same_claim(one: str, other: str, is_shared: bool) -> None:
    claims = {ALLOWED.find(f"s3://bucket/in/{name}").claim for name in (one, other)}
    assert (len(claims) == 1) == is_shared
