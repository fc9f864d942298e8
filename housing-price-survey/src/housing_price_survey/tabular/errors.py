"""The error of a file that cannot be read."""


class UnusableFile(ValueError):
    """The file as a whole cannot be read; the message says what is wrong and what would be right."""
