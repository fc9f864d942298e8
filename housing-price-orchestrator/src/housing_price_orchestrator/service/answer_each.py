"""Answers questions independently: a question without an answer does not fail the others."""

from collections.abc import Awaitable, Callable, Sequence

from housing_price_orchestrator.shared.errors import HousingPriceError, RowsRefused, SomeAnswersUnusable

type AnswerAll[Question, Answer] = Callable[[Sequence[Question]], Awaitable[Sequence[Answer]]]
"""The method `answer` of a `Model`, or a function with the same promises."""


async def answer_each[Question, Answer](
    answer: AnswerAll[Question, Answer], questions: Sequence[Question]
) -> Sequence[Answer | HousingPriceError]:
    """Return an answer or an error for each question, in order."""
    try:
        return await answer(questions)
    except SomeAnswersUnusable as error:
        if len(error.answers) != len(questions):
            raise RuntimeError(f"{len(error.answers)} answers for {len(questions)} questions") from error
        return [error if one is None else one for one in error.answers]
    except RowsRefused as error:
        if len(questions) == 1:
            return [error]
        # Halving isolates the row that the model server refuses, in at most log2(n) steps.
        middle = len(questions) // 2
        return [*await answer_each(answer, questions[:middle]), *await answer_each(answer, questions[middle:])]
    except HousingPriceError as error:
        return [error] * len(questions)
