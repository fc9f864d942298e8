"""The one error of the stack runner."""


class StackError(Exception):
    """The stack cannot run. The text says what is wrong and what to do about it, for a person at a terminal."""
