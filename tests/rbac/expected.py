"""What tests expect of operations, personas and roles: tables written by hand, never the product's own.

Sources: Microsoft, "Manage access to an Azure Machine Learning workspace" (the tables of MLflow operations and of job
actions), and what each table says of itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

DATA = Path(__file__).parent / "data"
PREFIX = "Microsoft.MachineLearningServices/workspaces/"

_TABLE = json.loads((DATA / "persona-operations.json").read_text())
# Operation -> all the actions that it needs.
REQUIRED: Mapping[str, tuple[str, ...]] = {name: tuple(each) for name, each in _TABLE["required_actions"].items()}
# Persona or built-in role -> the operations that it allows; all others are refused.
ALLOWED: Mapping[str, frozenset[str]] = {name: frozenset(each) for name, each in _TABLE["allowed"].items()}


class Asked(NamedTuple):
    """A request: its operation, and how it is recognised."""

    operation: str
    method: str
    service: str
    path: str


def _asked(line: str) -> Asked:
    operation, _, request = line.partition(": ")
    method, service, *path = request.split()
    return Asked(operation, method, service, *path or [""])


REQUESTS = tuple(
    _asked(line) for line in (DATA / "requests.txt").read_text().splitlines() if line and not line.startswith("#")
)

_VIEWER = {
    "read",
    "experiments/read",
    "experiments/runs/read",
    "jobs/read",
    "models/read",
    "models/versions/read",
    "metadata/artifacts/read",
}
_TRACKER = _VIEWER | {"experiments/write", "experiments/runs/write", "jobs/write", "metadata/artifacts/write"}
_DEPLOYER = {
    "read",
    "write",
    "delete",
    "checkNameAvailability/read",
    "listkeys/action",
    "regeneratekeys/action",
    "token/action",
    "score/action",
    "deployments/read",
    "deployments/write",
    "deployments/delete",
    "deployments/getlogs/action",
    "deployments/skus/read",
}
_SHORT = {
    "viewer": _VIEWER,
    "tracker": _TRACKER,
    "registrar": _VIEWER
    | {
        "models/write",
        "models/versions/write",
        "models/delete",
        "models/versions/delete",
        "metadata/artifacts/write",
        "assets/stage/write",
    },
    "submitter": _TRACKER
    | {
        "jobs/cancel/action",
        "experiments/runs/submit/action",
        "computes/read",
        "environments/read",
        "environments/write",
        "environments/build/action",
        "environments/readSecrets/action",
        "datastores/read",
        "metadata/snapshots/read",
        "metadata/snapshots/write",
        "metadata/codes/read",
        "metadata/codes/write",
    },
    "deployer": _VIEWER | {f"onlineEndpoints/{each}" for each in _DEPLOYER},
    "scorer": {"onlineEndpoints/read", "onlineEndpoints/score/action", "onlineEndpoints/token/action"},
    "operator": {
        "read",
        "computes/read",
        "computes/start/action",
        "computes/stop/action",
        "computes/restart/action",
    },
}
# Persona -> exactly the actions that it holds.
PERSONA_ACTIONS: Mapping[str, frozenset[str]] = {
    name: frozenset(PREFIX + action for action in actions) for name, actions in _SHORT.items()
}
