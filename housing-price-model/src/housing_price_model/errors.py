"""What can go wrong, as the command line tells it: one readable message, no stack trace."""


class HousingPriceModelError(Exception):
    """A problem that the caller can understand and act upon."""


class DataError(HousingPriceModelError):
    """The houses cannot be used; the message lists every finding with its line and column."""


class RegistryError(HousingPriceModelError):
    """The tracking server or the registry does not answer, or does not know what was asked for."""


class ArtefactError(HousingPriceModelError):
    """A model's files are missing or are not those that were registered or exported."""


class ServingError(HousingPriceModelError):
    """The server cannot start as asked: it was given two models, or cannot listen where it should."""


class VerificationError(HousingPriceModelError):
    """A model server cannot be asked, or answers something else than predictions."""


class LogError(HousingPriceModelError):
    """The prediction log cannot be read, or holds what it should not."""


class JobsError(HousingPriceModelError):
    """The worker cannot do jobs as asked: its name is taken, or the database of the jobs cannot be used."""


class OutputError(HousingPriceModelError):
    """A result cannot be written where it was asked for."""


class CandidateError(HousingPriceModelError):
    """What is asked of a candidate's pipeline is not possible: a parameter, a limit or a folder is wrong."""


class MoveError(HousingPriceModelError):
    """A version cannot be moved as asked, or did not do what it should; nothing has changed.

    Attributes:
        code: A stable name of what is wrong; see `docs/model-life.md`.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ServingFolderError(HousingPriceModelError):
    """A document of the serving folder cannot be read as what it should be."""
