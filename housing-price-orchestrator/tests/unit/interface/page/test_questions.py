"""The page's code names no field of a house, except for the order of the first questions; labels come from the API."""

import re
from typing import Final

from housing_price_orchestrator.interface.openapi.answer_labels import LABELS_OF_ANSWERS
from housing_price_orchestrator.interface.page.routes import STATIC
from housing_price_orchestrator.shared.view.estimate import REQUIRED_FACTS, HouseFacts
from housing_price_orchestrator.shared.view.fields import house_fields

FORM: Final = STATIC / "form.js"
FIRST_QUESTIONS: Final = re.compile(r"export const FIRST_QUESTIONS = \[([^]]*)\];")


def first_questions() -> list[str]:
    found = FIRST_QUESTIONS.search(FORM.read_text())
    assert found
    return re.findall(r'"([^"]+)"', found[1])


def test_the_first_questions_are_fields_and_hold_all_that_is_needed() -> None:
    keys = {field.key for field in house_fields()}
    needed = {str(HouseFacts.model_fields[name].alias) for name in REQUIRED_FACTS}
    assert needed <= set(first_questions()) <= keys


def test_no_other_code_names_a_field() -> None:
    # Keys of one lower-case word, such as `fence`, are also words of texts.
    keys = [field.key for field in house_fields() if not field.key.islower()]
    assert len(keys) > 50
    names = re.compile(rf"\b({'|'.join(keys)})\b")
    for path in STATIC.glob("*.js"):
        code = FIRST_QUESTIONS.sub("", path.read_text())
        assert names.findall(code) == [], path.name


def test_the_page_asks_for_labels_of_words_that_have_some() -> None:
    code = "".join(path.read_text() for path in sorted(STATIC.glob("*.js")))
    asked = set(re.findall(r'labelOf\("(\w+)"', code))
    assert {"Confidence", "JobState", "ValuationPart", "ValueMethod"} <= asked
    assert asked <= {kind.__name__ for kind in LABELS_OF_ANSWERS}
