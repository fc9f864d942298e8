"""The files of a scoring: where they are, how the input is split, and how the results become visible as a whole."""
