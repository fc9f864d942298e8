"""`MLflowClient` knows nothing about houses: here it asks a model of another kind, under MLflow's own server."""

import sys
from collections.abc import Iterator

import pytest

from housing_price_orchestrator.provider.model_server.mlflow_client import MLflowClient, client_for
from housing_price_orchestrator.shared.errors import RowsRefused
from servers import LISTENS, Process

pytestmark = pytest.mark.anyio

MODEL = '''
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel


class Speaker(PythonModel):
    """Tells how long each word takes to say, in seconds: a scalar per row."""

    def predict(self, context, model_input, params=None):
        return [len(word) * seconds for word, seconds in zip(model_input["word"], model_input["seconds"], strict=True)]


set_model(Speaker())
'''

# In a process of its own, so that nothing of MLflow is imported beside the orchestrator.
SAVE_AND_SERVE = """
import sys, uvicorn, mlflow
from mlflow.models import ModelSignature
from mlflow.pyfunc import scoring_server
from mlflow.types import ColSpec, Schema

code, model = sys.argv[1:]
signature = ModelSignature(Schema([ColSpec("string", "word"), ColSpec("double", "seconds")]))
mlflow.pyfunc.save_model(model, python_model=code, signature=signature, pip_requirements=[])
uvicorn.run(scoring_server.init(mlflow.pyfunc.load_model(model)), port=0)
"""


@pytest.fixture(scope="module")
def other_model_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("other-model")
    code = folder / "speaker.py"
    code.write_text(MODEL)
    with Process(sys.executable, "-c", SAVE_AND_SERVE, str(code), str(folder / "model")) as process:
        yield process.says(LISTENS)[1]


def client(url: str) -> MLflowClient:
    return client_for(url, timeout_seconds=30, connect_timeout_seconds=30, connections=2)


async def test_any_model_can_be_asked(other_model_server: str) -> None:
    async with client(other_model_server) as asked:
        answer = await asked.invoke(["word", "seconds"], [b'["hello",0.5]', '["é",2.0]'.encode(), b'["",1.0]'])
        assert answer.predictions == [2.5, 2.0, 0.0]
        # Columns have names, so their order is the caller's to choose.
        answer = await asked.invoke(["seconds", "word"], [b'[0.5,"hello"]'])
        assert answer.predictions == [2.5]
        assert (answer.model_name, answer.model_version) == (None, None)


async def test_what_that_model_does_not_accept_is_refused_by_name(other_model_server: str) -> None:
    async with client(other_model_server) as asked:
        with pytest.raises(RowsRefused):
            await asked.invoke(["word"], [b'["hello"]'])
        assert (await asked.invoke(["word", "seconds"], [b'["hello",1.0]'])).predictions == [5.0]
