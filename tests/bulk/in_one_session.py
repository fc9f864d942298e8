"""Scores files in one Spark session, which takes long to start, as `housing-price score --engine spark` scores one.

Usage: `python in_one_session.py MASTER FILES`; FILES is a JSON list of `[input, output, model, sent model]`. The model
that executors get can differ from the verified one. The last line of the output is a JSON list of summaries and errors.
"""

import json
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from housing_price.bulk.command import summary_of
from housing_price.bulk.engines.spark import SparkEngine, open_spark
from housing_price.bulk.score import Request, score
from housing_price.errors import BulkError


def main(master: str, files: list[list[str]]) -> None:
    with open_spark(master, Path(files[0][2]), "unused") as engine:
        print(json.dumps([score_file(engine.session, *names) for names in files]))


def score_file(session: Any, source: str, output: str, model: str, sent_model: str) -> str:
    def open_engine(_export: Path, digest: str) -> nullcontext[SparkEngine]:
        return nullcontext(SparkEngine(session, Path(sent_model), digest))

    try:
        report = score(Request(source, output, model, "", None, is_shared=True), open_engine, lambda *_: None)
    except BulkError as error:
        return str(error)
    return summary_of(report)


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
