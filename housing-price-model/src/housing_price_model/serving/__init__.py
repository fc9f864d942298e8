"""The model server and the verification of its answers."""
