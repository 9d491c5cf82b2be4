"""Is what the error is about there, and in the state that it is said to be in?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from azmlflow.cli.checks import Situation
from azmlflow.cli.why.questions.base import NOT_STANDING, Named, Verdict, behind


def resource(situation: Situation, named: Named) -> Verdict:
    """A resource that Azure said is not there."""
    group, path = named.get("group", ""), named.get("resource", "")
    if not (group and path):
        return Verdict(None, "the text does not say what is not there")
    namespace, *rest = path.split("/")
    if len(rest) % 2 or not rest:
        return Verdict(None, f"`{path}` names no resource")
    if situation.outputs.get("workspaceName") and _other_workspace(situation, group, namespace, rest):
        ours = f"{situation.outputs['workspaceName']} in {situation.outputs['resourceGroup']}"
        return Verdict(
            True, f"stack `{situation.session.name}` is {ours}, and the error is about another workspace",
            "azmlflow config --force    (writes the config.json that the SDKs read)",
        )  # fmt: skip
    id_ = f"{situation.place}/resourceGroups/{group}/providers/{path}"
    if situation.arm.get(id_) is not None:
        return Verdict(False, "it is there now", "type the command again")
    near = get_close_matches(rest[-1], _names(situation.arm.list(id_.rpartition("/")[0])), n=1)
    return Verdict(True, f"{rest[-1]} is not there{f'; there is {near[0]}' if near else ''}")


def compute(situation: Situation, named: Named) -> Verdict:
    """A compute that a job asks for."""
    if not situation.stands:
        return Verdict(None, NOT_STANDING)
    names = _names(situation.arm.list(f"{situation.outputs['workspaceId']}/computes"))
    name = named.get("compute", "")
    if name.lower() in {each.lower() for each in names}:
        return Verdict(False, f"{name} is there now", "submit the job again")
    return Verdict(True, f"the workspace has {', '.join(names) or 'no compute'}")


def endpoint(situation: Situation, _named: Named) -> Verdict:
    """The deployments of the workspace's endpoints: which of them failed, which have no traffic."""
    if not situation.stands:
        return Verdict(None, NOT_STANDING)
    at = f"{situation.outputs['workspaceId']}/onlineEndpoints"
    ill: list[str] = []
    for each in situation.arm.list(at):
        for deployment in situation.arm.list(f"{at}/{each['name']}/deployments"):
            state = (deployment.get("properties") or {}).get("provisioningState")
            if state in {"Failed", "Canceled"}:
                ill.append(f"{deployment['name']} of {each['name']} is in the state {state}")
        if not any(((each.get("properties") or {}).get("traffic") or {}).values()):
            ill.append(f"no deployment of {each['name']} has traffic")
    return Verdict(True, "; ".join(ill)) if ill else Verdict(False, "no deployment of the workspace has failed")


def shared_key(situation: Situation, _named: Named) -> Verdict:
    """Does the workspace's storage account take keys?"""
    id_ = behind(situation, "storageAccount")
    account = situation.arm.get(id_) if id_ else None
    if account is None:
        return Verdict(None, "the stack's storage account cannot be read")
    if (account.get("properties") or {}).get("allowSharedKeyAccess") is False:
        return Verdict(True, f"storage account {account.get('name')} takes no keys")
    return Verdict(False, f"storage account {account.get('name')} takes keys now")


def _other_workspace(situation: Situation, group: str, namespace: str, rest: list[str]) -> bool:
    if namespace.lower() != "microsoft.machinelearningservices" or rest[0].lower() != "workspaces":
        return False
    ours = (str(situation.outputs["resourceGroup"]), str(situation.outputs["workspaceName"]))
    return (group.lower(), rest[1].lower()) != (ours[0].lower(), ours[1].lower())


def _names(documents: Iterable[Mapping[str, Any]]) -> list[str]:
    return [str(each["name"]) for each in documents]
