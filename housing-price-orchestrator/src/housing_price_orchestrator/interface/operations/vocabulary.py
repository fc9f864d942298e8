"""The features of a house and their values in words for people, such as `NAmes`: "North Ames"; and words of answers."""

from functools import cache
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response
from pydantic import Field

from housing_price_orchestrator.interface.openapi.answer_labels import LABELS_OF_ANSWERS, WordLabels
from housing_price_orchestrator.interface.revalidation import revalidated_response
from housing_price_orchestrator.shared.view.base import View
from housing_price_orchestrator.shared.view.fields import FieldKind, HouseField, house_fields
from housing_price_survey.columns import FEATURE_GROUPS, FeatureGroup, Unit
from housing_price_survey.titles import GROUP_TITLES

PATH: Final = "/api/v1/vocabulary"

router = APIRouter(tags=["service"])

_MAY_BE_KEPT: Final = {"cache-control": "public, max-age=3600"}
_ETAG: Final[dict[str, Any]] = {
    "ETag": {"description": "Identifies the content, for `If-None-Match`.", "schema": {"type": "string"}}
}


class FeatureGroupTitle(View):
    """A group of features."""

    key: Annotated[FeatureGroup, Field(examples=["lot"])]
    """The key of the group, as in explanations of valuations."""
    title: Annotated[str, Field(examples=["Lot"])]
    """The title of the group."""


class FeatureValue(View):
    """A value of a feature."""

    value: Annotated[int | str, Field(examples=["Pave"])]
    """The value in a house."""
    label: Annotated[str, Field(examples=["Paved"])]
    """The value in words."""


class Feature(View):
    """A feature of a house."""

    key: Annotated[str, Field(examples=["alley"])]
    """The key in a house."""
    title: Annotated[str, Field(examples=["Alley access"])]
    """A short title."""
    description: Annotated[str, Field(examples=["The type of alley access to the property; null if there is none."])]
    """One sentence about the feature."""
    group: Annotated[FeatureGroup, Field(examples=["lot"])]
    """The key of its group."""
    kind: Annotated[FieldKind, Field(examples=["text"])]
    """The type of its values."""
    unit: Annotated[Unit | None, Field(examples=[None])]
    """The unit of a number; null for a feature whose values are a list of words or codes."""
    nullable: Annotated[bool, Field(examples=[True])]
    """Whether the value may be null."""
    blank: Annotated[str | None, Field(examples=["No alley access"])]
    """Null in words; null if the feature is not nullable, or if a null value only means that it is unknown."""
    minimum: Annotated[float | None, Field(examples=[None])]
    """The lowest number; null for a feature whose values are a list of words or codes."""
    maximum: Annotated[float | None, Field(examples=[None])]
    """The highest number; null for a feature whose values are a list of words or codes."""
    values: Annotated[
        list[FeatureValue],
        Field(examples=[[{"value": "Pave", "label": "Paved"}, {"value": "Grvl", "label": "Gravel"}]]),
    ]
    """Each value in words, in the order in which to show them; empty for a number of a large range."""


class AnswerWord(View):
    """A word of an answer."""

    value: Annotated[str, Field(examples=["high"])]
    """The word in an answer."""
    label: Annotated[str, Field(examples=["High"])]
    """The word for people."""


class AnswerWords(View):
    """The words that a member of an answer can have."""

    name: Annotated[str, Field(examples=["Confidence"])]
    """The name of their schema in the OpenAPI document."""
    values: list[AnswerWord]
    """Each word, in the order in which to show them."""


class Vocabulary(View):
    """The features of a house and the words of answers, in words for people."""

    groups: list[FeatureGroupTitle]
    """The groups of features, in the order in which to show them."""
    fields: list[Feature]
    """The 79 features, in the order of `House`."""
    answers: list[AnswerWords]
    """The words of answers, such as grades and states, by the name of their schema."""


@cache
def _encoded() -> bytes:
    document = Vocabulary(
        groups=[FeatureGroupTitle(key=key, title=GROUP_TITLES[key]) for key in FEATURE_GROUPS],
        fields=[_feature(field, field.group) for field in house_fields() if field.group is not None],
        answers=[_answer_words(str(kind.__name__), labels) for kind, labels in LABELS_OF_ANSWERS.items()],
    )
    return document.model_dump_json().encode()


def _answer_words(name: str, labels: WordLabels) -> AnswerWords:
    return AnswerWords(name=name, values=[AnswerWord(value=word, label=label) for word, label in labels.items()])


def _feature(field: HouseField, group: FeatureGroup) -> Feature:
    return Feature(
        key=field.key,
        title=field.title,
        description=field.description,
        group=group,
        kind=field.kind,
        unit=field.unit,
        nullable=field.is_nullable,
        blank=field.blank,
        minimum=field.minimum,
        maximum=field.maximum,
        values=[FeatureValue(value=value, label=label) for value, label in field.labels.items()],
    )


@router.get(
    PATH,
    summary="List the features and their values in words",
    operation_id="getVocabulary",
    response_model=Vocabulary,
    responses={
        200: {"headers": _ETAG},
        304: {"description": "The caller's copy is up to date", "headers": _ETAG},
    },
)
@router.head(PATH, include_in_schema=False)
async def vocabulary(request: Request) -> Response:
    """Return a title, the group, the unit and the values in words of each feature, for forms and for results.

    Words of answers, such as the grades of confidence, have a label as well. The OpenAPI document has the same titles
    and labels. The content changes only with the version of the service.
    A request with the `ETag` of the caller's copy in `If-None-Match` is answered with 304 while the copy is up to date.
    """
    return revalidated_response(_encoded(), "application/json", request.scope, _MAY_BE_KEPT)
