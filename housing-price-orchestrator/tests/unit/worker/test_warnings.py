"""Results of files in JSON say which features are outside what the model has seen; other formats have fixed columns."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from factories import house_json
from housing_price_orchestrator.interface.documents.lines import read_named_house
from housing_price_orchestrator.provider.jobs.files import FolderJobFiles
from housing_price_orchestrator.provider.model_server.columns import row_of
from housing_price_orchestrator.shared.input_ranges import InputRanges, SeenValues, ValueRange
from housing_price_orchestrator.shared.ports import ModelIdentity, PriceEstimate
from housing_price_orchestrator.shared.view.record import AnyHouse
from housing_price_orchestrator.worker.refused_rows import describe_error
from housing_price_orchestrator.worker.score_file import START, FileScoring, InputFile
from housing_price_survey.columns import SURVEY_COLUMNS

JOB = "0" * 32
RANGES = InputRanges(
    "m-1",
    [SeenValues(column.key, ValueRange(2006, 2010) if column.key == "yrSold" else None) for column in SURVEY_COLUMNS],
)


def price(houses: Sequence[AnyHouse]) -> Callable[[], Sequence[PriceEstimate]]:
    return lambda: [PriceEstimate(100.0, 90.0, 110.0, ModelIdentity("house-price", "1", "m-1")) for _ in houses]


@pytest.mark.parametrize("output", ["csv", "ndjson"])
def test_rows_of_a_result_have_their_own_warnings(tmp_path: Path, output: str) -> None:
    files = FolderJobFiles(tmp_path / "jobs")
    scoring = FileScoring(
        files,
        read=read_named_house,
        price=price,
        warnings_of=lambda house, _estimate: RANGES.warnings_of(row_of(house)),
        describe_error=describe_error,
        rows_per_step=10,
        max_file_bytes=10**9,
    )
    source = InputFile(tmp_path / "houses.ndjson", "ndjson")
    source.path.write_text(
        "\n".join(json.dumps(house_json(id=number, yrSold=year)) for number, year in ((1, 2010), (2, 2026)))
    )
    checkpoint = scoring.score_step(JOB, source, output, START, source, total=scoring.count(source))
    scoring.join(JOB, output, [checkpoint["part"]], checkpoint, source)
    lines = files.result_path(JOB, output).read_text().splitlines()
    if output == "csv":
        assert lines[0].split(",")[-1] == "modelId"
        assert len(lines) == 3
    else:
        first, second = map(json.loads, lines)
        assert "warnings" not in first
        assert second["warnings"] == [{"field": "yrSold", "value": 2026, "range": {"low": 2006.0, "high": 2010.0}}]
