import json
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED, TEMPORARILY_UNAVAILABLE
from mlflow.tracking import MlflowClient

from housing_price_model.artefact.export import MANIFEST, MODEL, digest_of
from housing_price_model.errors import ArtefactError, DataError, RegistryError
from housing_price_model.fitting.pipeline import Recipe
from housing_price_model.registry.names import CHAMPION, COMPARABLES, DIGEST_TAG, NAME, version_page
from housing_price_model.registry.versions import connect, download_checked, find_champion, find_version, note_serving
from housing_price_model.survey.data import BUNDLED
from housing_price_model.training.mlflow_run import EXPERIMENT
from housing_price_model.training.train import Trained, train
from housing_price_survey.columns import CATEGORIES, COLUMNS, OPTIONAL

QUICK = Recipe(trees=20, spread_trees=5, folds=3)
"""A small, fast recipe, equal to that of the `store` fixture."""


# MLflow uses deprecated functions of SQLAlchemy and pandas.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning:mlflow"),
]


def test_run_has_parameters_metrics_plots_and_the_model(store: str, trained: Trained) -> None:
    client = MlflowClient(store)
    run = client.get_run(trained.run_id)
    assert run.info.status == "FINISHED"
    assert {"seed", "houses", "data_sha256", "trees", "level", "python", "mlflow", "scikit-learn"} <= set(
        run.data.params
    )
    assert run.data.metrics.pop("training_seconds") > 0
    of_price = {name: run.data.metrics.pop(name) for name in trained.metrics}
    assert of_price == pytest.approx(trained.metrics)
    assert {name.partition("_")[0] for name in run.data.metrics} == {"comparables", "value"}
    assert {item.path for item in client.list_artifacts(run.info.run_id, "plots")} == {
        "plots/actual_against_predicted.png",
        "plots/residuals.png",
        "plots/error_by_neighbourhood.png",
        "plots/most_important_features.png",
    }


def test_signature_declares_types_and_optional_columns(export: Path) -> None:
    signature = mlflow.models.Model.load(str(export / MODEL)).signature
    assert [(column.name, column.type.name, column.required) for column in signature.inputs] == [
        (name, "string" if name in CATEGORIES else "double", name not in OPTIONAL) for name in COLUMNS
    ]
    assert signature.outputs.input_names() == ["price", "low", "high", "model_id"]


def test_model_contains_only_its_own_files(export: Path) -> None:
    assert {path.relative_to(export / MODEL).as_posix() for path in (export / MODEL).rglob("*") if path.is_file()} == {
        *("MLmodel", "conda.yaml", "python_env.yaml", "requirements.txt"),
        *("input_example.json", "serving_input_example.json"),
        *("served.py", "artifacts/graph.onnx", "artifacts/spec.json"),
        *("artifacts/profile.json", "artifacts/golden.json"),
    }


def test_model_has_a_sendable_input_example(export: Path) -> None:
    example = json.loads((export / MODEL / "serving_input_example.json").read_text())
    assert example["dataframe_split"]["columns"] == list(COLUMNS)


@pytest.mark.full
def test_first_model_becomes_the_champion_and_an_identical_one_is_not_registered(
    empty_store: str, few_houses: Path, tmp_path: Path
) -> None:
    first = train(empty_store, few_houses, recipe=QUICK)
    second = train(empty_store, few_houses, recipe=QUICK, export_to=tmp_path / "export")
    assert first.is_champion
    assert first.registered
    assert not second.is_champion
    assert first.model_id == second.model_id  # same seed, same data, same bytes
    assert (second.registered, second.same_as, second.run_id) == (None, "1", first.run_id)
    assert json.loads((tmp_path / "export" / MANIFEST).read_text())["version"] == "1"
    client = MlflowClient(empty_store)
    assert len(client.search_model_versions(f"name='{NAME}'")) == 1
    experiment = client.get_experiment_by_name(EXPERIMENT)
    assert experiment is not None
    assert len(client.search_runs([experiment.experiment_id])) == 1
    assert find_version(connect(empty_store), f"models:/{NAME}@{CHAMPION}")[0] == first.registered
    better = train(empty_store, few_houses, recipe=Recipe(trees=60, spread_trees=5, folds=3))
    assert better.metrics["rmsle"] < first.metrics["rmsle"]
    assert better.is_champion
    assert better.registered
    assert find_version(connect(empty_store), f"models:/{NAME}@{CHAMPION}")[0] == better.registered
    note_serving(connect(empty_store), better.registered.version)
    best = train(empty_store, few_houses, recipe=Recipe(trees=120, spread_trees=5, folds=3))
    assert best.metrics["rmsle"] < better.metrics["rmsle"]
    assert (best.is_champion, best.serving) == (False, better.registered.version)


def test_file_with_blank_cells_for_the_word_none_gives_the_same_model(
    store: str, trained: Trained, few_houses: Path, tmp_path: Path
) -> None:
    """As pandas writes a file of the survey that it has read with its defaults."""
    pd.read_csv(few_houses).to_csv(tmp_path / "few.csv", index=False)
    assert "None" not in (tmp_path / "few.csv").read_text()
    assert "None" in few_houses.read_text()
    again = train(store, tmp_path / "few.csv", recipe=QUICK)
    assert (again.model_id, again.same_as) == (trained.model_id, "1")


def test_run_is_named_and_described_and_has_its_data_set_and_model_card(store: str, trained: Trained) -> None:
    client = MlflowClient(store)
    run = client.get_run(trained.run_id)
    assert run.info.run_name == "train, seed 0"
    assert "293 houses" in run.data.tags["mlflow.note.content"]
    assert run.inputs
    (data,) = run.inputs.dataset_inputs
    assert (data.dataset.name, data.tags[0].value) == ("few", "training")
    assert run.data.params["data_sha256"].startswith(data.dataset.digest)
    cards = Path(client.download_artifacts(trained.run_id, "card"))
    markdown, html = ((cards / f"model-card.{kind}").read_text() for kind in ("md", "html"))
    for card in (markdown, html):
        assert all(word in card for word in ("Version 1, 20", "Intended use", "293 houses", "rmsle", "Limitations"))
        assert all(
            word in card
            for word in ("Ratio studies", "lowest quarter", "PRB", "not at arm", "The value", "earlier sales only")
        )
        assert "gate" not in card
    assert html.count("data:image/png;base64,") == 4


def test_experiment_model_and_version_are_described(store: str, trained: Trained) -> None:
    assert trained.registered
    client = MlflowClient(store)
    experiment = client.get_experiment_by_name(EXPERIMENT)
    assert experiment is not None
    assert "house price model" in experiment.tags["mlflow.note.content"]
    assert "champion" in (client.get_registered_model(NAME).description or "")
    version = client.get_model_version(NAME, "1").description
    assert version
    assert all(word in version for word in ("version 1**", "Intended use", "293 houses", "rmsle", "Limits"))


@pytest.mark.parametrize(
    ("uri", "page"),
    [
        ("http://127.0.0.1:9999", "http://127.0.0.1:9999/#/models/housing-price/versions/3"),
        ("https://user:secret@mlflow.example/base/", "https://mlflow.example/base/#/models/housing-price/versions/3"),
        ("sqlite:///mlflow.db", None),
        ("databricks", None),
    ],
)
def test_page_of_a_version_has_no_credentials(uri: str, page: str | None) -> None:
    assert version_page(uri, "3") == page


def test_there_is_no_champion_without_a_model_or_without_the_alias(empty_store: str) -> None:
    client = connect(empty_store)
    assert find_champion(client) is None
    client.create_registered_model(NAME)
    assert find_champion(client) is None


@pytest.mark.parametrize("code", [TEMPORARILY_UNAVAILABLE, PERMISSION_DENIED])
def test_registry_failure_is_not_mistaken_for_a_missing_champion(
    empty_store: str, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(*_: object) -> None:
        raise MlflowException("not now", code)

    client = connect(empty_store)
    monkeypatch.setattr(client, "get_model_version_by_alias", refuse)
    with pytest.raises(RegistryError, match="cannot look up the champion"):
        find_champion(client)


def test_unregistered_model_is_exported_with_its_model_id_as_version(
    empty_store: str, few_houses: Path, tmp_path: Path
) -> None:
    trained = train(empty_store, few_houses, recipe=QUICK, with_registration=False, export_to=tmp_path / "export")
    assert trained.registered is None
    assert MlflowClient(empty_store).search_registered_models() == []
    assert json.loads((tmp_path / "export" / MANIFEST).read_text())["version"] == trained.model_id


def test_invalid_data_is_rejected_before_training(empty_store: str, tmp_path: Path) -> None:
    text = BUNDLED.read_text(encoding="utf-8").replace(",Pave,", ",Dummy,", 1)
    (tmp_path / "wrong.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match="line 2, Street"):
        train(empty_store, tmp_path / "wrong.csv", recipe=QUICK)
    client = MlflowClient(empty_store)
    experiment = client.get_experiment_by_name(EXPERIMENT)
    assert experiment is not None
    assert client.search_runs([experiment.experiment_id]) == []


def test_too_few_houses_are_rejected(empty_store: str, tmp_path: Path) -> None:
    lines = BUNDLED.read_text(encoding="utf-8").splitlines(keepends=True)[:30]
    (tmp_path / "few.csv").write_text("".join(lines), encoding="utf-8")
    with pytest.raises(DataError, match="has 29 houses; training requires at least 50"):
        train(empty_store, tmp_path / "few.csv", recipe=QUICK)


@pytest.mark.full
def test_unreachable_tracking_server_is_reported_before_training() -> None:
    started: list[str] = []
    with pytest.raises(RegistryError, match=r"http://127\.0\.0\.1:9: the tracking server does not respond"):
        train("http://127.0.0.1:9", progress=lambda stage, _share: started.append(stage))
    assert started == []


def test_digest_is_recorded_with_the_version_and_in_the_export(store: str, trained: Trained, export: Path) -> None:
    registered = trained.registered
    assert registered is not None
    manifest = json.loads((export / MANIFEST).read_text())
    assert manifest["digest"] == registered.digest == digest_of(export / MODEL)
    assert manifest["version"] == registered.version == "1"
    assert manifest["model_id"] == registered.model_id == trained.model_id
    version = MlflowClient(store).get_model_version(NAME, registered.version)
    assert version.tags[DIGEST_TAG] == registered.digest


def test_a_digest_finds_the_version_of_its_model_only(store: str, trained: Trained) -> None:
    assert trained.registered
    digest = trained.registered.digest
    assert find_version(connect(store), f"models:/{NAME}@{digest}")[0] == trained.registered
    with pytest.raises(RegistryError, match=f"models:/{COMPARABLES}@{digest}: no registered version has this digest"):
        find_version(connect(store), f"models:/{COMPARABLES}@{digest}")


@pytest.mark.full
def test_a_digest_of_several_versions_finds_the_newest(empty_store: str, few_houses: Path) -> None:
    trained = train(empty_store, few_houses, recipe=QUICK)
    assert trained.registered
    client = connect(empty_store)
    source = client.get_model_version(NAME, "1").source
    assert source
    again = client.create_model_version(NAME, source, trained.run_id)
    for key, value in client.get_model_version(NAME, "1").tags.items():
        client.set_model_version_tag(NAME, again.version, key, value)
    found, _ = find_version(client, f"models:/{NAME}@{trained.registered.digest}")
    assert (found.version, found.digest) == ("2", trained.registered.digest)


def test_registered_model_with_changed_files_is_rejected(empty_store: str, few_houses: Path, tmp_path: Path) -> None:
    train(empty_store, few_houses, recipe=QUICK)
    specifications = list((tmp_path / "artifacts").rglob("spec.json"))
    assert len(specifications) == 2
    for path in specifications:
        path.write_text(path.read_text() + " ")
    for name in (NAME, COMPARABLES):
        with (
            pytest.raises(ArtefactError, match="rejected"),
            download_checked(connect(empty_store), f"models:/{name}/1"),
        ):
            pytest.fail("a changed model was yielded")


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("models:/housing-price@nobody", "not found in the registry"),
        ("models:/housing-price/99", "not found in the registry"),
        ("models:/other@champion", "not found in the registry"),
        ("models:/housing-price", "expected models:/NAME@ALIAS, models:/NAME/VERSION or models:/NAME@DIGEST"),
        ("runs:/abc/model", "expected models:/NAME@ALIAS, models:/NAME/VERSION or models:/NAME@DIGEST"),
        (f"models:/housing-price@sha256:{'0' * 64}", "no registered version has this digest"),
        ("models:/housing-price@sha256:", "no registered version has this digest"),
        ("models:/housing-price@sha256:' or name='x", "not found in the registry"),
    ],
)
def test_unknown_model_is_named_in_the_error(store: str, trained: Trained, uri: str, message: str) -> None:
    assert trained.registered
    with pytest.raises(RegistryError, match=message):
        find_version(connect(store), uri)
