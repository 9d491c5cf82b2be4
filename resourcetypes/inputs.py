"""Inputs and other documents of a resource, by the paths to what is in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def without(values: Mapping[str, Any], paths: Iterable[Sequence[str]]) -> dict[str, Any]:
    """Values without what stands at these paths, each the names that lead there; the values themselves stay."""
    left = dict(values)
    for first, *rest in paths:
        if not rest:
            left.pop(first, None)
        elif isinstance(left.get(first), Mapping):
            left[first] = without(left[first], [rest])
    return left
