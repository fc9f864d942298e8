"""The environment variables that the commands read, each an option's default, and the check for misspelt ones.

Only the standard library is used: the MLServer environment imports this module without the package's dependencies.
"""

import os
from typing import Final

from housing_price_platform.environment.secret_files import FILE_VARIABLES, SECRETS
from housing_price_platform.environment.variables import SHARED_PREFIXES, SharedVariable, check_variables

TRACKING_URI: Final = "MLFLOW_TRACKING_URI"
"""MLflow's own variable, which its client reads too."""


def check_names() -> None:
    """Check that no environment variable of this project is misspelt.

    Raises:
        UnknownVariables: A variable is unknown; the message names it and the closest setting.
    """
    check_variables(
        os.environ,
        {*SharedVariable, TRACKING_URI, *SECRETS, *FILE_VARIABLES},
        prefixes=SHARED_PREFIXES,
        foreign_prefixes=("MLFLOW_",),
    )
