"""What one call costs inside MLflow's model server, step by step, without HTTP: as MLflow does it, and as `serve` does.

Everything runs in this process, one step after the other in turns, and medians count. Each step is timed by itself, so
that a sum of steps may differ a little from the whole.
"""

import statistics
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path
from typing import Final

import mlflow
import onnxruntime
import orjson
from mlflow.pyfunc import PyFuncModel, scoring_server

from benchmarks import houses, model
from benchmarks.paths import RESULTS
from benchmarks.scenarios import in_turn
from housing_price_model.serving import fast_scoring

TURNS: Final = {1: 300, 1_000: 40}
"""How often each step is timed, by the rows of a call."""

JSON: Final = scoring_server.CONTENT_TYPE_JSON

type Steps = Mapping[str, Callable[[], object]]


def measure(export: Path | None = None) -> None:
    """Time every step and write results/model-server.md."""
    loaded = mlflow.pyfunc.load_model(str((export or model.exported()) / "model"))
    found = {rows: _medians_ms(_steps(loaded, rows), TURNS[rows]) for rows in TURNS}
    lines = ["| one call, ms | 1 row | 1,000 rows |", "| --- | ---: | ---: |"]
    lines += [f"| {name} | {found[1][name]:.2f} | {found[1_000][name]:.2f} |" for name in found[1]]
    side_by_side = _medians_ms(_side_by_side(loaded), TURNS[1_000])
    lines += ["", "| 1,000 rows, ms | |", "| --- | ---: |"]
    lines += [f"| {name} | {milliseconds:.2f} |" for name, milliseconds in side_by_side.items()]
    text = "\n".join(lines) + "\n"
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "model-server.md").write_text(text, encoding="utf-8")
    print(text)  # noqa: T201 - the result


def _steps(loaded: PyFuncModel, rows: int) -> Steps:
    schema = loaded.metadata.get_input_schema()
    direct = fast_scoring.DirectModel(loaded)
    some = houses.rows()[:rows]
    split = houses.INVOCATIONS.body(range(rows))
    frame = scoring_server._parse_json_data(split, loaded.metadata, schema).data  # noqa: SLF001 - the step itself
    lists = fast_scoring.parse(split, direct.metadata).data
    answer = direct.predict(lists)
    # `instances` and `inputs` are missing: MLflow makes the text "None" of a blank there, which the model refuses.
    formats = {
        "dataframe_split": (split, JSON),
        "dataframe_records": (orjson.dumps({"dataframe_records": some}), JSON),
        "CSV": (frame.to_csv(index=False).encode(), scoring_server.CONTENT_TYPE_CSV),
    }
    return {
        **{
            f"MLflow's way, whole, {name}": lambda data=data, kind=kind: scoring_server.invocations(
                data, kind, loaded, schema
            )
            for name, (data, kind) in formats.items()
        },
        "MLflow's way: read the body, make a DataFrame": lambda: scoring_server._parse_json_data(  # noqa: SLF001
            split, loaded.metadata, schema
        ),
        "MLflow's way: check against the signature, and price": lambda: loaded.predict(frame),
        "price a DataFrame that was not checked": lambda: direct.predict(frame),
        "MLflow's way: write the answer": lambda: scoring_server.predictions_to_json(answer, StringIO()),
        "`serve`, whole, dataframe_split": lambda: _as_served(direct, split),
        "`serve`: read the body, keep rows": lambda: fast_scoring.parse(split, direct.metadata),
        "`serve`: price rows": lambda: direct.predict(lists),
        "`serve`: write the answer": lambda: fast_scoring.write(answer, StringIO()),
    }


def _side_by_side(loaded: PyFuncModel) -> Steps:
    direct = fast_scoring.DirectModel(loaded)
    whole, half = (houses.INVOCATIONS.body(range(count)) for count in (1_000, 500))
    python_model = loaded.unwrap_python_model()
    frame = fast_scoring.parse(whole, direct.metadata).data
    matrix = python_model._features.matrix(python_model._encoder.encode(frame))  # noqa: SLF001 - the graph's own input
    graph = loaded._model_impl.context.artifacts["graph"]  # noqa: SLF001 - MLflow has no other way to it

    def session(threads: int) -> Callable[[], object]:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        made = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        return lambda: made.run(None, {"x": matrix})

    return {
        "`serve`, one call": lambda: _as_served(direct, whole),
        "`serve`, two calls of 500, one after the other": lambda: [_as_served(direct, half) for _ in range(2)],
        "`serve`, two calls of 500 in two threads": lambda: _in_threads(lambda: _as_served(direct, half), 2),
        "the graph alone, one thread (as it is served)": session(1),
        "the graph alone, two threads of ONNX Runtime": session(2),
    }


def _as_served(direct: fast_scoring.DirectModel, body: bytes) -> None:
    fast_scoring.write(direct.predict(fast_scoring.parse(body, direct.metadata).data), StringIO())


def _in_threads(work: Callable[[], object], count: int) -> None:
    with ThreadPoolExecutor(count) as pool:
        for asked in [pool.submit(work) for _ in range(count)]:
            asked.result()


def _medians_ms(steps: Steps, turns: int) -> dict[str, float]:
    for step in steps.values():
        step()
    times: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(turns):
        for name in in_turn(list(steps), turn):
            started = time.perf_counter()
            steps[name]()
            times[name].append(time.perf_counter() - started)
    return {name: statistics.median(of_step) * 1000 for name, of_step in times.items()}
