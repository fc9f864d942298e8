"""Errors that the command line reports as one message, without a stack trace."""

from housing_price_platform.output.terminal import redact


class HousingPriceModelError(Exception):
    """Base class of the errors that a caller can act on. The message hides the passwords of URLs: jobs record it."""

    def __str__(self) -> str:
        return redact(super().__str__())


class DataError(HousingPriceModelError):
    """The input data is invalid; the message lists every finding with its line and column."""


class RegistryError(HousingPriceModelError):
    """The tracking server or registry does not respond, or has no such model or version."""


class ArtefactError(HousingPriceModelError):
    """A model's files are missing, or differ from those that were registered or exported."""


class ServingError(HousingPriceModelError):
    """The model server cannot start: two models were given, or the address is unavailable."""


class VerificationError(HousingPriceModelError):
    """A model server is unreachable, or its response holds no predictions."""


class LogError(HousingPriceModelError):
    """The prediction log cannot be read, or holds invalid data."""


class JobsError(HousingPriceModelError):
    """The worker cannot run jobs: its name is taken, or the job database is unusable."""


class OutputError(HousingPriceModelError):
    """A result file cannot be written."""


class CandidateError(HousingPriceModelError):
    """The candidate pipeline cannot run: a parameter, a limit or a folder is invalid."""


class MoveError(HousingPriceModelError):
    """A change of a version's lifecycle state is impossible or failed a check; nothing has changed.

    Attributes:
        code: A stable identifier of the problem; see `docs/model-life.md`.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ServingFolderError(HousingPriceModelError):
    """A document in the serving folder is invalid."""
