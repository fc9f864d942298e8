"""The client of one MLflow model server, the model's columns, and the checks of its answers."""
