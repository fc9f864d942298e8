"""The view "Files" in a real browser against real services: files become jobs, and prices come back."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from factories import ABSENT, SURVEY, house_json, houses_json

from ..real_services import GuardedService, ModelServer, running_api, variables_of
from .tab import BOUNDED_MS, Tab, opened

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

REFUSED = house_json(id=9, street="Dummy")
PRICED = 2


def rows(*more: dict[str, Any]) -> list[dict[str, Any]]:
    return [*houses_json(PRICED), *more]


def csv_file(path: Path, houses: Sequence[dict[str, Any]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(houses[0]))
        writer.writeheader()
        writer.writerows(houses)
    return path


def ndjson_file(path: Path, houses: Sequence[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(house) + "\n" for house in houses), encoding="utf-8")
    return path


def parquet_file(path: Path, houses: Sequence[dict[str, Any]]) -> Path:
    pq.write_table(pa.Table.from_pylist(list(houses)), path)
    return path


FORMATS = {"csv": csv_file, "ndjson": ndjson_file, "parquet": parquet_file}


def ids_in(path: Path) -> list[int]:
    """The ids of a result, in its format."""
    if path.suffix == ".parquet":
        return [row["id"] for row in pq.read_table(path).to_pylist()]
    text = path.read_text(encoding="utf-8")
    found = csv.DictReader(io.StringIO(text)) if path.suffix == ".csv" else map(json.loads, text.splitlines())
    return [int(row["id"]) for row in found]


def submit(page: Page, file: Path) -> Locator:
    """Choose a file and upload it; returns the entry of its job."""
    page.get_by_label("A CSV, NDJSON or Parquet file").set_input_files(file)
    page.get_by_role("button", name="Price this file").click()
    entry = page.get_by_role("listitem").filter(has_text=file.name)
    expect(entry).to_be_visible()
    return entry


def saved(page: Page, button: Locator, folder: Path) -> Path:
    with page.expect_download() as found:
        button.click()
    path = folder / found.value.suggested_filename
    found.value.save_as(path)
    return path


@pytest.mark.parametrize("ending", FORMATS)
def test_a_file_is_priced_and_both_results_can_be_saved(tab: Tab, tmp_path: Path, ending: str) -> None:
    page = tab.open("#files")
    file = FORMATS[ending](tmp_path / f"my houses.{ending}", rows(REFUSED))
    entry = submit(page, file)
    expect(entry).to_contain_text("Finished: 2 rows priced, 1 refused", timeout=BOUNDED_MS)
    result = saved(page, entry.get_by_role("button", name="Download prices"), tmp_path)
    assert result.name == f"my houses-prices.{ending}"
    assert ids_in(result) == [1, 2]
    refused = saved(page, entry.get_by_role("button", name="Download refused rows"), tmp_path)
    assert [json.loads(line)["row"] for line in refused.read_text().splitlines()] == [3]
    entry.get_by_role("button", name="Show refused rows").click()
    expect(entry.get_by_role("table")).to_contain_text("Input should be 'Grvl' or 'Pave'")
    expect(page.get_by_role("status").filter(has_text="Finished: 2 rows priced")).to_be_attached()
    tab.check_view()


@pytest.mark.parametrize("ending", ["csv", "ndjson"])
def test_the_sample_file_can_be_priced(tab: Tab, tmp_path: Path, ending: str) -> None:
    page = tab.open("#files")
    sample = saved(page, page.get_by_role("button", name=f"Sample file ({ending.upper()})"), tmp_path)
    assert sample.name == f"sample-houses.{ending}"
    entry = submit(page, sample)
    expect(entry).to_contain_text("Finished: 1 row priced, 0 refused", timeout=BOUNDED_MS)
    tab.check_silent()


def test_a_file_of_the_survey_is_priced_as_it_is(tab: Tab, tmp_path: Path) -> None:
    page = tab.open("#files")

    lines = SURVEY.read_text(encoding="utf-8").splitlines(keepends=True)
    file = tmp_path / "survey.csv"
    file.write_text("".join(lines[:21]), encoding="utf-8")
    expect(submit(page, file)).to_contain_text("Finished: 20 rows priced, 0 refused", timeout=BOUNDED_MS)


def test_a_file_can_be_dropped_anywhere(tab: Tab) -> None:
    page = tab.open("#files")
    expect(page.get_by_text("Or drop a file anywhere on this page.")).to_be_visible()
    text = ",".join(house_json()) + "\n" + ",".join("" if one is None else str(one) for one in house_json().values())
    dropped = page.evaluate_handle(
        """(text) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([text], "dropped.csv", {type: "text/csv"}));
          return transfer;
        }""",
        text,
    )
    page.dispatch_event("footer", "dragover", {"dataTransfer": dropped})
    page.dispatch_event("footer", "drop", {"dataTransfer": dropped})
    expect(page.get_by_text("dropped.csv: CSV")).to_be_visible()
    page.keyboard.press("Enter")
    entry = page.get_by_role("listitem").filter(has_text="dropped.csv")
    expect(entry).to_contain_text("Finished: 1 row priced", timeout=BOUNDED_MS)


def test_a_file_without_a_valid_row_fails_and_its_rows_are_explained(tab: Tab, tmp_path: Path) -> None:
    page = tab.open("#files")
    entry = submit(page, ndjson_file(tmp_path / "bad.ndjson", [REFUSED, house_json(grLivArea=ABSENT)]))
    expect(entry).to_contain_text("Failed: 0 rows priced, 2 refused", timeout=BOUNDED_MS)
    entry.get_by_role("button", name="Show refused rows").click()
    expect(entry.get_by_role("row")).to_have_count(3)
    tab.check_view()


def test_a_file_that_cannot_be_read_fails_with_the_reason(tab: Tab, tmp_path: Path) -> None:
    page = tab.open("#files")
    file = tmp_path / "wrong.csv"
    file.write_text("id,lotAera\n1,2\n", encoding="utf-8")
    entry = submit(page, file)
    expect(entry).to_contain_text("Failed", timeout=BOUNDED_MS)
    expect(entry).to_contain_text("lotAera")
    tab.check_view()


def test_files_of_other_types_and_empty_files_are_not_sent(tab: Tab, tmp_path: Path) -> None:
    page = tab.open("#files")
    other, empty = tmp_path / "houses.xlsx", tmp_path / "empty.csv"
    other.write_bytes(b"PK")
    empty.write_bytes(b"")
    page.get_by_label("A CSV, NDJSON or Parquet file").set_input_files(other)
    expect(page.get_by_role("alert")).to_contain_text("houses.xlsx is not a type that can be priced")
    expect(page.get_by_role("button", name="Price this file")).to_be_disabled()
    tab.check_view()
    page.get_by_label("A CSV, NDJSON or Parquet file").set_input_files(empty)
    expect(page.get_by_role("alert")).to_contain_text("empty.csv is empty")
    assert not [one for one in tab.requests if one.endswith("/jobs/scoring")]


def test_a_cancelled_job_stays_cancelled(
    browser: Browser, model_servers: tuple[ModelServer, ModelServer], tmp_path: Path
) -> None:
    # No worker takes the jobs of this queue.
    with running_api(**variables_of(tmp_path, *model_servers)) as url, opened(browser, url) as tab:
        page = tab.open("#files")
        entry = submit(page, csv_file(tmp_path / "waiting.csv", rows()))
        expect(entry).to_contain_text("Waiting for a worker")
        entry.get_by_role("button", name="Cancel").click()
        expect(entry).to_contain_text("Cancelled")
        expect(entry.get_by_role("button")).to_have_count(0)
        page.reload()
        # The API does not keep names of files.
        expect(page.get_by_role("listitem").filter(has_text="Cancelled")).to_contain_text("File of")
        tab.check_view()


def test_a_file_that_is_too_large_is_refused_with_the_limit(
    browser: Browser, model_servers: tuple[ModelServer, ModelServer], tmp_path: Path
) -> None:
    variables = variables_of(tmp_path, *model_servers) | {"ORCHESTRATOR_JOBS__MAX_FILE_BYTES": "20000"}
    with running_api(**variables) as url, opened(browser, url) as tab:
        page = tab.open("#files")
        page.get_by_label("A CSV, NDJSON or Parquet file").set_input_files(
            ndjson_file(tmp_path / "large.ndjson", houses_json(2_000))
        )
        page.get_by_role("button", name="Price this file").click()
        alert = page.get_by_role("alert")
        expect(alert).to_contain_text("large.ndjson is too large")
        expect(alert).to_contain_text("At most 20 kB are accepted")
        tab.check_view()


def test_a_service_without_jobs_says_so(
    browser: Browser, model_servers: tuple[ModelServer, ModelServer], tmp_path: Path
) -> None:
    variables = variables_of(tmp_path, *model_servers)
    del variables["ORCHESTRATOR_JOBS__DATABASE_URL"]
    with running_api(**variables) as url, opened(browser, url) as tab:
        page = tab.open("#files")
        expect(page.get_by_text("Jobs are not enabled on this service")).to_be_visible()
        page.get_by_label("A CSV, NDJSON or Parquet file").set_input_files(csv_file(tmp_path / "x.csv", rows()))
        page.get_by_role("button", name="Price this file").click()
        expect(page.get_by_role("alert")).to_contain_text("This service does not price files")
        tab.check_view()


def test_a_view_that_is_left_asks_for_nothing_more(tab: Tab, tmp_path: Path) -> None:
    page = tab.open("#files")
    submit(page, csv_file(tmp_path / "left.csv", rows()))
    page.get_by_role("link", name="Estimate").click()
    expect(page.get_by_role("heading", level=1)).not_to_contain_text("Price a file")
    tab.requests.clear()
    page.get_by_role("link", name="Files").click()
    # The job is still there, with the name of its file.
    entry = page.get_by_role("listitem").filter(has_text="left.csv")
    expect(entry).to_contain_text("Finished: 2 rows priced", timeout=BOUNDED_MS)
    tab.check_silent()


def test_a_key_is_sent_with_uploads_and_downloads(guarded_tab: Tab, guarded: GuardedService, tmp_path: Path) -> None:
    page = guarded_tab.open("#files")
    page.get_by_label("API key").fill(guarded.keys["jobs"])
    page.get_by_role("button", name="Use key").click()
    expect(page.get_by_text("Key in use")).to_be_visible()
    entry = submit(page, csv_file(tmp_path / "secret.csv", rows()))
    expect(entry).to_contain_text("Finished: 2 rows priced", timeout=BOUNDED_MS)
    assert ids_in(saved(page, entry.get_by_role("button", name="Download prices"), tmp_path)) == [1, 2]
    assert not [one for one in guarded_tab.requests if guarded.keys["jobs"] in one]
    guarded_tab.check_view()


def test_a_key_without_the_scope_is_told_which_one_is_missing(
    guarded_tab: Tab, guarded: GuardedService, tmp_path: Path
) -> None:
    page = guarded_tab.open("#files")
    page.get_by_label("API key").fill(guarded.keys["predict"])
    page.get_by_role("button", name="Use key").click()
    expect(page.get_by_text("Key in use")).to_be_visible()
    page.get_by_label("A CSV, NDJSON or Parquet file").set_input_files(csv_file(tmp_path / "x.csv", rows()))
    page.get_by_role("button", name="Price this file").click()
    expect(page.get_by_role("alert")).to_contain_text("This key lacks the scope `jobs`")
    guarded_tab.check_view()
