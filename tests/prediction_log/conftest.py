import warnings
from importlib import import_module

with warnings.catch_warnings():
    # MLflow warns of its own type hints while it is imported; later warnings are errors, as everywhere.
    warnings.simplefilter("ignore")
    import_module("mlflow.pyfunc")
