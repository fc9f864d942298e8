"""The error of the stack runner."""


class StackError(Exception):
    """The stack cannot run. The message states the problem and how to fix it."""
