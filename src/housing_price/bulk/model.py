"""The model of a scoring: fetched once and verified by digest; every process that prices verifies it again."""

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import orjson

from housing_price.errors import BulkError
from housing_price_model.artefact.allowed_contents import open_export
from housing_price_model.artefact.export import Manifest, write_export
from housing_price_model.artefact.kinds import require_price_model
from housing_price_model.errors import HousingPriceModelError
from housing_price_model.registry.export_version import export_registered
from housing_price_model.serving.fast_scoring import DirectModel, Rows
from housing_price_model.serving.input_ranges import input_ranges_of
from housing_price_model.serving.load_model import load_model
from housing_price_orchestrator.provider.model_server.columns import row_of
from housing_price_orchestrator.provider.model_server.input_ranges import read_ranges
from housing_price_orchestrator.shared.errors import HousingPriceError, PriceImplausible, RowsRefused
from housing_price_orchestrator.shared.input_ranges import FeatureWarning
from housing_price_orchestrator.shared.ports import ModelIdentity, PriceEstimate
from housing_price_orchestrator.shared.view.record import AnyHouse
from housing_price_survey.columns import COLUMNS

type Outcome = PriceEstimate | HousingPriceError

_REGISTERED: Final = "models:/"


def fetch_model(model: str, tracking_uri: str, pinned_digest: str | None, folder: Path) -> Manifest:
    """Fetch a price model into a folder, as an export, and verify its digest and contents.

    Args:
        model: An exported folder, or `models:/NAME@ALIAS` or `models:/NAME/VERSION`.
        tracking_uri: The tracking server; unused for an exported folder.
        pinned_digest: The required digest; None to accept the one that the registry or the export records.
        folder: A new folder.

    Raises:
        BulkError: The model is missing, unreachable, damaged or not one that prices houses.
    """
    try:
        if model.startswith(_REGISTERED):
            export_registered(model, folder, tracking_uri)
        else:
            with open_export(Path(model.removeprefix("file://")), pinned_digest) as (manifest, files):
                write_export(files, manifest, folder)
        with open_export(folder, pinned_digest) as (manifest, _):
            require_price_model(manifest.name, model)
            return manifest
    except HousingPriceModelError as error:
        raise BulkError(f"--model: {str(error).replace(str(folder), model)}") from error


class LoadedModel:
    """A price model in this process. Its prices are those of the model server, bit for bit."""

    def __init__(self, export: Path, digest: str) -> None:
        """Verify and load the model of an export.

        Raises:
            BulkError: The export has another digest, or its model cannot be loaded.
        """
        # Unpickling runs code. Models of this project contain no pickle.
        os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "false"
        try:
            with open_export(export, digest) as (manifest, folder):
                model = load_model(folder, manifest.name)
                ranges = input_ranges_of(model)
        except HousingPriceModelError as error:
            raise BulkError(f"the model: {error}") from error
        self._model = DirectModel(model)
        self._manifest = manifest
        self._ranges = None if ranges is None else read_ranges(orjson.dumps(ranges))
        self._identities: dict[str, ModelIdentity] = {}

    def price_each(self, houses: Sequence[AnyHouse]) -> Sequence[Outcome]:
        """Price houses in order, with the error that the API would report in place of each house without a price."""
        if not houses:
            return []
        rows = Rows(COLUMNS, [list(row_of(house)) for house in houses])
        try:
            priced = self._model.predict(rows)
        except Exception as error:  # noqa: BLE001 - a model server answers 400 to any error of the model
            if len(houses) == 1:
                return [RowsRefused(f"{type(error).__name__}: {error}")]
            # Halving isolates the row that the model refuses, as `service/answer_each.py` of the orchestrator does.
            middle = len(houses) // 2
            return [*self.price_each(houses[:middle]), *self.price_each(houses[middle:])]
        columns = (priced[name].tolist() for name in ("price", "low", "high", "model_id"))
        return [self._estimate(*values) for values in zip(*columns, strict=True)]

    def warnings_of(self, house: AnyHouse) -> tuple[FeatureWarning, ...]:
        """Return the features of a house that are outside the values that the model has seen."""
        return () if self._ranges is None else self._ranges.warnings_of(row_of(house))

    def _estimate(self, price: float, low: float, high: float, model_id: str) -> Outcome:
        if not 0 < low <= price <= high < math.inf:
            return PriceImplausible("the price is not finite, not positive or outside its interval", [None])
        identity = self._identities.get(model_id)
        if identity is None:
            identity = ModelIdentity(self._manifest.name, self._manifest.version, model_id)
            self._identities[model_id] = identity
        return PriceEstimate(price, low, high, identity)
