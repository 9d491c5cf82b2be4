"""What the steps of a proof are, what they have made so far, and what came of each.

What a step needs and an earlier step could not make is named by an id that nothing has: Azure decides on access before
it looks a thing up, so "refused" proves a refusal; "not found" is told as `unrefused`. Nobody else's data is changed.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow import MlflowClient

PREFIX = "azmlflow-verify-"
TAG = "azmlflow-verify"
MODEL_FILE = "artifact_path: model\nflavors: {}\n"  # the least that azureml-mlflow takes for a model
FORBIDDEN = 403
_NO_SUCH_THING = (400, 404)
# Of a 403, what tells that the network was asked and not yet the role: of a workspace, of a storage account (Microsoft,
# "Troubleshoot private endpoint connections"; "Common REST API error codes"), of both where they are closed to all.
_NETWORK = ("private link configuration", "AuthorizationFailure", "Public network access is disabled")
_MLFLOW_UNSURE = 500  # what MLflow gives an error that came without a status


class Trial:
    """What the steps have made so far.

    Attributes:
        name, nowhere: the name of all that is made; one that nothing is ever made under.
        experiment, run, model, version, endpoint: what this proof made, None where it could not.
        uploaded: our run, once it holds the artifact.
        seen: somebody else's run, to read where there is none of ours.
        logged: whether the metric is logged.
        asks: the endpoint that takes Entra tokens, ours or somebody else's: its name and where it answers.
        operation: of which the present step is a part, if of another than it says.
        at: below the workspace, where the present step asks for its rights.
    """

    def __init__(self, client: MlflowClient, stamp: str, folder: Path, uri: str, version: str = "") -> None:
        self.client, self.stamp, self.folder, self.uri = client, stamp, folder, uri.partition("?")[0].rstrip("/")
        self.api_version = version
        self.name = PREFIX + stamp
        self.nowhere = f"{self.name}-no"
        self.missing_run = uuid.uuid5(uuid.NAMESPACE_OID, stamp).hex
        self.experiment: str | None = None
        self.run: str | None = None
        self.uploaded: str | None = None
        self.model: str | None = None
        self.version: str | None = None
        self.endpoint: str | None = None
        self.seen: str | None = None
        self.logged = False
        self.asks: tuple[str, str] | None = None
        self.operation, self.at = "", ""
        (folder / "model").mkdir()
        self.file = folder / "model" / "MLmodel"
        self.file.write_text(MODEL_FILE)

    @cached_property
    def deployments(self) -> Any:
        """MLflow's deployment client, which is azureml-mlflow's."""
        return deployments(self.uri)

    def registry(self) -> Any:
        """MLflow's own registry client, for a model that is not there: `MlflowClient` first looks a model up."""
        return registry(self.uri)


@dataclass(frozen=True)
class Step:
    """One thing that is tried.

    Attributes:
        name: for people.
        operation: of which it is a part (`rbac/operations.py`, `rbac/report/access.py`).
        act: does it.
        needs: what earlier steps should have made for it, one of which is enough.
        actions: the Azure actions that its own requests want, below the workspace; empty for the operation's.
        stops: the statuses that tell that Azure let it through and something else stood in the way.
    """

    name: str
    operation: str
    act: Callable[[Trial], None]
    needs: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    stops: tuple[int, ...] = ()


class Answered(Exception):
    """A request of ours that was answered with something else than what it asked for."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status_code = status


class LetThrough(Exception):
    """Azure let a request through, and found nothing to do it on, as was to be."""


class Untried(Exception):
    """There is nothing here by which it could be tried."""


def attempt(trial: Trial, step: Step) -> dict[str, Any]:
    """One step, and what came of it.

    Returns:
        Its `outcome`: done, refused, unrefused (nothing there to do it on), stopped (let through by access, and stopped
        by something else), untried (there is nothing here to try it on) or error.
    """
    made_up = bool(step.needs) and not any(getattr(trial, need) for need in step.needs)
    trial.operation, trial.at = step.operation, ""
    outcome, message = "done", ""
    try:
        step.act(trial)
    except LetThrough:
        outcome = "unrefused"
    except Untried as fault:
        outcome, message = "untried", str(fault)
    except Exception as fault:  # noqa: BLE001 - whatever MLflow, its plugin or the network raise is a finding
        message = f"{type(fault).__name__}: {fault}"
        outcome = _outcome(step, made_up, status_of(fault), message)
        if outcome == "untried":
            message = f"the network lets nobody in from here: {message}"
    told = {"step": step.name, "operation": trial.operation, "actions": list(step.actions), "at": trial.at}
    return {**told, "outcome": outcome, "message": message}


def _outcome(step: Step, made_up: bool, status: int | None, message: str) -> str:
    if status == FORBIDDEN and any(each in message for each in _NETWORK):
        return "untried"
    if status == FORBIDDEN:
        # Azure Policy is asked after access was.
        return "stopped" if "DisallowedByPolicy" in message else "refused"
    if made_up and status in _NO_SUCH_THING:
        return "unrefused"
    return "stopped" if status in step.stops else "error"


def expect(fulfilled: bool, otherwise: str) -> None:
    """Hold that something is so.

    Raises:
        AssertionError: it is not.
    """
    if not fulfilled:
        raise AssertionError(otherwise)


def status_of(fault: BaseException | None) -> int | None:
    """The HTTP status behind an error: MLflow's, the plugin's and the Azure SDK's errors carry it in their own ways."""
    while fault is not None:
        if "does not have authorization" in str(fault):
            return FORBIDDEN
        code = getattr(fault, "get_http_status_code", None)
        found = [getattr(holder, "status_code", None) for holder in (fault, getattr(fault, "response", None))]
        for status in [*found, code() if callable(code) else None]:
            if isinstance(status, int) and status != _MLFLOW_UNSURE:
                return status
        fault = fault.__cause__ or fault.__context__
    return None


def registry(uri: str) -> Any:
    """MLflow's own registry client, whose `store` asks what it is told to ask.

    A search by `MlflowClient` from 2.22 on has a condition on prompts, which Azure Machine Learning has refused with
    400 (Azure/azure-sdk-for-python#42155): nothing about what the caller may do.
    """
    from mlflow.tracking._model_registry.client import ModelRegistryClient

    untyped: Any = ModelRegistryClient
    return untyped(uri, uri)


def deployments(uri: str) -> Any:
    """MLflow's deployment client for a workspace."""
    from mlflow.deployments import get_deploy_client

    untyped: Any = get_deploy_client
    return untyped(uri)
