"""The scoring application: MLflow's routes, with a fast path for `dataframe_split` calls.

`POST /invocations` answers well-formed `dataframe_split` bodies itself, also with the parameters of the model
(`fast_scoring.py`). MLflow's handler function answers every other content type and format, and words every error.
`GET /ranges` publishes the values that a price model has seen (`input_ranges.py`), and `GET /metrics` the metrics
of the server (`metrics.py`). MLflow's own application serves all other routes. Nothing in MLflow's modules is replaced.
"""

import asyncio
import json
import re
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Final

from mlflow.environment_variables import MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import PyFuncModel, scoring_server
from mlflow.pyfunc.scoring_server import InvocationsResponse
from mlflow.types import Schema
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from housing_price_model.serving import input_ranges
from housing_price_model.serving.fast_scoring import DirectModel, read_call, write_predictions
from housing_price_model.serving.metrics import PATH as METRICS_PATH
from housing_price_model.serving.metrics import ModelServerMetrics

_JSON: Final = scoring_server.CONTENT_TYPE_JSON
_JSON_IN_UTF_8: Final = re.compile(rf"\s*{_JSON}\s*(;\s*charset=(?i:utf-8)\s*)*")


class Invocations:
    """Answers bodies of `POST /invocations`."""

    def __init__(self, model: PyFuncModel, count_rows: Callable[[int], object] = lambda _: None) -> None:
        """Answer with `model`; `count_rows` is called with the number of rows of each answer that has predictions."""
        self._model = model
        self._count_rows = count_rows
        self._schema = model.metadata.get_input_schema()
        self._params_schema = model.metadata.get_params_schema()
        self._direct = DirectModel(model)

    def answer(self, body: bytes, content_type: str | None) -> InvocationsResponse:
        """Answer the rows of a body.

        Raises:
            MlflowException: MLflow or the model refuses the body.
        """
        is_json = content_type is not None and _JSON_IN_UTF_8.fullmatch(content_type)
        call = read_call(body, self._params_schema) if is_json else None
        if call is not None:
            # MLflow's handler, below, reports the error of a model.
            with suppress(Exception):
                answer = InvocationsResponse(write_predictions(self._direct.predict(*call)), 200, _JSON)
                self._count_rows(len(call.rows))
                return answer
        answer = self._ask_mlflow(body, content_type, self._model, self._schema)
        if call is not None:
            # The model refused the rows, and MLflow priced them: it converted strings or booleans into numbers.
            answer = self._ask_mlflow(body, content_type, self._direct, None)
        self._count_rows(_rows_in(answer))
        return answer

    @staticmethod
    def _ask_mlflow(
        body: bytes, content_type: str | None, model: PyFuncModel | DirectModel, schema: Schema | None
    ) -> InvocationsResponse:
        answer: InvocationsResponse = scoring_server.invocations(body, content_type, model, schema)
        return answer


def _rows_in(answer: InvocationsResponse) -> int:
    """Count the predictions of an answer of MLflow's handler. A counting model would show in MLflow's tracebacks."""
    document = json.loads(answer.response) if answer.status == HTTPStatus.OK else None
    predictions = document.get("predictions") if isinstance(document, dict) else None
    return len(predictions) if isinstance(predictions, list) else 0


def create_app(model: PyFuncModel, metrics: ModelServerMetrics | None = None) -> Starlette:
    """Create the scoring application for a loaded model; it serves and updates `metrics`, if given."""
    invocations = Invocations(model) if metrics is None else Invocations(model, metrics.count_rows)
    timeout_seconds: float = MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT.get()

    async def invoke(request: Request) -> Response:
        try:
            async with asyncio.timeout(timeout_seconds):
                body = await request.body()
                content_type = request.headers.get("content-type")
                answer = await asyncio.to_thread(invocations.answer, body, content_type)
        except TimeoutError:
            return Response("Request processing time exceeded limit", 504, media_type=_JSON)
        except MlflowException as error:
            return _refusal(error)
        return Response(answer.response, answer.status, media_type=answer.mimetype)

    routes: list[BaseRoute] = [Route("/invocations", invoke, methods=["POST"])]
    if (ranges := input_ranges.input_ranges_of(model)) is not None:

        async def list_ranges(_request: Request) -> Response:
            return JSONResponse(ranges)

        routes.append(Route(input_ranges.PATH, list_ranges, methods=["GET"]))
    if metrics is not None:

        async def show_metrics(request: Request) -> Response:
            page, media_type = metrics.page(request.headers.get("accept", ""))
            return Response(page, headers={"content-type": media_type})

        routes.append(Route(METRICS_PATH, show_metrics, methods=["GET"]))
    return Starlette(routes=[*routes, Mount("/", scoring_server.init(model))])


def _refusal(error: MlflowException) -> Response:
    status: int = error.get_http_status_code()
    return Response(error.serialize_as_json(), status, media_type=_JSON)
