"""Times the steps of one call inside the model server without HTTP: in MLflow's scoring server and in `serve`.

All steps run in this process in turns, and the medians are reported. Each step is timed separately, so the sum of the
steps can differ slightly from the whole.
"""

import statistics
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Final

import mlflow
import onnxruntime
import orjson
from mlflow.pyfunc import PyFuncModel, scoring_server

from benchmarks import houses, model
from benchmarks.paths import RESULTS
from benchmarks.scenarios import rotated
from housing_price_model.serving.fast_scoring import DirectModel, Rows, read_rows, write_predictions
from housing_price_model.serving.scoring_app import Invocations

TURNS: Final = {1: 300, 1_000: 40}
"""Repetitions of each step, by rows per call."""

JSON: Final = scoring_server.CONTENT_TYPE_JSON

type Steps = Mapping[str, Callable[[], object]]


def measure(export: Path | None = None) -> None:
    """Time every step and write the tables to results/model-server.md."""
    loaded = mlflow.pyfunc.load_model(str((export or model.exported()) / "model"))
    medians = {rows: _medians_ms(_steps(loaded, rows), TURNS[rows]) for rows in TURNS}
    lines = ["| one call, ms | 1 row | 1,000 rows |", "| --- | ---: | ---: |"]
    lines += [f"| {name} | {medians[1][name]:.2f} | {medians[1_000][name]:.2f} |" for name in medians[1]]
    parallel = _medians_ms(_calls_and_threads(loaded), TURNS[1_000])
    lines += ["", "| 1,000 rows, ms | |", "| --- | ---: |"]
    lines += [f"| {name} | {milliseconds:.2f} |" for name, milliseconds in parallel.items()]
    text = "\n".join(lines) + "\n"
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "model-server.md").write_text(text, encoding="utf-8")
    print(text)  # noqa: T201 - the result


def _steps(loaded: PyFuncModel, rows: int) -> Steps:
    schema = loaded.metadata.get_input_schema()
    serving, direct = Invocations(loaded), DirectModel(loaded)
    rows_of_call = houses.rows()[:rows]
    split_body = houses.INVOCATIONS.body(range(rows))
    frame = scoring_server._parse_json_data(split_body, loaded.metadata, schema).data  # noqa: SLF001 - the step to time
    rows_to_predict = _rows(split_body)
    answer = direct.predict(rows_to_predict)
    # `instances` and `inputs` are missing: in them MLflow turns a blank into the text "None", which the model rejects.
    formats = {
        "dataframe_split": (split_body, JSON),
        "dataframe_records": (orjson.dumps({"dataframe_records": rows_of_call}), JSON),
        "CSV": (frame.to_csv(index=False).encode(), scoring_server.CONTENT_TYPE_CSV),
    }
    return {
        **{
            f"MLflow, whole call, {name}": partial(scoring_server.invocations, data, kind, loaded, schema)
            for name, (data, kind) in formats.items()
        },
        "MLflow: parse the body into a DataFrame": lambda: scoring_server._parse_json_data(  # noqa: SLF001
            split_body, loaded.metadata, schema
        ),
        "MLflow: check against the signature and predict": lambda: loaded.predict(frame),
        "predict an unchecked DataFrame": lambda: direct.predict(frame),
        "MLflow: write the answer": lambda: scoring_server.predictions_to_json(answer, StringIO()),
        "`serve`, whole call, dataframe_split": lambda: serving.answer(split_body, JSON),
        "`serve`: parse the body into rows": lambda: read_rows(split_body),
        "`serve`: predict rows": lambda: direct.predict(rows_to_predict),
        "`serve`: write the answer": lambda: write_predictions(answer),
    }


def _calls_and_threads(loaded: PyFuncModel) -> Steps:
    serving = Invocations(loaded)
    whole, half = (houses.INVOCATIONS.body(range(count)) for count in (1_000, 500))
    python_model = loaded.unwrap_python_model()
    matrix = python_model._features.matrix(python_model._encoder.encode(_rows(whole)))  # noqa: SLF001 - the input of the graph
    graph = loaded._model_impl.context.artifacts["graph"]  # noqa: SLF001 - MLflow has no public way

    def session(threads: int) -> Callable[[], object]:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        inference = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        return lambda: inference.run(None, {"x": matrix})

    return {
        "`serve`, one call": lambda: serving.answer(whole, JSON),
        "`serve`, two sequential calls of 500": lambda: [serving.answer(half, JSON) for _ in range(2)],
        "`serve`, two concurrent calls of 500 in threads": lambda: _in_threads(lambda: serving.answer(half, JSON), 2),
        "ONNX graph only, one thread (as served)": session(1),
        "ONNX graph only, two threads": session(2),
    }


def _rows(body: bytes) -> Rows:
    rows = read_rows(body)
    if rows is None:
        raise ValueError("the body is not a well-formed dataframe_split")
    return rows


def _in_threads(work: Callable[[], object], count: int) -> None:
    with ThreadPoolExecutor(count) as pool:
        for future in [pool.submit(work) for _ in range(count)]:
            future.result()


def _medians_ms(steps: Steps, turns: int) -> dict[str, float]:
    for step in steps.values():
        step()
    times: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(turns):
        for name in rotated(list(steps), turn):
            started = time.perf_counter()
            steps[name]()
            times[name].append(time.perf_counter() - started)
    return {name: statistics.median(of_step) * 1000 for name, of_step in times.items()}
