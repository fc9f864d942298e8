"""Environment variables: the names that several packages share, and the check for misspelt names.

Only the standard library is used, so that every program can check before its slow imports.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Final


class SharedVariable(StrEnum):
    """Every variable with a prefix that the runner, the model package and the tests share.

    A member is the only place where its name is written: options are declared with it.
    """

    API_URL = "HOUSING_PRICE_API_URL"
    """Address of the API, for the commands of the runner."""
    API_KEY = "HOUSING_PRICE_API_KEY"
    """API key or token, for the commands of the runner."""
    JOBS_URL = "HOUSING_PRICE_JOBS_URL"
    """Database of the jobs, for the workers of the model package."""
    MODEL_DIGEST = "HOUSING_PRICE_MODEL_DIGEST"
    """Digest of the only model that a model server may serve."""
    DRAIN_SECONDS = "HOUSING_PRICE_DRAIN_SECONDS"
    """Time that a model server keeps running after it leaves service."""
    LOG_FORMAT = "HOUSING_PRICE_LOG_FORMAT"
    """Form of the log lines of all services but the orchestrator, and of the runner: auto, json or console."""
    LOG_LEVEL = "HOUSING_PRICE_LOG_LEVEL"
    """Least severe level that the model package logs."""
    CHAMPION = "HOUSING_PRICE_CHAMPION"
    """Folder of an exported model that the tests use instead of training one."""
    PREDICTION_LOG_URL = "PREDICTION_LOG_URL"
    """Database of the prediction log, for the commands that read it."""


SHARED_PREFIXES: Final = ("HOUSING_PRICE_", "PREDICTION_LOG_")

MIN_SIMILARITY: Final = 0.85
"""Similarity of a name with a prefix that belongs to others, such as `MLFLOW_`, from which it counts as misspelt.

The names of MLflow 3.17 reach at most 0.834 (`MLFLOW_TRACKING_DIR`), misspelt ones about 0.9; a test compares them.
"""

_URL: Final = re.compile(r"(tcp|udp|sctp)://", re.IGNORECASE)
_INJECTED: Final = re.compile(
    r".+_SERVICE_HOST|.+_SERVICE_PORT(_[A-Z0-9_]+)?|.+_PORT_[0-9]+_(TCP|UDP|SCTP)(_(ADDR|PORT|PROTO))?"
)
"""Variables that Kubernetes and Docker set in every container for each service of the same network."""


class UnknownVariables(ValueError):
    """Variables with a prefix of this project that no package knows; the message has a line for each."""


def check_variables(
    environment: Mapping[str, str],
    known: Collection[str],
    *,
    prefixes: Collection[str] = (),
    foreign_prefixes: Collection[str] = (),
    is_case_sensitive: bool = True,
) -> None:
    """Check that no variable is misspelt. Values are never part of a message: they may be secrets.

    Args:
        environment: The environment variables.
        known: All settings, in upper case.
        prefixes: Prefixes of this project: any other name is unknown, except those that container platforms inject.
        foreign_prefixes: Prefixes of a library, some of whose variables are settings: only a name that is very similar
            to a setting is unknown.
        is_case_sensitive: Whether a setting in lower case is not read.

    Raises:
        UnknownVariables: A variable is unknown; the message names it and the closest setting.
    """
    own = [name for name, _ in find_unknown(environment, known, prefixes, is_case_sensitive=is_case_sensitive)]
    foreign = [
        name
        for name, similarity in find_unknown(environment, known, foreign_prefixes, is_case_sensitive=is_case_sensitive)
        if similarity >= MIN_SIMILARITY
    ]
    if own or foreign:
        lines = (f"{name} is not a setting; did you mean {closest(name, known)[0]}?" for name in sorted(own + foreign))
        raise UnknownVariables("\n".join(lines))


def find_unknown(
    environment: Mapping[str, str], known: Collection[str], prefixes: Collection[str], *, is_case_sensitive: bool
) -> Iterator[tuple[str, float]]:
    """Yield each variable that has one of the prefixes and is unknown, with its similarity to the closest setting."""
    for name, value in environment.items():
        upper = name.upper()
        is_known = name in known if is_case_sensitive else upper in known
        if upper.startswith(tuple(prefixes)) and not is_known and not _is_injected(upper, value):
            yield name, closest(name, known)[1]


def closest(name: str, known: Collection[str]) -> tuple[str, float]:
    """Return the known name that is most similar to `name`, and their similarity from 0 to 1."""
    wanted = _words(name)

    def similarity(candidate: str) -> float:
        """Compare the words; the number of underscores between them decides between equals."""
        return SequenceMatcher(None, wanted, _words(candidate), autojunk=False).ratio()

    best = max(sorted(known), key=lambda one: (_has_prefix_of(one, name), similarity(one)))
    return best, similarity(best)


def _words(name: str) -> str:
    """Return a name without its first word, which all settings of a program share, and with single underscores."""
    return re.sub("_+", "_", name.upper()).partition("_")[2]


def _has_prefix_of(candidate: str, name: str) -> bool:
    return candidate.partition("_")[0] == name.upper().partition("_")[0]


def _is_injected(name: str, value: str) -> bool:
    """Return whether a container platform sets this variable.

    The value tells `NAME_PORT=tcp://10.0.0.1:80` from a misspelt port number.
    """
    return _INJECTED.fullmatch(name) is not None or (name.endswith("_PORT") and _URL.match(value) is not None)
