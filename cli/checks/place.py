"""Checks of the place where the stack goes: names, soft-deleted twins, rights, locks, grants."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from azmlflow.cli.azure.errors import ArmError
from azmlflow.cli.checks.base import Check, Finding, Situation
from azmlflow.infra.plan import tags
from azmlflow.rbac.patterns import permits

_ML = "Microsoft.MachineLearningServices"
_MAKES = (
    "Microsoft.Resources/subscriptions/resourceGroups/write",
    "Microsoft.MachineLearningServices/workspaces/write",
)
_GRANTS = ("Microsoft.Authorization/roleAssignments/write", "Microsoft.Authorization/roleDefinitions/write")


def _names(situation: Situation) -> Finding:
    if situation.stands:
        return Finding("ok", "the stack stands: its names are its own")
    group = situation.group_document
    ours = group is not None and tags.owned(group.tags, situation.session.project.name, situation.session.name)
    names = situation.names
    taken = []
    if group is not None and not ours:
        taken.append(f"resource group {names.resource_group} is there, and not this stack's")
    if not ours:  # else what bears them may be an earlier `up`'s
        for type_, name in (
            ("Microsoft.Storage/storageAccounts", names.storage_account),
            ("Microsoft.KeyVault/vaults", names.key_vault),
        ):
            path = f"{situation.place}/providers/{type_.partition('/')[0]}/checkNameAvailability"
            answer = situation.arm.ask(path, {"name": name, "type": type_})
            # A vault that is soft-deleted is the next check's.
            if answer and answer.get("nameAvailable") is False and not _deleted_vault(situation, name):
                taken.append(f"{name}: {answer.get('message', 'taken')}")
    return Finding("failed", "; ".join(taken)) if taken else Finding("ok", "free, or this stack's own")


def _deleted_vault(situation: Situation, name: str) -> dict[str, Any] | None:
    place = f"{situation.place}/providers/Microsoft.KeyVault/locations/{situation.settings.location}"
    return situation.arm.get(f"{place}/deletedVaults/{name}")


def _twins(situation: Situation) -> Finding:
    if situation.stands:
        return Finding("ok", "the stack stands")
    names, found = situation.names, []
    vault = _deleted_vault(situation, names.key_vault)
    if vault is not None:
        properties = vault.get("properties") or {}
        if properties.get("purgeProtectionEnabled"):
            until = properties.get("scheduledPurgeDate", "its time is over")
            return Finding(
                "failed",
                f"key vault {names.key_vault} is soft-deleted and purge-protected until {until}",
                "azmlflow set salt 2 --stack " + situation.session.name,
            )
        found.append(f"key vault {names.key_vault}")
    place = f"{situation.place}/providers/{_ML}/locations/{situation.settings.location}/deletedWorkspaces"
    listed = _listed(situation, place)
    if any(_is_ours(situation, entry) for entry in listed or ()):
        found.append(f"workspace {names.workspace}")
    if found:
        return Finding("failed", f"soft-deleted, and so their names are taken: {', '.join(found)}")
    if listed is None and "workspaceName" in situation.outputs:  # it stood, and does not any more
        name = situation.outputs["workspaceName"]
        return Finding(
            "warning", f"workspace {name} is gone, and if it was deleted by hand its name is taken for 14 days"
        )
    return Finding("ok", "nothing of these names is soft-deleted")


def _is_ours(situation: Situation, entry: dict[str, Any]) -> bool:
    """Is a soft-deleted workspace the one whose name, in whose group, we want?"""
    text = str(entry.get("properties", {})).lower()
    near = "/resourcegroups/" not in text or f"{situation.group.lower()}/" in text
    return near and str(entry.get("name", "")).lower() == situation.names.workspace.lower()


def _listed(situation: Situation, path: str) -> Iterable[dict[str, Any]] | None:
    """A list; None where Azure has none."""
    try:
        return situation.arm.list(path)
    except ArmError as fault:
        if fault.status in {400, 404, 405}:
            return None
        raise


def _rights(situation: Situation) -> Finding:
    scope = situation.group if situation.group_document is not None else situation.place
    blocks = situation.arm.permissions(scope)

    def lacking(actions: Iterable[str]) -> list[str]:
        return [action for action in actions if permits(blocks, action, False)[0] is None]

    makes, gives = lacking(_MAKES), lacking(_GRANTS)
    who = f"--role Owner --assignee {situation.caller.id} --scope {scope}"
    fix = f"az role assignment create {who}    (typed by an owner)"
    if makes or (gives and situation.settings.grants):
        return Finding("failed", f"{situation.caller.name} lacks {', '.join(makes + gives)}", fix)
    if gives:
        return Finding("warning", f"{situation.caller.name} can make a workspace, but grant nothing on it", fix)
    return Finding("ok", f"{situation.caller.name} may make workspaces, role definitions and assignments here")


def _no_locks(situation: Situation) -> Finding:
    if situation.group_document is None:
        return Finding("ok", "there is no group yet to be locked")
    found = situation.arm.locks(situation.group)
    if not found:
        return Finding("ok", "none")
    told = ", ".join(f"{lock.name} ({lock.level})" for lock in found)
    stops = any(lock.level == "ReadOnly" for lock in found)
    what = "`up` can change nothing" if stops else "`down` can remove nothing"
    return Finding("failed" if stops else "warning", f"{what}: {told}", f"az lock delete --ids {found[0].id}")


def _grants(situation: Situation) -> Finding:
    today = datetime.now(UTC).date()
    over = [grant for grant in situation.settings.grants if not grant.in_force(today)]
    if not over:
        return Finding("ok", "no grant has run out")
    told = ", ".join(f"{grant.persona} of {grant.display_name or grant.principal_id}" for grant in over)
    return Finding("warning", f"run out, and in force until the next `up`: {told}")


def _standing(situation: Situation) -> Finding:
    if "workspaceName" not in situation.outputs:
        return Finding("skipped", "the stack does not stand")
    found = situation.standing
    if found.says():
        return Finding("failed", "; ".join(found.says()))
    if found.unseen:
        return Finding("warning", "; ".join(found.unseen))
    return Finding("ok", "all that the last `up` made is there")


_before_up = functools.partial(Check, preflight=True)

CHECKS = (
    _before_up("names", "Are the names free?", _names, "azmlflow set salt 2 --stack {stack}    (other names)"),
    _before_up("soft-deleted", "Does a soft-deleted twin hold a name?", _twins, "azmlflow down --stack {stack}"),
    _before_up("rights", "May you make what a stack is made of, and grant on it?", _rights),
    _before_up("locks", "Does a lock stand in the way?", _no_locks),
    Check("standing", "Is all there that the last `up` made?", _standing, "azmlflow up --stack {stack}"),
    Check("grants", "Has a grant run out?", _grants, "azmlflow up --stack {stack}"),
)
