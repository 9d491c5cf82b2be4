"""Profiles: the words of a new stack's settings for the usual three. `azmlflow init --profile` writes them.

They are words like any: what a profile has written is changed as if it had been typed. A budget, whose sum and
addresses nobody else knows, is in none.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

_CPU: Mapping[str, Any] = {"name": "cpu", "maxNodes": 4}
# Its images, which its identity may pull, are in the stack's own registry.
_OF_ITS_OWN: Mapping[str, Any] = {**_CPU, "identity": "system"}

PROFILES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        # One person, or a trial: costs nothing while idle.
        "dev": {"clusters": [_CPU]},
        # People who share runs and models: who did what is logged, and what holds data is not deleted by a slip.
        "team": {
            "registry": "own",
            "diagnostics": True,
            "locks": True,
            "clusters": [_OF_ITS_OWN],
        },
        # What a platform team lets pass: closed to the internet, data opened as the caller, without keys, computes
        # reach what is named.
        "locked-down": {
            "network": {"mode": "managed", "outbound": "approved"},
            "storageAuth": "identity",
            "registry": "own",
            "diagnostics": True,
            "locks": True,
            "purgeProtection": True,
            "clusters": [_OF_ITS_OWN],
        },
    }
)
