"""One model version per request, also while model servers are being swapped."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from housing_price_orchestrator.shared.errors import ModelChanged
from housing_price_orchestrator.shared.ports import IdentifiedAnswer, Model, ModelIdentity

MAX_ROUNDS: Final = 5
"""Maximum number of repeated calls. With two model servers that each answer half of the calls, one batch in 32 still
fails. A deadline can end it earlier."""


class OneVersionModel[Question, Answer: IdentifiedAnswer]:
    """Repeats the questions that a minority version answered.

    A large batch takes several calls. During a rolling swap different versions may answer them, and their answers are
    not comparable. Promises that all answers to one request have the same `model`.
    """

    def __init__(self, model: Model[Question, Answer]) -> None:
        """Answer with `model`, whose version may change between calls."""
        self._model = model

    async def answer(self, questions: Sequence[Question], /) -> Sequence[Answer]:
        """See `Model.answer`; raises `ModelChanged` after `MAX_ROUNDS` without one common version."""
        answers = await self._model.answer(questions)
        if len(questions) <= 1 or len(_models_of(answers)) == 1:
            return answers
        wanted = _most_frequent(answers)
        for _ in range(MAX_ROUNDS):
            others = [at for at, answer in enumerate(answers) if answer.model != wanted]
            if not others:
                return answers
            again = await self._model.answer([questions[at] for at in others])
            answers = list(answers)
            for at, answer in zip(others, again, strict=True):
                answers[at] = answer
            # Aim for the version that answered now: the earlier one may be gone.
            wanted = _most_frequent(again)
        if len(_models_of(answers)) > 1:
            raise ModelChanged(f"several models answered, also after {MAX_ROUNDS} repeated calls")
        return answers


def _models_of(answers: Sequence[IdentifiedAnswer]) -> set[ModelIdentity]:
    """Return the distinct models. Deduplicates by object first: answers of one call share the identity."""
    models = [answer.model for answer in answers]
    return set(dict(zip(map(id, models), models, strict=True)).values())


def _most_frequent(answers: Sequence[IdentifiedAnswer]) -> ModelIdentity:
    """Return the model that gave the most answers."""
    return Counter(answer.model for answer in answers).most_common(1)[0][0]
