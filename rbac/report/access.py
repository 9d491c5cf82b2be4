"""Who can do what: a matrix of principals x operations at a workspace, and the explanation of each of its cells.

The rule: nothing is left out. A row is everybody whom an assignment names, everybody in a group that it names, and
whoever else is asked about; a principal that is deleted, has no name to be read or may be in a group that cannot be
read keeps its row, with a note. Pure: facts and names come from `rbac.azure` and `rbac.people`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from azmlflow.rbac.evaluate import Decision, Verdict, evaluate
from azmlflow.rbac.facts import Facts
from azmlflow.rbac.operations import WORKSPACE, Operation, UnknownOperation, operation
from azmlflow.rbac.patterns import permits
from azmlflow.rbac.roles import built_in_role, least_persona

UNREAD = "group members unknown: needs GroupMember.Read.All"
UNNAMED = "name unknown: needs User.Read.All, GroupMember.Read.All and Application.Read.All"
DELETED = "deleted: the directory has no such principal any more"

# What is done to the workspace or with its endpoints rather than with MLflow. Actions: Microsoft, "Manage access to an
# Azure Machine Learning workspace" (computes, roles) and "Authentication and authorization for online endpoints";
# changing the workspace is taken as both of its writing actions.
_COMPUTES, _OPERATE = f"{WORKSPACE}/computes", ("read", "start/action", "stop/action", "restart/action")
_ENDPOINTS = f"{WORKSPACE}/onlineEndpoints"
_DEPLOYING = ("read", "write", "delete", "deployments/read", "deployments/write", "deployments/delete")
_KEYS = ("listkeys/action", "regeneratekeys/action")
AROUND: tuple[Operation, ...] = (
    Operation(
        "deploy_models",
        (*(f"{_ENDPOINTS}/{each}" for each in _DEPLOYING), f"{WORKSPACE}/models/versions/read"),
        (),
        "Deploy registered models as web services, share their traffic, delete them",
    ),
    Operation(
        "have_endpoint_keys",
        tuple(f"{_ENDPOINTS}/{each}" for each in _KEYS),
        (),
        "Have and renew the keys of endpoints",
    ),
    Operation(
        "score_models",
        (f"{_ENDPOINTS}/read", f"{_ENDPOINTS}/score/action", f"{_ENDPOINTS}/token/action"),
        (),
        "Ask web services for predictions, as oneself",
    ),
    Operation(
        "operate_computes", tuple(f"{_COMPUTES}/{each}" for each in _OPERATE), (), "Start, stop and restart computes"
    ),
    Operation(
        "change_computes", (f"{_COMPUTES}/write", f"{_COMPUTES}/delete"), (), "Create, resize and delete computes"
    ),
    Operation("change_workspace", (f"{WORKSPACE}/write", f"{WORKSPACE}/delete"), (), "Change and delete the workspace"),
    Operation("grant_access", ("Microsoft.Authorization/roleAssignments/write",), (), "Give access to others"),
)

# A persona fills the groups that are its own: what none of them has, or another kind of person, is a group by itself.
_GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("view", ("open_workspace", "read_experiments", "read_runs", "search_runs", "read_artifacts", "read_models")),
    ("track", ("write_experiment", "write_run", "log_artifact")),
    ("delete", ("delete_restore_run", "delete_experiment")),
    ("register", ("write_models", "stage_models", "register_local_model", "delete_models")),
    ("submit", ("submit_job",)),
    ("deploy", ("deploy_models", "have_endpoint_keys")),
    ("score", ("score_models",)),
    ("operate", ("operate_computes",)),
    ("administer", ("change_computes", "change_workspace", "grant_access")),
)


@dataclass(frozen=True)
class Column:
    """An operation in its group."""

    group: str
    operation: Operation


def find_operation(name: str) -> Operation:
    """The operation of that name, MLflow's or around it.

    Raises:
        UnknownOperation: there is none; all are listed.
    """
    word = name.strip().lower().replace("-", "_")
    for found in AROUND:
        if found.name == word:
            return found
    try:
        return operation(word)
    except UnknownOperation as error:
        raise UnknownOperation(f"{error}, {', '.join(each.name for each in AROUND)}") from error


COLUMNS: tuple[Column, ...] = tuple(Column(group, find_operation(name)) for group, names in _GROUPS for name in names)
ACTIONS: tuple[str, ...] = tuple(dict.fromkeys(action for column in COLUMNS for action in column.operation.actions))


@dataclass(frozen=True)
class WhoIsWho:
    """Who is who.

    Attributes:
        names: object id (lower case) -> type and name of everybody found; a name that may not be read is empty.
        readable: False where the directory may not be asked: then nobody is known to be deleted.
    """

    names: Mapping[str, tuple[str, str]]
    readable: bool = True

    def is_deleted(self, object_id: str) -> bool:
        """Whether there is certainly no such principal."""
        return self.readable and object_id.lower() not in self.names

    def name(self, object_id: str) -> str:
        """The name, or the id where there is none to tell."""
        return self.names.get(object_id.lower(), ("", ""))[1] or object_id


@dataclass(frozen=True, slots=True)
class Cell:
    """May a principal do an operation? `decision` is the one that decided, of the action that is furthest from yes."""

    verdict: Verdict
    decision: Decision


@dataclass(frozen=True)
class Row:
    """A principal, what is to be said of it, and a cell for each column."""

    object_id: str
    type: str
    name: str
    notes: tuple[str, ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Matrix:
    """Who can do what at a scope."""

    scope: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Explanation:
    """One cell with all of its reasons.

    Attributes:
        verdict: of the operation.
        decisions: one for each of its actions.
        blocked: a deny assignment stands in the way: no role helps.
        persona: the least persona that allows it; None if there is none, or none is needed.
        role: the narrowest built-in role that allows it, where no persona does.
    """

    operation: Operation
    verdict: Verdict
    decisions: tuple[Decision, ...]
    blocked: bool
    persona: str | None
    role: str | None


_ORDER: Mapping[Verdict, int] = {"refused": 0, "unknown": 1, "allowed": 2}


def principals(facts: Facts) -> frozenset[str]:
    """Object ids (lower case) of everybody whom an assignment names, or a group that one names holds."""
    return frozenset(
        each.lower() for each in (*(found.principal_id for found in facts.assignments), *facts.memberships)
    )


def matrix(
    facts: Facts, scope: str, directory: WhoIsWho, *, also: Iterable[str] = (), columns: Sequence[Column] = COLUMNS
) -> Matrix:
    """Who can do what.

    Args:
        facts: assignments, definitions, denies, memberships.
        scope: id of the workspace.
        directory: who is who.
        also: object ids of further principals, such as those of declared grants.
        columns: what is asked.
    """
    types = {each.principal_id.lower(): each.principal_type for each in facts.assignments if each.principal_type}
    types |= {group.lower(): "Group" for held in facts.memberships.values() for group in held}
    types |= {group.lower(): "Group" for group in facts.unread_groups}
    actions = tuple(dict.fromkeys(action for column in columns for action in column.operation.actions))
    unread = {group.lower() for group in facts.unread_groups}
    rows = []
    for who in principals(facts) | {each.lower() for each in also}:
        decisions = {action: evaluate(who, action, scope, facts) for action in actions}
        cells = tuple(_cell([decisions[action] for action in column.operation.actions]) for column in columns)
        type_ = directory.names.get(who, ("", ""))[0] or types.get(who) or "Unknown"
        rows.append(Row(who, type_, directory.name(who), _notes(who, directory, unread), cells))
    rows.sort(key=lambda row: (row.type != "User", row.type, row.name.lower(), row.object_id))
    return Matrix(scope, tuple(columns), tuple(rows))


# The built-in roles that are offered where no persona lets somebody: of the others, a narrower one may by chance hold
# an action of ours, and is some other service's.
_GENERAL = (
    "Owner", "Contributor", "Reader", "User Access Administrator", "Role Based Access Control Administrator",
    "AzureML Data Scientist", "AzureML Compute Operator", "AzureML Metrics Writer (preview)",
)  # fmt: skip


def explain(principal_id: str, asked: Operation, scope: str, facts: Facts) -> Explanation:
    """Why a principal may or may not do an operation, and what would let it.

    Args:
        principal_id: the principal's object id.
        asked: the operation; each of its actions is decided by itself.
        scope: ARM id of where it would be done.
        facts: what was read of the cloud.
    """
    decisions = tuple(evaluate(principal_id, action, scope, facts) for action in asked.actions)
    verdict = _cell(decisions).verdict
    denies = {each.id for each in facts.denies}
    blocked = any(each.assignment in denies for each in decisions if not each.allowed)
    if verdict == "allowed" or blocked:
        return Explanation(asked, verdict, decisions, blocked, None, None)
    persona = least_persona(asked.actions)
    return Explanation(asked, verdict, decisions, blocked, persona, None if persona else narrowest_role(asked.actions))


def narrowest_role(actions: Iterable[str]) -> str | None:
    """The role of `_GENERAL` that allows all of these and the fewest of the matrix's actions; None if none does."""
    wanted = tuple(actions)
    allowed = {
        name: {action for action in (*ACTIONS, *wanted) if permits(built_in_role(name).permissions, action, False)[0]}
        for name in _GENERAL
    }
    fitting = sorted((len(found), name) for name, found in allowed.items() if found.issuperset(wanted))
    return fitting[0][1] if fitting else None


def _cell(decisions: Sequence[Decision]) -> Cell:
    """An operation is allowed if all of its actions are; one that is refused weighs more than one that is unknown."""
    decided = min(decisions, key=lambda each: _ORDER[each.verdict])
    return Cell(decided.verdict, decided)


def _notes(who: str, directory: WhoIsWho, unread: set[str]) -> tuple[str, ...]:
    notes = []
    if directory.is_deleted(who):
        notes.append(DELETED)
    elif not directory.names.get(who, ("", ""))[1]:
        notes.append(UNNAMED)
    if who in unread:
        notes.append(UNREAD)
    return tuple(notes)
