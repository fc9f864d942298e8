"""What the registry calls the model, its champion and its tags, and how it says that something is not there.

Imports nothing slow: who needs only a name (the stack's runner, `--help`) need not wait for MLflow.
"""

from typing import Final

NAME: Final = "housing-price"
CHAMPION: Final = "champion"
CHALLENGER: Final = "challenger"
"""The alias of the version that has passed its gate last, and is to show what it can."""
DEFAULT_TRACKING_URI: Final = "http://127.0.0.1:9999"

DIGEST_TAG: Final = "digest"
"""The tag with the digest of a version's files."""
MODEL_ID_TAG: Final = "model_id"
RMSLE_TAG: Final = "cv_rmsle"
STATE_TAG: Final = "state"
"""The tag with a version's state in its life (`registry/states.py`)."""
MOVE_TAG: Final = "move."
"""With an id behind it, the tag with the record of one move."""

NOT_THERE: Final = frozenset({"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"})
"""MLflow's error codes for an alias that leads nowhere: the first if there is no such model, the second if it has no
such alias."""
