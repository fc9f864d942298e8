"""The errors of the runner and of bulk scoring."""


class StackError(Exception):
    """The stack cannot run. The message states the problem and how to fix it."""


class ConfigurationError(StackError):
    """A service rejects its configuration, so starting it again cannot help."""


class BulkError(Exception):
    """A file cannot be scored. The message states the problem and how to fix it."""
