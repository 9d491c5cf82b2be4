"""Arguments of components: a dataclass from a Python program, a mapping from Pulumi's component host.

The host (`infra/provider.py`) checks the inputs against the schema that it drew from the dataclass's annotations, and
then passes them as a plain mapping by Python names. It also reads those annotations unevaluated, which is why the
component modules don't postpone theirs (`from __future__ import annotations`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

Args = TypeVar("Args")


def given(kind: type[Args], args: Args | Mapping[str, Any]) -> Args:
    """The arguments as their dataclass.

    Raises:
        TypeError: the mapping lacks an argument or has one too many.
    """
    return kind(**args) if isinstance(args, Mapping) else args
