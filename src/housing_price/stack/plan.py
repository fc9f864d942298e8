"""The plan of a stack: its models, addresses and folders, as the command line selects them."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from housing_price.processes.ports import Address
from housing_price.stack.state import State
from housing_price_model.lifecycle.serving_folder import ServingFolder
from housing_price_model.registry.names import NAME_OF_MODEL
from housing_price_platform.orders.moves import ServedModel


class ModelServerKind(StrEnum):
    """The available model servers."""

    MLFLOW = "mlflow"
    MLSERVER = "mlserver"


@dataclass(frozen=True)
class Served:
    """A model that the stack serves: the folder with its exports and documents, and its first server."""

    model: ServedModel
    serving: ServingFolder
    address: Address
    kind: ModelServerKind

    @property
    def name(self) -> str:
        """Name of the registered model."""
        return NAME_OF_MODEL[self.model]


@dataclass(frozen=True)
class Plan:
    """The options of the command line: addresses, state folder and kind of model server."""

    state: State
    tracking: Address
    model_server: Address
    comparables_server: Address
    orchestrator: Address
    grpc: Address | None = None
    """The address of the API over gRPC; None if it is off."""
    model_server_kind: ModelServerKind = ModelServerKind.MLFLOW
    data: Path | None = None
    """The file to train on if the registry has no champion; None for the bundled survey."""
    allowed_origins: tuple[str, ...] = ()
    """Origins whose pages may call the API; empty for those of the API's own setting."""

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Every address that the stack listens on."""
        grpc = () if self.grpc is None else (self.grpc,)
        return self.orchestrator, *grpc, self.model_server, self.comparables_server, self.tracking

    def served(self, model: ServedModel) -> Served:
        """Return how a model is served."""
        serving = self.state.serving.of(model)
        if model is ServedModel.PRICE:
            return Served(model, serving, self.model_server, self.model_server_kind)
        # MLServer passes no parameters on, so the comparables model always has a server of our own.
        return Served(model, serving, self.comparables_server, ModelServerKind.MLFLOW)
