"""What a principal has from a stack, whatever its settings say now, and what of it a `revoke` means.

The settings forget a grant first; who is stopped then, or edits them by hand, leaves the access. So three are looked at
together: the grants of the settings, those of the last `up`, and the role assignments that stand. An assignment is the
stack's by its name, which follows from scope, principal and role (`rbac.grants`), in either profile, and by what its
description says where another stack shares the group.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, get_args

from azmlflow.cli.access.assignments import Listing, of_another
from azmlflow.cli.frame.errors import CliError
from azmlflow.infra.plan.identifiers import Place
from azmlflow.infra.plan.records import Assignment, ComputeIdentity
from azmlflow.infra.plan.tags import owner
from azmlflow.rbac.grants import Grant, GrantScope
from azmlflow.rbac.profiles import Profile
from azmlflow.rbac.roles import PERSONAS

if TYPE_CHECKING:
    from azmlflow.cli.azure.resource_manager import ResourceManager
    from azmlflow.cli.session.session import Session


@dataclass(frozen=True)
class Places:
    """Where grants of a stack may stand: the place that the settings name now, and the one of the last `up`.

    Attributes:
        every: the places, in each profile, with the roles on the storage account.
    """

    every: tuple[Place, ...]

    @classmethod
    def of(cls, session: Session, now: Place, outputs: Mapping[str, object]) -> Places:
        """The places of a session's stack."""
        settings = session.settings()
        account = now.storage_account or settings.given().get("storage") or session.names(outputs).storage_account
        places = [replace(now, storage_account=account)]
        then = [outputs.get(name) for name in ("subscriptionId", "resourceGroup", "workspaceName", "storageAccount")]
        if all(then):
            subscription, group, workspace, storage = map(str, then)
            places.append(Place(subscription, group, workspace, storage, own_group=now.own_group))
        profiles: tuple[Profile, ...] = get_args(Profile)
        return cls(tuple(dict.fromkeys(replace(each, profile=profile) for each in places for profile in profiles)))

    def assignments(self, grants: Iterable[Grant]) -> tuple[Assignment, ...]:
        """Every role assignment that may stand for grants, each once."""
        listed = [replace(grant, adopted={}) for grant in grants]
        found = {each.id.lower(): each for place in self.every for each in place.assignments(listed)}
        return tuple(found.values())

    def urns(self, grants: Iterable[Grant], stack: str, project: str) -> tuple[str, ...]:
        """URNs of the roles and assignments that may stand for grants, or stay for what computes need."""
        listed = tuple(grants)
        planned = [role for place in self.every for role in place.roles(listed)]
        for each in self.assignments(listed):
            planned += [each.planned(), *([replace(each.planned(), name=each.otherwise)] if each.otherwise else [])]
        return tuple(dict.fromkeys(each.urn(stack, project) for each in planned))


@dataclass(frozen=True)
class Had:
    """What a principal has from a stack.

    Attributes:
        grants: by the settings, by the last `up`, and by what stands.
        standing: the stack's role assignments that are there.
        others: ids of those that somebody else made, on the workspace or what is around it.
    """

    grants: tuple[Grant, ...]
    standing: tuple[Assignment, ...]
    others: tuple[str, ...] = ()


def of_last_up(outputs: Mapping[str, object]) -> tuple[Grant, ...]:
    """The grants that the last `up` gave, as it told them."""
    given = outputs.get("grants")
    return tuple(_told(each) for each in given if isinstance(each, Mapping)) if isinstance(given, Sequence) else ()


def _told(entry: Mapping[str, object]) -> Grant:
    def text(name: str) -> str:
        return str(entry.get(name) or "")

    scope: GrantScope = "group" if text("scope") == "group" else "workspace"
    until = date.fromisoformat(text("until")) if text("until") else None
    return Grant(text("principalId"), text("principalType"), text("displayName"), text("persona"), scope, until)


def called(grants: Iterable[Grant], word: str) -> Grant | None:
    """A grant of the principal that a word names, by object id or by the name that the grant bears.

    Raises:
        CliError: it is the name of several.
    """
    found = {grant.principal_id.lower(): grant for grant in grants if _names(grant, word)}
    if len(found) > 1:
        raise CliError(
            f"`{word}` is the name of {len(found)} principals: {', '.join(sorted(found))}",
            next=f"azmlflow revoke {min(found)}    (one of them)",
        )
    return next(iter(found.values()), None)


def _names(grant: Grant, word: str) -> bool:
    return word.lower() in {grant.principal_id.lower(), grant.display_name.lower()}


def look(
    session: Session, arm: ResourceManager, places: Places, listing: Listing, *, known: Iterable[Grant], who: Grant
) -> Had:
    """What a principal has.

    Args:
        session: the stack's.
        arm: asks for single assignments where the subscription's may not be listed.
        places: where they may stand.
        listing: the assignments that could be listed.
        known: the grants of the settings and of the last `up`.
        who: any grant of the principal's, for who it is.
    """
    theirs = {grant.key: grant for grant in known if grant.principal_id.lower() == who.principal_id.lower()}
    possible = [
        replace(who, persona=each.name, scope=scope, until=None, adopted={})
        for scope in get_args(GrantScope)
        for each in PERSONAS
    ]
    ours = owner(session.project.name, session.name)
    described = {str(entry.name).lower(): entry.description or "" for entry in listing.entries}

    def stands(each: Assignment) -> bool:
        if each.guid not in described:
            return listing.counted is None and arm.role_assignment(each.id) is not None
        return not of_another(described[each.guid], ours)

    standing = [each for each in places.assignments(possible) if stands(each)]
    told = {each.key for each in places.assignments(theirs.values())}
    for grant in possible:
        keys = {each.key for each in places.assignments((grant,)) if each in standing and _is_own(each, places, grant)}
        if keys - told:
            told |= keys
            theirs.setdefault(grant.key, grant)
    names = {each.guid for each in standing}
    others = tuple(
        str(entry.id)
        for entry in listing.entries
        if str(entry.principal_id).lower() == who.principal_id.lower() and str(entry.name).lower() not in names
    )
    return Had(tuple(theirs.values()), tuple(standing), others)


def _is_own(each: Assignment, places: Places, grant: Grant) -> bool:
    """Whether it is the persona's own role, at the grant's scope, and none on the storage account that comes along."""
    return any(each.id == place.assignment(grant).id for place in places.every)


def going(
    had: Had,
    places: Places,
    gone: Iterable[Grant],
    stay: Iterable[Grant],
    computes: Iterable[ComputeIdentity] = (),
) -> Iterator[Assignment]:
    """The assignments that stand and that only the grants that go call for; no identity of a compute, either."""
    needed = {each.key for place in places.every for each in place.of_computes(computes, ())}
    stays = needed | {each.key for each in places.assignments(stay)}
    unwanted = {each.key for each in places.assignments(gone)} - stays
    return (each for each in had.standing if each.key in unwanted)
