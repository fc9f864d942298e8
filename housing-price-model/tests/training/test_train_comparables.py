"""One training run makes two models: prices and comparables."""

import json
from pathlib import Path

import mlflow
import pytest
from mlflow.tracking import MlflowClient
from tests.lifecycle_store import QUICK, logged_model
from typer.testing import CliRunner

from housing_price_model.artefact.allowed_contents import open_export
from housing_price_model.artefact.export import MODEL, digest_of, read_export
from housing_price_model.cli.app import app
from housing_price_model.errors import ArtefactError
from housing_price_model.reference.golden import read_golden
from housing_price_model.registry.names import CHAMPION, COMPARABLES, DIGEST_TAG, MODEL_ID_TAG, NAME
from housing_price_model.registry.versions import connect, download_checked, find_version, note_serving
from housing_price_model.serving.verify import verify
from housing_price_model.training.train import Trained, train
from housing_price_survey.columns import COLUMNS

# MLflow uses deprecated functions of SQLAlchemy and pandas.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning:mlflow"),
]

run = CliRunner().invoke


def test_one_run_logs_two_models_each_registered_with_digest_and_id(store: str, trained: Trained) -> None:
    client = MlflowClient(store)
    comparables = trained.comparables
    assert (comparables.run_id, comparables.is_champion) == (trained.run_id, True)
    assert comparables.registered
    assert comparables.model_id != trained.model_id
    version = client.get_model_version_by_alias(COMPARABLES, CHAMPION)
    assert (str(version.version), version.run_id) == ("1", trained.run_id)
    assert version.tags[DIGEST_TAG] == comparables.registered.digest
    assert version.tags[MODEL_ID_TAG] == comparables.model_id
    assert float(version.tags["cv_rmsle"]) > 0
    assert version.description == "Finds the nearest of 293 sold houses."
    assert "comparable sales" in (client.get_registered_model(COMPARABLES).description or "")
    assert logged_model(client, trained.run_id) != logged_model(client, trained.run_id, "comparables")


def test_both_models_are_exported_in_one_folder(trained: Trained, export: Path) -> None:
    assert trained.comparables.registered
    manifest = read_export(export / "comparables")
    assert (manifest.name, manifest.version) == (COMPARABLES, "1")
    assert manifest.digest == trained.comparables.registered.digest == digest_of(export / "comparables" / MODEL)
    assert manifest.model_id == trained.comparables.model_id
    assert read_export(export).name == NAME


def test_comparables_model_contains_only_its_own_files(export: Path) -> None:
    model = export / "comparables" / MODEL
    assert {path.relative_to(model).as_posix() for path in model.rglob("*") if path.is_file()} == {
        *("MLmodel", "conda.yaml", "python_env.yaml", "requirements.txt"),
        *("input_example.json", "serving_input_example.json", "served_comparables.py"),
        *(f"artifacts/{name}.npy" for name in ("categories", "numbers", "prices", "ids", "pids")),
        *("artifacts/spec.json", "artifacts/golden.json"),
    }
    requirements = (model / "requirements.txt").read_text()
    assert all(name in requirements for name in ("mlflow", "numpy", "pandas"))
    assert "onnx" not in requirements


def test_signature_declares_columns_parameters_and_answer(export: Path) -> None:
    signature = mlflow.models.Model.load(str(export / "comparables" / MODEL)).signature
    assert signature.inputs.input_names() == list(COLUMNS)
    assert not any(column.required for column in signature.inputs)
    assert {param.name: param.default for param in signature.params} == {"k": 6, "known": []}
    assert signature.outputs.input_names() == ["sales", "blend", "model_id"]


def test_blend_is_learned_not_constant(export: Path) -> None:
    blend = json.loads((export / "comparables" / MODEL / "artifacts" / "spec.json").read_text())["blend"]
    assert list(blend) == ["weight", "distance_offset", "interval_scale", "interval_spread", "confidence"]
    assert 0 <= blend["weight"] <= 1
    assert 0 <= blend["confidence"]["high"] <= blend["confidence"]["medium"]
    assert blend["interval_scale"] != round(blend["interval_scale"], 6)


def test_golden_answers_are_reproduced(export: Path, store: str) -> None:
    for target in (str(export / "comparables"), f"models:/{COMPARABLES}/1"):
        verification = verify(target, "unused", store)
        assert verification.model == f"{COMPARABLES} version 1"
        assert verification.houses == len(read_golden(export / "comparables" / MODEL).rows) > 14
        assert verification.differences == []


def test_loaded_model_answers_with_parameters(export: Path) -> None:
    golden = read_golden(export / "comparables" / MODEL)
    with open_export(export / "comparables") as (_, folder):
        model = mlflow.pyfunc.load_model(str(folder))
        example = model.input_example
        assert example is not None
        (answer,) = model.predict(example.head(1), params={"k": 3, "known": ["GrLivArea"]}).to_dict("records")
    assert len(answer["sales"]) == 3
    assert answer["model_id"] == golden.answers[0]["model_id"]


def test_identical_models_are_registered_once_each(empty_store: str, few_houses: Path, tmp_path: Path) -> None:
    first = train(empty_store, few_houses, recipe=QUICK)
    again = train(empty_store, few_houses, recipe=QUICK, export_to=tmp_path / "export")
    assert (again.same_as, again.comparables.same_as) == ("1", "1")
    assert again.comparables.run_id == first.run_id
    assert read_export(tmp_path / "export" / "comparables").version == "1"
    client = connect(empty_store)
    assert [len(client.search_model_versions(f"name='{name}'")) for name in (NAME, COMPARABLES)] == [1, 1]


def test_registry_of_an_earlier_release_gets_the_comparables_alone(
    empty_store: str, few_houses: Path, tmp_path: Path
) -> None:
    first = train(empty_store, few_houses, recipe=QUICK)
    client = connect(empty_store)
    client.delete_registered_model(COMPARABLES)
    again = train(empty_store, few_houses, recipe=QUICK, export_to=tmp_path / "export")
    assert (again.same_as, again.run_id, again.registered) == ("1", first.run_id, None)
    comparables = again.comparables
    assert comparables.registered
    assert (comparables.registered.version, comparables.is_champion, comparables.same_as) == ("1", True, None)
    assert comparables.model_id == first.comparables.model_id
    assert comparables.run_id != first.run_id
    assert read_export(tmp_path / "export").version == read_export(tmp_path / "export" / "comparables").version == "1"


def test_served_comparables_are_replaced_only_by_a_move(empty_store: str, few_houses: Path) -> None:
    first = train(empty_store, few_houses, recipe=QUICK)
    assert first.comparables.registered
    client = connect(empty_store)
    note_serving(client, first.comparables.registered.version, COMPARABLES)
    second = train(empty_store, few_houses, seed=1, recipe=QUICK)
    assert second.comparables.registered
    assert (second.comparables.registered.version, second.comparables.is_champion) == ("2", False)
    assert second.comparables.serving == "1"
    assert str(client.get_model_version_by_alias(COMPARABLES, CHAMPION).version) == "1"


def test_unregistered_models_are_exported_with_their_ids_as_versions(
    empty_store: str, few_houses: Path, tmp_path: Path
) -> None:
    trained = train(empty_store, few_houses, recipe=QUICK, with_registration=False, export_to=tmp_path)
    assert MlflowClient(empty_store).search_registered_models() == []
    assert read_export(tmp_path / "comparables").version == trained.comparables.model_id


def test_commands_train_and_export_both_models(
    empty_store: str, few_houses: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("housing_price_model.training.train.Recipe", lambda: QUICK)
    to = ["--tracking-uri", empty_store]
    done = run(app, ["train", "--data", str(few_houses), *to, "--export-to", str(tmp_path / "export")])
    assert done.exit_code == 0, done.output
    assert "Registered housing-price version 1, the champion." in done.output
    assert "Registered housing-comparables version 1, the champion." in done.output
    done = run(app, ["export", "--model", f"models:/{COMPARABLES}@{CHAMPION}", *to, "--to", str(tmp_path / "other")])
    assert done.exit_code == 0, done.output
    assert read_export(tmp_path / "other").digest == read_export(tmp_path / "export" / "comparables").digest
    note_serving(connect(empty_store), "1", COMPARABLES)
    done = run(app, ["train", "--data", str(few_houses), "--seed", "1", *to])
    assert "Version 1 is still served: `housing-price models promote 2 --model comparables` replaces it." in done.output
    done = run(app, ["train", "--data", str(few_houses), "--seed", "1", *to])
    for name in (NAME, COMPARABLES):
        assert f"Nothing changed: this model is identical to {name} version 2. Nothing was registered." in done.output


def test_version_registered_under_the_name_of_the_other_kind_is_rejected(empty_store: str, few_houses: Path) -> None:
    train(empty_store, few_houses, recipe=QUICK)
    client = connect(empty_store)
    source = find_version(client, f"models:/{NAME}/1")[1]
    assert source.source
    version = client.create_model_version(COMPARABLES, source.source, source.run_id)
    for key, value in source.tags.items():
        client.set_model_version_tag(COMPARABLES, version.version, key, value)
    uri = f"models:/{COMPARABLES}/{version.version}"
    with (
        pytest.raises(ArtefactError, match="recorded as housing-comparables, but the files are of housing-price"),
        download_checked(client, uri),
    ):
        pytest.fail("a price model was yielded as comparables")
