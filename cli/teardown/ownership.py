"""Whose is it? What a removal may touch in a resource group, decided without I/O.

Deleting a group deletes all that is in it, so everything inside must be proven to be meant. Proof is, for a resource
that stands by itself, our two ownership tags with the owner's very values, and

    of a stack      an id that the stack's state, or its settings, name as well
    of a group      the very name that follows from the group's own (`naming.expected`), or a record in its own tags
                    that names this very resource (`tags.record`)

Tags alone prove nothing: Azure Policy can hand a group's tags down to whatever is put into it (Microsoft, "Assign
policy definitions for tag compliance", "Inherit a tag from the resource group"), and people copy them. The same holds
for what is soft-deleted. A lock, which has no tags, is ours by the state, or by its name and its note together.

What stands below a resource of ours (a compute, an endpoint) goes with it, unless it bears another owner's tags. What
Azure itself makes beside a resource of ours (`AUTOMATIC`) goes too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from azmlflow.infra.plan import naming
from azmlflow.infra.plan.identifiers import IN_GROUP
from azmlflow.infra.plan.tags import LOCK_NAME, PROJECT_TAG, STACK_TAG, owner, recorded

WORKSPACE = "microsoft.machinelearningservices/workspaces"
VAULT = "microsoft.keyvault/vaults"
STORAGE = "microsoft.storage/storageaccounts"
LOGS = "microsoft.operationalinsights/workspaces"
INSIGHTS = "microsoft.insights/components"
REGISTRY = "microsoft.containerregistry/registries"
IDENTITY = "microsoft.managedidentity/userassignedidentities"
# Property of a workspace that names one.
LINKED: Mapping[str, str] = {STORAGE: "storageAccount", VAULT: "keyVault", INSIGHTS: "applicationInsights"}
# (type, pattern of the name; `{}` stands for the name of a resource of ours of the type that follows).
# Microsoft, "Smart detection in Application Insights"; "What is a private endpoint?" (its network interface).
AUTOMATIC: tuple[tuple[str, str, str], ...] = (
    ("microsoft.insights/actiongroups", r"Application Insights Smart Detection", INSIGHTS),
    ("microsoft.alertsmanagement/smartdetectoralertrules", r"Failure Anomalies - {}", INSIGHTS),
    ("microsoft.network/networkinterfaces", r"{}\.nic\.[0-9a-f-]+", "microsoft.network/privateendpoints"),
)


UNCLEAR = "?"


@dataclass(frozen=True)
class Owner:
    """A stack of a project, as tags and descriptions name it."""

    project: str
    stack: str

    @classmethod
    def of(cls, tags: Mapping[str, str] | None) -> Owner | None:
        """Whom tags name; None unless both tags are there."""
        project, stack = marks(tags)
        return cls(project, stack) if project and stack and UNCLEAR not in (project, stack) else None

    def owns(self, tags: Mapping[str, str] | None) -> bool:
        """Whether tags name this owner, by value, letter for letter."""
        return Owner.of(tags) == self

    def says(self, text: object) -> bool:
        """Whether a description or note is this owner's. Its sentence stands alone, last, or in brackets at the end."""
        sentence = re.escape(owner(self.project, self.stack))
        return re.search(rf"(?:^|[ (]){sentence}\)?$", str(text or "")) is not None

    def locks(self, name: str, notes: object) -> bool:
        """Whether a lock is this owner's: its name and its whole note are what azmlflow would give it."""
        return name.lower() == LOCK_NAME and str(notes or "") == owner(self.project, self.stack)

    def __str__(self) -> str:
        return f"stack {self.stack} of project {self.project}"


def marks(tags: Mapping[str, str] | None) -> tuple[str, str]:
    """The values of the two ownership tags, empty where there is none; tag names ignore case.

    Names that differ in case alone, with other values, name nobody: `UNCLEAR`, which no project or stack is called.
    """
    by_name: dict[str, set[str]] = {}
    for name, value in (tags or {}).items():
        by_name.setdefault(name.lower(), set()).add(str(value))
    values = [by_name.get(tag) or {""} for tag in (PROJECT_TAG, STACK_TAG)]
    project, stack = (next(iter(each)) if len(each) == 1 else UNCLEAR for each in values)
    return project, stack


@dataclass(frozen=True)
class Resource:
    """A resource in a group.

    Attributes:
        id: its ARM id, as Azure writes it.
        type: its full type, lower case.
        tags: its tags.
        links: lower-case ids of the resources and identities that a workspace uses.
        location: its region.
        manager: id of what manages it, where it is not whoever made it.
    """

    id: str
    type: str
    tags: Mapping[str, str]
    links: frozenset[str] = frozenset()
    location: str = ""
    manager: str = ""

    @property
    def name(self) -> str:
        """The last part of its id."""
        return self.id.rsplit("/", 1)[-1]

    @property
    def group(self) -> str:
        """The beginning of all ids in its group, lower case."""
        return "/".join(self.id.lower().split("/")[:5]) + "/"

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Resource:
        """From ARM's document, in a list or by itself."""
        properties = document.get("properties") or {}
        names = (*LINKED.values(), "containerRegistry", "hubResourceId")  # Microsoft, "Workspaces - Get": properties
        identities = (document.get("identity") or {}).get("userAssignedIdentities") or {}
        # The key that its data is encrypted with (`EncryptionProperty`): without the vault it is lost.
        key = ((properties.get("encryption") or {}).get("keyVaultProperties") or {}).get("keyVaultArmId")
        links = (*(properties[name] for name in names if properties.get(name)), *identities, *([key] if key else []))
        return cls(
            str(document["id"]),
            str(document.get("type", "")).lower(),
            dict(document.get("tags") or {}),
            frozenset(str(link).lower() for link in links),
            str(document.get("location") or ""),
            str(document.get("managedBy") or ""),
        )


# Of an id in a group, and the tags of what has it.
Proven = Callable[[str, Mapping[str, str] | None], bool]


def proven_in(group_id: str, holder: Owner | None) -> Proven:
    """Tells of what is, or was, in a group whether its name, or a record, proves that it was made for the stack.

    Args:
        group_id: the group's ARM id.
        holder: whose group it is.
    """
    _, _, subscription, _, name = group_id.split("/")[:5]
    names = naming.expected(name.lower(), holder.stack, subscription) if holder is not None else {}
    patterns = {type_.lower(): names[field] for type_, _, field in IN_GROUP if field in names}

    def proven(id_: str, tags: Mapping[str, str] | None) -> bool:
        words = id_.lower().split("/")
        named = len(words) == 9 and patterns.get("/".join(words[6:8]))
        return bool(named and named.fullmatch(words[8])) or (holder is not None and recorded(tags, id_))

    return proven


@dataclass(frozen=True)
class Limits:
    """What the user allows, and who asks.

    Attributes:
        holder: the stack whose group it has to be; None: whoever's tags the group bears.
        known: lower-case ids that the stack's state and settings name; None where no stack is asked.
        unmanaged: untagged groups and resources are meant, too.
        cancel_jobs: running jobs may be cancelled.
        stop_endpoints: online endpoints that have traffic may be deleted.
        our_locks: lower-case ids of locks that the stack's state has.
        given: the group is another's: what is the stack's in it goes, and the group stays.
        home: what the names of the stack's roles follow from, if it is not the group.
        given_roles: by its lower-case id, what each role assignment says of itself that the stack's program declares
            outside of the group, on what is given.
        chosen: whether a group, as its document is now, is what the user chose; None where it was named.
    """

    holder: Owner | None = None
    known: frozenset[str] | None = None
    unmanaged: bool = False
    cancel_jobs: bool = False
    stop_endpoints: bool = False
    our_locks: frozenset[str] = frozenset()
    chosen: Callable[[Mapping[str, Any]], bool] | None = None
    given: bool = False
    home: str = ""
    given_roles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Foreign:
    """A resource that is not proven to be ours, and why."""

    id: str
    why: str


@dataclass(frozen=True)
class Verdict:
    """Which resources of a group are ours, and which are not."""

    ours: tuple[Resource, ...]
    foreign: tuple[Foreign, ...]


def judge(
    resources: Iterable[Resource],
    holder: Owner | None,
    known: frozenset[str] | None,
    *,
    proven: Proven = lambda _id, _tags: False,
    unmanaged: bool = False,
) -> Verdict:
    """Tell what may be deleted with a group.

    Args:
        resources: all that is in the group.
        holder: whose group it is; None where it bears nobody's tags.
        known: lower-case ids that the stack's state and settings name; None where no stack is asked.
        proven: where none is asked, whether an id in the group is proven to be the holder's.
        unmanaged: the user named the group and said that untagged things in it are meant, too.
    """

    def doubt(one: Resource) -> str:
        if known is not None:
            return "" if one.id.lower() in known else "bears this stack's tags, but is not in its state or settings"
        return "" if proven(one.id, one.tags) else UNPROVEN

    everything = sorted(resources, key=lambda one: (one.id.count("/"), one.id.lower()))
    ours: dict[str, Resource] = {}
    foreign: list[Foreign] = []
    later: list[Resource] = []
    for one in everything:
        if why := _against(one, holder, doubt, ours, unmanaged):
            if why == UNTAGGED and not _below(one.id, ours):
                later.append(one)  # Azure's own companions are told by what they accompany, which may come later
            else:
                foreign.append(Foreign(one.id, why))
        else:
            ours[one.id.lower()] = one
    for one in later:
        if _automatic(one, ours.values(), known or ()):
            ours[one.id.lower()] = one
        else:
            foreign.append(Foreign(one.id, UNTAGGED))
    return Verdict(tuple(ours.values()), tuple(foreign))


UNTAGGED = "bears no tag of azmlflow's"
UNPROVEN = "bears this stack's tags, which may be inherited or copied, but nothing proves that azmlflow made it"


def _against(
    one: Resource,
    holder: Owner | None,
    doubt: Callable[[Resource], str],
    ours: Mapping[str, Resource],
    unmanaged: bool,
) -> str:
    """What speaks against deleting a resource; empty if nothing does."""
    if one.manager and not one.manager.lower().startswith(one.group):
        return f"is managed by {one.manager}"
    project, stack = marks(one.tags)
    if (project or stack) and (holder is None or (project, stack) != (holder.project, holder.stack)):
        return f"belongs to stack {stack or '?'} of project {project or '?'}"
    if _below(one.id, ours) or unmanaged:
        return ""
    return doubt(one) if project else UNTAGGED


def _below(id_: str, ours: Mapping[str, Resource]) -> bool:
    parts = id_.lower().split("/")
    return any("/".join(parts[:length]) in ours for length in range(9, len(parts)))


def _automatic(one: Resource, ours: Iterable[Resource], gone: Iterable[str]) -> bool:
    """Whether Azure made it beside a resource of ours, which may be gone by now, but not from the state."""
    for type_, pattern, beside in AUTOMATIC:
        names = [mine.name for mine in ours if mine.type == beside]
        names += [id_.rsplit("/", 1)[-1] for id_ in gone if f"/providers/{beside}/" in id_]
        if one.type == type_ and any(
            re.fullmatch(pattern.replace("{}", re.escape(name)), one.name, re.IGNORECASE) for name in names
        ):
            return True
    return False
