"""Checks of the place where the stack goes: names, soft-deleted twins, rights, locks, grants."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from azmlflow.cli.checks.base import Check, Finding, Situation
from azmlflow.cli.session import twins
from azmlflow.cli.session.twins import Twins
from azmlflow.infra.plan import tags
from azmlflow.rbac.patterns import permits

_VAULT = "Microsoft.KeyVault/vaults"
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
    given = "group" in situation.settings.given()
    if group is not None and not ours and not given:
        taken.append(f"resource group {names.resource_group} is there, and not this stack's")
    if not ours:  # else what bears them may be an earlier `up`'s
        for type_, name in (
            ("Microsoft.Storage/storageAccounts", names.storage_account),
            (_VAULT, names.key_vault),
        ):
            if name is None or (given and _is_ours(situation, type_, name)):
                continue  # another's is used; or an earlier `up` made it in another's group
            path = f"{situation.place}/providers/{type_.partition('/')[0]}/checkNameAvailability"
            answer = situation.arm.ask(path, {"name": name, "type": type_})
            # A vault that is soft-deleted is the next check's.
            if answer and answer.get("nameAvailable") is False and not (type_ == _VAULT and _deleted_vault(situation)):
                taken.append(f"{name}: {answer.get('message', 'taken')}")
    return Finding("failed", "; ".join(taken)) if taken else Finding("ok", "free, or this stack's own")


def _is_ours(situation: Situation, type_: str, name: str) -> bool:
    document = situation.arm.get(f"{situation.group}/providers/{type_}/{name}") or {}
    return tags.owned(document.get("tags"), situation.session.project.name, situation.session.name)


def _deleted_vault(situation: Situation) -> Mapping[str, Any] | None:
    return twins.vault_of(situation.arm, situation.subscription, situation.settings.location, situation.names)


_RECOVER = "azmlflow set onSoftDeleted recover, then azmlflow up"
# What `up` does with a soft-deleted twin, by the setting `onSoftDeleted`.
_MET = {
    "recover": "`up` brings back what it can of it",
    "purge": "`up` purges it, for good",
    "rename": "`up` takes other names",
}


def _twins(situation: Situation) -> Finding:
    stack, word = situation.session.name, situation.settings.on_soft_deleted
    if situation.stands:  # then its vault alone can have been deleted, and neither other names nor `down` is meant
        found = Twins(_deleted_vault(situation), workspace=False, names=situation.names)
        protected, gone = _RECOVER, _RECOVER
    else:
        found = twins.find(situation.arm, situation.subscription, situation.settings.location, situation.names)
        protected = f"azmlflow set salt 2 --stack {stack}    (other names; or azmlflow set onSoftDeleted recover)"
        gone = ""
    if found.protected_until and word in {"fail", "purge"}:
        return Finding(
            "failed",
            f"key vault {found.names.key_vault} is soft-deleted and purge-protected until {found.protected_until}",
            protected,
        )
    if held := ", ".join(found.says()):
        told = f"what is soft-deleted holds these names: {held}"
        if word != "fail":
            return Finding("warning", f"{told}; {_MET[word]}", f"azmlflow up --stack {stack}")
        or_else = "" if situation.stands else " (or azmlflow set onSoftDeleted recover, purge or rename)"
        return Finding("failed", f"{told}{or_else}", gone)
    if found.workspace is None and "workspaceName" in situation.outputs:  # it stood, and does not any more
        name = situation.outputs["workspaceName"]
        return Finding(
            "warning", f"workspace {name} is gone, and if it was deleted by hand its name is taken for 14 days"
        )
    return Finding("ok", "nothing of these names is soft-deleted")


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
    mine = tags.owner(situation.session.project.name, situation.session.name)
    every = situation.arm.locks(situation.group)
    # `down` takes the stack's own away by itself; one that somebody made stricter stands in the way of `up` too.
    found = [each for each in every if each.level == "ReadOnly" or (each.name, each.notes) != (tags.LOCK_NAME, mine)]
    if not found:
        return Finding("ok", "none but the stack's own" if every else "none")
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
    if told := (*found.says(), *found.stops()):
        return Finding("failed", "; ".join(told))
    if found.unseen:
        return Finding("warning", "; ".join(found.unseen))
    return Finding("ok", "all that the last `up` made is there")


_before_up = functools.partial(Check, preflight=True)

TWINS = _before_up("soft-deleted", "Does a soft-deleted twin hold a name?", _twins, "azmlflow down --stack {stack}")
CHECKS = (
    _before_up("names", "Are the names free?", _names, "azmlflow set salt 2 --stack {stack}    (other names)"),
    TWINS,
    _before_up("rights", "May you make what a stack is made of, and grant on it?", _rights, first=True),
    _before_up("locks", "Does a lock stand in the way?", _no_locks),
    Check("standing", "Is all there that the last `up` made?", _standing, "azmlflow up --stack {stack}"),
    Check("grants", "Has a grant run out?", _grants, "azmlflow up --stack {stack}"),
)
