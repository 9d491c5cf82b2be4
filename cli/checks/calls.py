"""Whether an MLflow call from here arrives and is allowed: two things that look alike to who only reads the refusal.

The call is MLflow's own, a search of experiments. Its words of refusal: `reach.refusals`; that it does not arrive at
all is the network's doing, whatever else is wrong.
"""

from __future__ import annotations

from azmlflow.cli.azure.errors import ArmError
from azmlflow.cli.checks.base import Check, Finding, Situation
from azmlflow.reach.refusals import CLOSED_WORKSPACE, NOT_ARRIVING


def _mlflow(situation: Situation) -> Finding:
    from azure.core.exceptions import ServiceRequestError, ServiceResponseError

    if not situation.stands:
        return Finding("skipped", "the stack does not stand")
    address = str(situation.outputs["trackingUri"]).replace("azureml://", "https://", 1)
    stack = situation.session.name
    try:
        found = situation.arm.call("POST", f"{address}/api/2.0/mlflow/experiments/search", {"max_results": 1})
    except ArmError as refused:
        return _refused(refused, stack)
    except (ServiceRequestError, ServiceResponseError) as fault:
        return Finding("failed", f"the network, not permission: the call does not arrive: {fault}", _reach(stack))
    if found is None:
        return Finding("warning", "the call arrives, and the service does not know the workspace yet")
    return Finding("ok", "an MLflow call from here arrives, and is allowed")


def _refused(refused: ArmError, stack: str) -> Finding:
    if CLOSED_WORKSPACE in refused.message or refused.code == NOT_ARRIVING:
        return Finding("failed", f"the network, not permission: {refused.message}", _reach(stack))
    if refused.status in (401, 403):
        said = f"permission, not the network: the call arrives, and is refused: {refused.message}"
        return Finding("failed", said, f"azmlflow access --stack {stack}")
    return Finding("warning", f"the call arrives, and the service fails: {refused.message}")


def _reach(stack: str) -> str:
    return f"azmlflow reach --explain --stack {stack}"


CHECKS = (Check("mlflow", "Does an MLflow call from here arrive, and is it allowed?", _mlflow),)
