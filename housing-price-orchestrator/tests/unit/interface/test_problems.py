"""Every error has a problem type, and error responses have the documented format."""

import json
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from factories import batch_bytes, house_bytes, houses_json, replace_services, services_of
from fakes import FakePriceModel
from housing_price_orchestrator.interface.problems import PROBLEM_TYPES, problem_type_of
from housing_price_orchestrator.service.pricing import Pricing
from housing_price_orchestrator.shared import errors

PREDICT = "/api/v1/price/predict"


def leaves(kind: type[errors.HousingPriceError]) -> Iterator[type[errors.HousingPriceError]]:
    below = kind.__subclasses__()
    if not below:
        yield kind
    for one in below:
        yield from leaves(one)


LEAVES = sorted(leaves(errors.HousingPriceError), key=lambda kind: kind.__name__)
UNUSABLE_ANSWERS = sorted(leaves(errors.ModelAnswerUnusable), key=lambda kind: kind.__name__)

STATUS_BY_DESIGN = {
    errors.InvalidDocument: 422,
    errors.DocumentTooLarge: 413,
    errors.UnsupportedMediaType: 415,
    errors.DeadlineExceeded: 504,
    errors.ModelServerUnavailable: 503,
    errors.ModelServerBusy: 503,
}


@pytest.mark.parametrize("leaf", LEAVES)
def test_every_error_has_an_answer(leaf: type[errors.HousingPriceError]) -> None:
    assert leaf in PROBLEM_TYPES


def test_the_table_contains_only_errors_of_the_tree() -> None:
    assert set(PROBLEM_TYPES) <= set(LEAVES)


@pytest.mark.parametrize(("kind", "status"), STATUS_BY_DESIGN.items())
def test_each_error_has_its_specified_status(kind: type[errors.HousingPriceError], status: int) -> None:
    assert PROBLEM_TYPES[kind].status == status


@pytest.mark.parametrize("leaf", UNUSABLE_ANSWERS)
def test_an_unusable_model_answer_is_a_502(leaf: type[errors.HousingPriceError]) -> None:
    assert PROBLEM_TYPES[leaf].status == 502


@pytest.mark.parametrize("leaf", LEAVES)
def test_only_temporary_problems_have_a_retry_after(leaf: type[errors.HousingPriceError]) -> None:
    problem = PROBLEM_TYPES[leaf]
    assert (problem.retry_after_seconds is not None) == (problem.status == 503)


def test_problem_names_are_unique() -> None:
    names = [problem.name for problem in PROBLEM_TYPES.values()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("error", [errors.HousingPriceError("x"), ValueError("x"), KeyError("x")])
def test_an_error_without_a_row_is_a_500(error: Exception) -> None:
    assert problem_type_of(error).status == 500


WITH_MEMBERS = [
    (errors.DocumentTooLarge(1000), "At most 1000 bytes are accepted."),
    (errors.HeadTooLarge(1000), "The request line and all headers may have at most 1000 bytes in total."),
    (errors.UnsupportedMediaType("application/json"), "Send `application/json`, uncompressed."),
    (errors.UnsupportedMediaType("text/csv", "text/html"), "Send `text/csv` or `text/html`, uncompressed."),
    (errors.ScopeMissing("a1b2c3d4", "admin"), "This key lacks the scope `admin`."),
    (errors.JobFinished("1", "failed"), "The job is in the final state `failed` and cannot be changed."),
    (
        errors.JobHasNoResult("1", "running"),
        (
            "This job has no such result in the state `running`. Results exist only after a job has succeeded; refused "
            "rows also after it failed with `no-row-priced`."
        ),
    ),
    (
        errors.JobOutputTaken("file:///jobs/june.csv"),
        (
            "`file:///jobs/june.csv` already exists, or another unfinished job writes it. Existing files are never "
            "replaced: choose another `output`."
        ),
    ),
    (errors.VersionUnknown("There is no version 99."), "There is no version 99."),
    (errors.TransitionIllegal("Version 2 is archived."), "Version 2 is archived."),
    (errors.ModelRefused("Version 2 has no digest."), "Version 2 has no digest."),
]


@pytest.mark.parametrize(("error", "detail"), WITH_MEMBERS, ids=lambda value: type(value).__name__)
def test_a_detail_names_what_is_specific_to_the_error(error: errors.HousingPriceError, detail: str) -> None:
    assert problem_type_of(error).detail == detail


def test_every_detail_with_a_placeholder_is_filled() -> None:
    templates = {kind for kind, problem in PROBLEM_TYPES.items() if "{" in problem.detail}
    assert templates == {type(error) for error, _ in WITH_MEMBERS}


class TestOverHttp:
    def test_an_unexpected_error_is_a_500_that_reveals_only_the_request_id(self, api: TestClient) -> None:
        replace_services(api, pricing=Pricing(FakePriceModel(error=RuntimeError("SECRET of the inside"))))
        answer = api.post(PREDICT, content=house_bytes(), headers={"x-request-id": "my-id"})
        assert answer.status_code == 500
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["x-request-id"] == "my-id"
        assert answer.json() == {
            "type": "urn:housing-price:problem:internal-error",
            "title": "Internal server error",
            "status": 500,
            "detail": "Quote the `requestId` when you report this error.",
            "requestId": "my-id",
        }

    def test_the_service_keeps_working_after_an_unexpected_error(self, api: TestClient) -> None:
        pricing = services_of(api).pricing
        replace_services(api, pricing=Pricing(FakePriceModel(error=RuntimeError())))
        assert api.post(PREDICT, content=house_bytes()).status_code == 500
        replace_services(api, pricing=pricing)
        assert api.post(PREDICT, content=house_bytes()).status_code == 200

    @pytest.mark.parametrize(
        ("method", "path", "status", "name"),
        [
            ("GET", "/nowhere", 404, "not-found"),
            ("POST", "/api/v1/price", 404, "not-found"),
            ("POST", PREDICT + "/", 404, "not-found"),
            ("POST", "/api/v2/price/predict", 404, "not-found"),
            ("GET", PREDICT, 405, "method-not-allowed"),
            ("DELETE", PREDICT + "/batch", 405, "method-not-allowed"),
            ("POST", "/livez", 405, "method-not-allowed"),
        ],
    )
    def test_unknown_paths_and_methods_are_problem_documents(
        self, api: TestClient, method: str, path: str, status: int, name: str
    ) -> None:
        answer = api.request(method, path)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert problem["type"] == f"urn:housing-price:problem:{name}"
        assert problem["status"] == status
        assert problem["requestId"] == answer.headers["x-request-id"]

    def test_a_405_names_the_allowed_method(self, api: TestClient) -> None:
        assert api.get(PREDICT).headers["allow"] == "POST"

    def test_a_hundred_findings_are_listed_and_the_others_counted(self, api: TestClient) -> None:
        wrong = [{**house, "street": "Dummy", "lotArea": "8450"} for house in houses_json(75)]
        answer = api.post(PREDICT + "/batch", content=batch_bytes(wrong))
        assert answer.status_code == 422
        detail = answer.json()["detail"]
        assert len(detail) == 101
        assert [finding["type"] for finding in detail[:4]] == ["float_type", "literal_error"] * 2 or [
            finding["type"] for finding in detail[:4]
        ] == ["literal_error", "float_type"] * 2
        assert detail[-1]["ctx"] == {"omitted": 50}

    def test_exactly_a_hundred_findings_are_all_listed(self, api: TestClient) -> None:
        wrong = [{**house, "street": "Dummy"} for house in houses_json(100)]
        detail = api.post(PREDICT + "/batch", content=batch_bytes(wrong)).json()["detail"]
        assert len(detail) == 100
        assert detail[-1]["loc"] == ["body", "data", 99, "street"]

    @pytest.mark.parametrize(
        ("value", "is_repeated"),
        [
            ("Dummy", True),
            ("x" * 200, True),
            ("x" * 201, False),
            (17, True),
            (10**199, True),
            (10**250, False),
            (True, True),
            (1.5, True),
            ([], False),
            ({}, False),
            (["Pave"], False),
            ({"Pave": 1}, False),
        ],
        ids=lambda value: repr(value)[:20],
    )
    def test_only_short_scalars_are_echoed(self, api: TestClient, value: object, is_repeated: bool) -> None:
        (finding,) = api.post(PREDICT, content=house_bytes(street=value)).json()["detail"]
        assert finding["loc"] == ["body", "street"]
        assert ("input" in finding) == is_repeated
        if is_repeated:
            assert finding["input"] == value

    def test_a_missing_field_does_not_echo_the_house(self, api: TestClient) -> None:
        body = json.loads(house_bytes())
        del body["street"]
        (finding,) = api.post(PREDICT, json=body).json()["detail"]
        assert (finding["type"], finding["loc"]) == ("missing", ["body", "street"])
        assert "input" not in finding

    @pytest.mark.parametrize(
        ("key", "meant"),
        [("lot_area", "lotArea"), ("LotArea", "lotArea"), ("exterior1st", "exterior1St"), ("bsmtFinSF1", "bsmtFinSf1")],
    )
    def test_a_misspelt_key_gets_a_suggestion(self, api: TestClient, key: str, meant: str) -> None:
        (finding,) = api.post(PREDICT, content=house_bytes(**{key: 1})).json()["detail"]
        assert (finding["type"], finding["loc"]) == ("extra_forbidden", ["body", key])
        assert finding["ctx"]["didYouMean"] == meant

    def test_a_key_without_a_similar_one_gets_no_suggestion(self, api: TestClient) -> None:
        (finding,) = api.post(PREDICT, content=house_bytes(xyzzy=1)).json()["detail"]
        assert "ctx" not in finding

    def test_a_very_long_key_is_truncated(self, api: TestClient) -> None:
        (finding,) = api.post(PREDICT, content=house_bytes(**{"k" * 10_000: 1})).json()["detail"]
        assert len(finding["loc"][1]) == 200
