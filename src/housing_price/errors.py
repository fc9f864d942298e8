"""The errors of the stack runner."""


class StackError(Exception):
    """The stack cannot run. The message states the problem and how to fix it."""


class ConfigurationError(StackError):
    """A service rejects its configuration, so starting it again cannot help."""
