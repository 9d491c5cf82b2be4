"""What a preview cannot know yet, apart from `values.py`, which brings Pulumi's SDK."""

from __future__ import annotations

import enum
from typing import Final


class Unknown(enum.Enum):
    """The type of `UNKNOWN`: a value that only the deployment will tell."""

    UNKNOWN = "unknown"


UNKNOWN: Final = Unknown.UNKNOWN
