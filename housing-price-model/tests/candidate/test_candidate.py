"""From data to a challenger, with a quick recipe and a registry of its own."""

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.lifecycle_store import new_store
from typer.testing import CliRunner

from housing_price_model.candidate import steps
from housing_price_model.candidate.gate import check_candidate, check_ratio_study
from housing_price_model.candidate.limits import Limits
from housing_price_model.candidate.parameters import Connections, Parameters, Source
from housing_price_model.candidate.run import Run, Step, Task
from housing_price_model.candidate.steps import Candidate
from housing_price_model.candidate.validation import checked_houses
from housing_price_model.cli.app import app
from housing_price_model.errors import CandidateError, DataError, HousingPriceModelError
from housing_price_model.fitting.pipeline import Recipe
from housing_price_model.registry.names import CHALLENGER, COMPARABLES, NAME
from housing_price_model.registry.versions import connect, find_champion
from housing_price_model.serving.verify import verify
from housing_price_model.survey.data import BUNDLED
from housing_price_model.survey.ranges import RANGES
from housing_price_model.training.evaluate_registered import held_out_measures
from housing_price_model.training.mlflow_run import EXPERIMENT
from housing_price_model.training.train import train
from housing_price_survey.columns import NUMBERS, TARGET

pytestmark = [
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning:mlflow"),
]

QUICK = Recipe(trees=20, spread_trees=5, folds=3)
ANY = Limits(
    max_rmsle=1, least_coverage=0, most_coverage=1, max_rmsle_ratio=9, max_mae_ratio=9, max_width_ratio=9,
    max_group_rmsle_ratio=99, least_median_ratio=0, most_median_ratio=9, max_cod=999, least_prd=0, most_prd=9,
    max_prb=9,
)  # fmt: skip


def silent(_stage: str, _share: float) -> None:
    pass


def performed(folder: Path, parameters: Parameters, store: str) -> tuple[Candidate, list[str]]:
    """Perform a run; returns what it came to and which steps were done now."""
    around, done = Connections(store), list[str]()
    run = steps.start(folder, parameters, around)
    found = steps.perform(run, around, silent, lambda step, _, now: done.append(step.name) if now else None)
    return found, done


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory, few_houses: Path) -> str:
    """A registry with a quickly trained champion, version 1."""
    uri = new_store(tmp_path_factory.mktemp("registry"))
    assert train(uri, few_houses, recipe=QUICK).is_champion
    return uri


@pytest.fixture(scope="module")
def asked(few_houses: Path) -> Parameters:
    """A candidate that differs from the champion, which was trained with seed 0."""
    return Parameters(source=Source.CSV, data=str(few_houses), seed=1, recipe=QUICK, limits=ANY)


@pytest.fixture(scope="module")
def first(registry: str, asked: Parameters, tmp_path_factory: pytest.TempPathFactory) -> Candidate:
    return performed(tmp_path_factory.mktemp("first") / "run", asked, registry)[0]


def test_candidate_becomes_the_challenger_and_the_champion_stays(registry: str, first: Candidate) -> None:
    client = connect(registry)
    assert first.to_json()["isChallenger"]
    assert str(client.get_model_version_by_alias(NAME, CHALLENGER).version) == first.version
    champion = find_champion(client)
    assert champion
    assert str(champion.version) == "1"


def test_comparables_of_the_same_run_become_their_challenger_and_their_champion_stays(
    registry: str, first: Candidate
) -> None:
    client = connect(registry)
    comparables = first.to_json()["comparables"]
    assert comparables == {"version": comparables["version"], "isChallenger": True}
    version = client.get_model_version_by_alias(COMPARABLES, CHALLENGER)
    assert str(version.version) == comparables["version"]
    assert version.tags["state"] == "challenger"
    assert version.description == "Finds the nearest of 293 sold houses."
    assert first.version
    assert version.run_id == client.get_model_version(NAME, first.version).run_id
    champion = find_champion(client, COMPARABLES)
    assert champion
    assert (str(champion.version), champion.tags["state"]) == ("1", "champion")
    checked = verify(f"models:/{COMPARABLES}/{comparables['version']}", "", registry)
    assert (checked.houses, checked.differences) == (20, [])


def test_run_holds_the_measures_of_the_values(registry: str, first: Candidate) -> None:
    client = connect(registry)
    _, measures = held_out_measures(f"models:/{NAME}/{first.version}", registry)
    assert measures.studies.keys() == {"price", "value"}
    assert first.version
    run = client.get_run(client.get_model_version(NAME, first.version).run_id or "")
    assert run.data.metrics["value_rmsle"] == measures.valuation["value"]["rmsle"]
    assert run.data.metrics["rmsle"] == first.metrics["rmsle"]
    assert "omparables" in (first.folder / "card" / "model-card.md").read_text()


def versions_and_runs(registry: str) -> tuple[int, int]:
    client = connect(registry)
    experiment = client.get_experiment_by_name(EXPERIMENT)
    assert experiment
    return len(client.search_model_versions(f"name='{NAME}'")), len(client.search_runs([experiment.experiment_id]))


@pytest.fixture(scope="module")
def same(
    registry: str, asked: Parameters, first: Candidate, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Candidate, tuple[int, int], tuple[int, int]]:
    """A candidate from the champion's data, seed and recipe; with the number of versions and runs before and after."""
    del first  # its version is registered before
    before = versions_and_runs(registry)
    found, _ = performed(tmp_path_factory.mktemp("same") / "run", replace(asked, seed=0), registry)
    return found, before, versions_and_runs(registry)


def test_model_that_is_identical_to_the_champion_is_not_registered_again(
    same: tuple[Candidate, tuple[int, int], tuple[int, int]],
) -> None:
    found, before, after = same
    assert found.to_json() | {"metrics": {}, "gate": []} == {
        "sameAs": "1", "version": None, "isChallenger": False, "metrics": {}, "gate": [],
        "comparables": {"sameAs": "1", "version": None, "isChallenger": False},
    }  # fmt: skip
    assert found.passed
    assert before == after


def test_model_that_is_identical_to_the_challenger_is_not_registered_again(
    registry: str, asked: Parameters, first: Candidate, tmp_path: Path
) -> None:
    before = versions_and_runs(registry)
    found, _ = performed(tmp_path / "run", asked, registry)
    assert (found.version, found.same_as) == (None, first.version)
    assert versions_and_runs(registry) == before


@pytest.mark.full
def test_model_of_an_archived_version_is_registered_again(registry: str, asked: Parameters, tmp_path: Path) -> None:
    """An archived version cannot be promoted: it returns only as a new one."""
    client = connect(registry)
    gone, _ = performed(tmp_path / "one", replace(asked, seed=2), registry)
    assert gone.version
    client.set_model_version_tag(NAME, gone.version, "state", "archived")
    again, _ = performed(tmp_path / "two", replace(asked, seed=2), registry)
    assert again.version not in {None, gone.version}
    client.set_model_version_tag(NAME, again.version, "state", "archived")


def test_champion_is_compared_by_its_cross_validated_prices(
    same: tuple[Candidate, tuple[int, int], tuple[int, int]],
) -> None:
    comparison = json.loads((same[0].folder / "compare" / "comparison.json").read_bytes())
    assert comparison["champion"]["houses_seen"] == 293
    # It is the same model: prices of houses that it was trained on would be better than the candidate's.
    assert comparison["overall"]["champion"] == pytest.approx(comparison["overall"]["candidate"])
    assert {group["kind"] for group in comparison["groups"]} == {"neighbourhood", "price band"}
    # The same recipe, seed and houses: nowhere is there a difference.
    assert {group["z"] for group in comparison["groups"]} == {0}


def test_run_in_mlflow_holds_parameters_card_gate_and_cross_validated_prices(registry: str, first: Candidate) -> None:
    client = connect(registry)
    assert first.version
    run_id = client.get_model_version(NAME, first.version).run_id
    assert run_id
    paths = {file.path for file in client.list_artifacts(run_id)}
    assert {"card", "plots", "gate.json", "validation.json", "held_out.json", "parameters.json"} <= paths
    run = client.get_run(run_id)
    assert run.data.tags["gate"] == "passed"
    assert run.info.run_name
    assert run.info.run_name.startswith("candidate ")
    assert run.inputs
    (data,) = run.inputs.dataset_inputs
    assert data.dataset.name == "few"
    cards = Path(client.download_artifacts(run_id, "card"))
    markdown, html = ((cards / f"model-card.{kind}").read_text() for kind in ("md", "html"))
    for card in (markdown, html):
        assert all(
            word in card
            for word in (
                *(
                    "293 houses",
                    "NAmes",
                    "RMSLE",
                    "Ratio studies",
                    "not at arm",
                    "ompared with the champion",
                    "Limitations",
                ),
                *(f"Version {first.version}, 20", "Intended use"),
            )
        )
    assert f"version {first.version}**" in (client.get_model_version(NAME, first.version).description or "")
    assert "http" not in html
    assert html.count("data:image/png;base64,") == 4


def test_finished_run_is_not_repeated(registry: str, first: Candidate, asked: Parameters) -> None:
    again, done = performed(first.folder, asked, registry)
    assert done == []
    assert again == first


@pytest.mark.full
def test_interrupted_registration_leaves_one_version_and_one_run(
    registry: str, asked: Parameters, tmp_path: Path
) -> None:
    found, _ = performed(tmp_path / "run", replace(asked, seed=3), registry)
    client = connect(registry)
    before = len(client.search_model_versions(f"name='{NAME}'"))
    # As if the process had died after it registered and before that was recorded.
    (tmp_path / "run" / "register.json").unlink()
    again, done = performed(tmp_path / "run", asked, registry)
    assert done == ["register"]
    assert len(client.search_model_versions(f"name='{NAME}'")) == before
    assert again.version
    assert str(client.get_model_version_by_alias(NAME, CHALLENGER).version) == again.version
    assert found.metrics == again.metrics
    # As if it had died between the registration of the two models.
    assert again.comparables
    lost = again.comparables["version"]
    client.delete_model_version(COMPARABLES, lost)
    (tmp_path / "run" / "register.json").unlink()
    completed, _ = performed(tmp_path / "run", asked, registry)
    assert completed.version == again.version
    assert completed.comparables
    version = client.get_model_version(COMPARABLES, completed.comparables["version"])
    assert (version.version == lost, version.tags["state"]) == (False, "challenger")
    assert version.run_id == client.get_model_version(NAME, again.version).run_id
    assert completed.comparables["digest"] == again.comparables["digest"]


@pytest.mark.full
def test_run_that_an_earlier_release_began_registers_the_price_model(
    registry: str, asked: Parameters, tmp_path: Path
) -> None:
    found, _ = performed(tmp_path / "run", replace(asked, seed=4), registry)
    record = tmp_path / "run" / "train.json"
    document = json.loads(record.read_bytes())
    del document["result"]["comparables"]
    record.write_text(json.dumps(document))
    (tmp_path / "run" / "register.json").unlink()
    again, done = performed(tmp_path / "run", asked, registry)
    assert (done, again.version, again.comparables) == (["register"], found.version, None)
    assert "comparables" not in again.to_json()


def test_failed_gate_names_the_check_and_the_excess_and_registers_nothing(
    registry: str, asked: Parameters, tmp_path: Path
) -> None:
    client = connect(registry)
    before = len(client.search_model_versions(f"name='{NAME}'"))
    challengers = client.search_model_versions(f"name='{COMPARABLES}' and tag.state = 'challenger'")
    found, _ = performed(tmp_path / "run", replace(asked, limits=replace(ANY, max_rmsle=0.01)), registry)
    assert found.to_json() | {"metrics": {}, "gate": []} == {
        "version": None, "isChallenger": False, "metrics": {}, "gate": [],
        "comparables": {"version": None, "isChallenger": False},
    }  # fmt: skip
    assert client.search_model_versions(f"name='{COMPARABLES}' and tag.state = 'challenger'") == challengers
    (failed,) = [one for one in found.gate if not one["passed"]]
    assert failed["check"] == "RMSLE"
    assert failed["says"].endswith(f"too high by {found.metrics['rmsle'] - 0.01:.4f}")
    assert len(client.search_model_versions(f"name='{NAME}'")) == before
    assert "did not pass the promotion gate" in (found.folder / "card" / "model-card.md").read_text()


@pytest.mark.full
def test_command_exits_with_3_if_the_gate_fails_and_0_if_it_passes(
    registry: str, few_houses: Path, tmp_path: Path
) -> None:
    (tmp_path / "recipe.toml").write_text("trees = 20\nspread_trees = 5\nfolds = 3\n")
    for gate, status, said in (("max_rmsle = 0.01", 3, "Nothing was registered"), (ALL_OPEN, 0, "the challenger")):
        (tmp_path / "gate.toml").write_text(gate)
        options = ["--data", str(few_houses), "--seed", "5", "--recipe", str(tmp_path / "recipe.toml")]
        options += ["--tracking-uri", registry]
        folder = str(tmp_path / f"run-{status}")
        done = CliRunner().invoke(app, ["candidate", *options, "--gate", str(tmp_path / "gate.toml"), "--run", folder])
        assert done.exit_code == status, done.output
        assert said in done.output


ALL_OPEN = "\n".join(f"{name} = {value}" for name, value in ANY.to_json().items())


def measures(rmsle: float) -> dict[str, float]:
    return {"rmsle": rmsle, "coverage": 0.9, "mae_usd": 13_000.0, "median_width_usd": 42_000.0}


@pytest.mark.parametrize(
    ("rmsle", "in_group", "z", "houses", "failed"),
    [
        (0.12, 0.12, 0.0, 400, []),
        (0.1211, 0.12, 0.0, 400, []),  # up to 1 % worse is chance
        (0.1213, 0.12, 0.0, 400, ["RMSLE against the champion"]),
        (0.12, 0.139, 2.98, 30, ["RMSLE against the champion, neighbourhood NAmes"]),
        (0.12, 0.139, 2.97, 30, []),  # within chance
        (0.12, 0.137, 9.0, 400, []),  # worse for certain, but not by much
        (0.12, 0.139, 9.0, 29, []),  # too few to tell
    ],
)
def test_gate_checks_the_overall_error_and_each_large_enough_group(
    rmsle: float, in_group: float, z: float, houses: int, failed: list[str]
) -> None:
    comparison = {
        "champion": {"version": "1"},
        "overall": {"candidate": measures(rmsle), "champion": measures(0.12)},
        "groups": [
            {
                "kind": "neighbourhood", "name": "NAmes", "houses": houses,
                "candidate": {"rmsle": in_group}, "champion": {"rmsle": 0.12}, "z": z,
            }
        ],
    }  # fmt: skip
    verdicts = list(check_candidate(measures(rmsle), comparison, Limits()))
    assert [one.check for one in verdicts if not one.passed] == failed
    assert houses < 30 or f"z {z:.2f}" in verdicts[-1].says


GOOD_STUDY = {
    "median_ratio": {"value": 1.0, "low": 0.99, "high": 1.01},
    "cod": {"value": 8.0, "low": 7.0, "high": 9.0},
    "prd": {"value": 1.01, "low": 1.0, "high": 1.02},
    "prb": {"value": -0.03, "low": -0.04, "high": -0.02},
}


@pytest.mark.parametrize(
    ("measure", "value", "low", "high", "failed"),
    [
        ("prb", -0.03, -0.04, -0.02, []),
        ("prb", -0.06, -0.08, -0.04, []),  # beyond the limit, but its interval is not
        ("prb", -0.08, -0.10, -0.06, ["price-related bias (PRB)"]),
        ("prb", 0.08, 0.06, 0.10, ["price-related bias (PRB)"]),
        ("prb", 0.08, None, None, ["price-related bias (PRB)"]),  # too few sales for an interval
        ("cod", 16.0, 15.1, 17.0, ["coefficient of dispersion (COD), %"]),
        ("cod", 4.0, 3.5, 4.5, []),
        ("prd", 1.05, 1.04, 1.06, ["price-related differential (PRD)"]),
        ("prd", 0.96, 0.95, 0.97, ["price-related differential (PRD)"]),
        ("median_ratio", 1.3, 1.2, 1.4, ["median ratio"]),
        ("median_ratio", 0.8, 0.7, 0.85, ["median ratio"]),
    ],
)
def test_gate_checks_the_ratio_study(
    measure: str, value: float, low: float | None, high: float | None, failed: list[str]
) -> None:
    study = GOOD_STUDY | {measure: {"value": value, "low": low, "high": high}}
    verdicts = list(check_ratio_study(study, Limits()))
    assert [one.check for one in verdicts if not one.passed] == failed
    assert len(verdicts) == 4


def test_gate_does_not_check_a_bias_that_is_not_determined() -> None:
    assert all(one.passed for one in check_ratio_study(GOOD_STUDY | {"prb": None}, Limits()))


type Change = Callable[[list[dict[str, str]]], None]


def every(**cells: str) -> Change:
    def changed(rows: list[dict[str, str]]) -> None:
        for row in rows:
            row.update(cells)

    return changed


def one(**cells: str) -> Change:
    return lambda rows: rows[4].update(cells)


def in_cents(rows: list[dict[str, str]]) -> None:
    for row in rows:
        row[TARGET] = str(int(row[TARGET]) * 100)


def doubled(rows: list[dict[str, str]]) -> None:
    rows += [dict(row) for row in rows[:20]]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (one(YearBuilt="1492"), "line 6, YearBuilt: '1492' is not from 1,800 to 2,100"),
        (one(OverallQual="11"), "line 6, OverallQual: '11' is not from 1 to 10"),
        (one(SalePrice="12"), "line 6, SalePrice: '12' is not from 1,000 to 100,000,000"),
        (one(Street="Dirt"), "line 6, Street: 'Dirt' is not one of Grvl, Pave"),
        (one(LotArea=""), "line 6, LotArea: a value is missing"),
        (
            every(KitchenQual=""),
            "missing values: columns with far more missing values than in the last training set: KitchenQual 100%",
        ),
        (every(LotArea="5000"), "distribution: columns far from the last training set: LotArea (PSI"),
        (in_cents, "sale prices: the median is"),
        (doubled, "duplicates: 20 of 313 houses are duplicates"),
        (lambda rows: rows.__delitem__(slice(150, None)), "houses: 150 houses (minimum 200)"),
    ],
)
def test_invalid_training_data_ends_the_run_with_its_findings(
    registry: str, asked: Parameters, tmp_path: Path, change: Change, says: str
) -> None:
    with Path(asked.data or "").open(newline="") as file:
        rows = list(csv.DictReader(file))
    change(rows)
    path = tmp_path / "houses.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    with pytest.raises(DataError) as error:
        performed(tmp_path / "run", replace(asked, data=str(path)), registry)
    assert says in str(error.value)
    assert not (tmp_path / "run" / "validate.json").exists()


def test_bundled_survey_satisfies_the_schema() -> None:
    assert len(checked_houses(BUNDLED)) == 2930
    assert set(NUMBERS) - {"MSSubClass"} <= RANGES.keys()


@pytest.mark.full
def test_search_stores_what_it_tried_and_trains_the_best(registry: str, asked: Parameters, tmp_path: Path) -> None:
    found, _ = performed(tmp_path / "run", replace(asked, search=True), registry)
    result = json.loads((tmp_path / "run" / "search.json").read_bytes())["result"]
    assert len(result["tried"]) == 9
    assert {"trees", "rmsle"} <= result["recipe"].keys() | result["tried"][0].keys()
    best = min(result["tried"], key=lambda tried: tried["rmsle"])
    assert best["rmsle"] == result["tried"][0]["rmsle"] or all(
        result["recipe"][name] == value for name, value in best.items() if name != "rmsle"
    )
    assert "chosen among 9" in (found.folder / "card" / "model-card.md").read_text()


def test_step_is_repeated_only_if_unfinished_or_if_its_files_changed(tmp_path: Path) -> None:
    done: list[str] = []
    failing = [True]

    def write(task: Task) -> dict[str, object]:
        done.append("one")
        (task.out / "number").write_text("1")
        return {"number": 1}

    def read(task: Task) -> dict[str, object]:
        done.append("two")
        (task.out / "half").write_text("")
        if failing[0]:
            raise DataError("not this time")
        return {"seen": (task.inputs["one"] / "number").read_text(), "told": task.results["one"]}

    first, second = Step("one", (), write), Step("two", ("one",), read)

    def perform() -> dict[str, object]:
        run = Run.start(tmp_path / "run", Parameters)
        run.perform(first, Connections(""), silent)
        return run.perform(second, Connections(""), silent)[0]

    with pytest.raises(DataError):
        perform()
    failing[0] = False
    assert perform() == {"seen": "1", "told": {"number": 1}}
    assert done == ["one", "two", "two"]
    perform()
    assert done == ["one", "two", "two"]
    (tmp_path / "run" / "one" / "number").write_text("changed by somebody")
    assert perform() == {"seen": "1", "told": {"number": 1}}
    assert done == ["one", "two", "two", "one"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("train", "the argument: "),
        ({"rows": 1}, "rows: Extra inputs are not permitted"),
        ({"source": "s3"}, "source: Input should be 'bundled', 'csv' or 'prediction-log'"),
        ({"seed": True}, "seed: "),
        ({"seed": -1}, "seed: "),
        ({"seed": 2**31}, "seed: "),
        ({"search": "yes"}, "search: "),
        ({"source": "csv"}, "`data` is required with the source `csv`"),
        ({"source": "csv", "data": "../houses.csv"}, "is not a file in the worker's data folder"),
        ({"source": "csv", "data": "/etc/passwd"}, "is not a file in the worker's data folder"),
        ({"source": "csv", "data": "file:///etc/passwd"}, "is not a file in the worker's data folder"),
        ({"source": "csv", "data": "link.csv"}, "is not a file in the worker's data folder"),
        ({"source": "csv", "data": "no\0file"}, "data: "),
        ({"source": "csv", "data": 7}, "data: "),
        ({"from": "2026-11-21"}, "are allowed only with the source `prediction-log`"),
        ({"source": "prediction-log", "from": "yesterday"}, "from: "),
        ({"source": "prediction-log", "from": "2026-11-21", "to": "2026-11-20"}, "`from` must not be later than `to`"),
    ],
)
def test_invalid_job_argument_is_refused_with_the_name_of_the_key(tmp_path: Path, given: object, says: str) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (tmp_path / "houses.csv").write_text("")
    (folder / "link.csv").symlink_to(tmp_path / "houses.csv")
    with pytest.raises(CandidateError) as error:
        Parameters.from_job(given, folder)
    assert says in str(error.value)


def test_job_reads_only_data_in_the_data_folder(tmp_path: Path) -> None:
    (tmp_path / "houses.csv").write_text("")
    given = {"source": "csv", "data": "houses.csv", "from": None, "to": None, "seed": 4, "search": False}
    assert Parameters.from_job(given, tmp_path) == Parameters(
        source=Source.CSV, data=str(tmp_path / "houses.csv"), seed=4
    )
    with pytest.raises(CandidateError, match="not allowed by this worker"):
        Parameters.from_job(given, None)


def test_last_day_of_a_job_is_included() -> None:
    given = {"source": "prediction-log", "from": "2026-06-30", "to": "2026-06-30"}
    parameters = Parameters.from_job(given, None)
    assert (parameters.start, parameters.end) == ("2026-06-30T00:00:00", "2026-07-01T00:00:00")
    assert Parameters.from_job(given | {"from": None, "to": "2027-12-31"}, None).end == "2028-01-01T00:00:00"


def test_parameters_survive_a_round_trip_through_their_file() -> None:
    parameters = Parameters(source=Source.PREDICTION_LOG, start="2026-11-01T00:00:00", seed=5, recipe=QUICK, limits=ANY)
    assert Parameters.from_json(json.loads(json.dumps(parameters.to_json()))) == parameters


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("max_rmse = 1", "unknown limit max_rmse; valid limits: least_houses"),
        ("max_rmsle = '1'", "max_rmsle must be a number of at least 0"),
        ("max_rmsle = nan", "max_rmsle must be a number of at least 0"),
        ("least_houses = 1.5", "least_houses must be a whole number of at least 0"),
        ("max_rmsle", "not a valid TOML file"),
    ],
)
def test_invalid_limit_is_named(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "gate.toml"
    path.write_text(text)
    with pytest.raises(HousingPriceModelError) as error:
        Limits.read(path)
    assert says in str(error.value)
