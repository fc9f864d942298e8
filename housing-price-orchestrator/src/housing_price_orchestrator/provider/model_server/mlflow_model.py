"""Adapts the MLflow client to the port `Model`: questions to rows, and predictions to checked answers."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Final

from housing_price_orchestrator.observability.record import current_call
from housing_price_orchestrator.provider.model_server.mlflow_client import NAME, MLflowClient
from housing_price_orchestrator.shared.errors import SomeAnswersUnusable
from housing_price_orchestrator.shared.ids import unique_ids
from housing_price_orchestrator.shared.ports import ModelIdentity, Variant
from housing_price_survey.columns import COLUMNS

READINESS_CALL_ID: Final = "readiness"
"""Call id of readiness probes; the product's model server logs these calls below `info`."""

_new_call_id = unique_ids()


class MLflowModel[Question, Answer](ABC):
    """A model over the columns of the survey, behind one MLflow model server.

    Subclasses say how a question becomes a row, and how a prediction becomes an answer.
    """

    unusable: ClassVar[type[SomeAnswersUnusable]]
    """The error for a call in which at least one prediction is not a valid answer."""

    def __init__(
        self,
        client: MLflowClient,
        *,
        model_name: str,
        variant: Variant = "champion",
        new_call_id: Callable[[], str] = _new_call_id,
    ) -> None:
        """Call `client` in the role of `variant`.

        Args:
            client: the client of the model server.
            model_name: the name to report if the model server does not give one.
            variant: the role of this model: champion, canary or shadow.
            new_call_id: creates the call id that appears in the model server's log.
        """
        self._variant: Variant = variant
        self._client = client
        self._model_name = model_name
        self._new_call_id = new_call_id

    async def answer(self, questions: Sequence[Question], /) -> Sequence[Answer]:
        """See `Model.answer`."""
        if not questions:
            return []
        answers, is_flawed = await self._call(questions)
        if is_flawed:
            raise self._unusable(answers)
        return answers  # type: ignore[return-value]  # without flaws there is no None

    @abstractmethod
    def _write(self, question: Question, /) -> bytes:
        """Return the model's row for a question, as a JSON list."""

    @abstractmethod
    def _read(self, question: Question, row: bytes, prediction: Any, model: ModelIdentity, /) -> Answer:
        """Return the answer in a prediction.

        Raises:
            TypeError, ValueError, LookupError, OverflowError: the prediction is not a valid answer to the question.
        """

    async def _call(self, questions: Sequence[Question], params: bytes = b"") -> tuple[list[Answer | None], bool]:
        """Ask questions in one call; returns None for each unusable answer, and whether there is one.

        `params` are parameters of the model for all the questions, as a JSON object.
        """
        call_id = self._new_call_id()
        call = current_call.get()
        if call is not None:
            call.id = call_id
            call.attempts += 1
            call.address = self._client.address
        rows = [self._write(question) for question in questions]
        received = await self._client.invoke(COLUMNS, rows, params=params, call_id=call_id)
        name = received.model_name or self._model_name
        identities: dict[str, ModelIdentity] = {}
        answers: list[Answer | None] = []
        is_flawed = False
        read = self._read
        for question, row, prediction in zip(questions, rows, received.predictions, strict=True):
            try:
                model_id = prediction["model_id"]
                identity = identities.get(model_id)
                if identity is None:
                    identity = identities[model_id] = self._identity(name, received.model_version, model_id)
                answers.append(read(question, row, prediction, identity))
            except (TypeError, ValueError, LookupError, OverflowError):
                is_flawed = True
                answers.append(None)
        return answers, is_flawed

    def _unusable(self, answers: Sequence[Answer | None]) -> SomeAnswersUnusable:
        # The message has no text of the model server: it must not reach the log.
        return self.unusable(f"{answers.count(None)} of {len(answers)} unusable", answers)

    def _identity(self, name: str, version: str | None, model_id: Any) -> ModelIdentity:
        if type(model_id) is not str or not NAME.fullmatch(model_id):
            raise TypeError("model_id is not a valid name")
        return ModelIdentity(name, version or model_id, model_id, self._variant)
