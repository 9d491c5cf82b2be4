"""Finds what azmlflow made, by its tags, across subscriptions, and says which of it is meant. Changes nothing.

A group counts only with both ownership tags; what it lacks otherwise (an age, an end) never counts against it: a group
of unknown age is older than nothing.
"""

from __future__ import annotations

import fnmatch
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from azmlflow.cli.azure.errors import ArmError
from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.infra.plan import tags
from azmlflow.rbac.live.pool import Pool


@dataclass(frozen=True)
class Found:
    """A resource group that azmlflow made.

    Attributes:
        id: its ARM id.
        tags: its tags.
        location: its region.
        contents: how many resources of each ARM type are in it; None where nobody looked.
        gone: it stands no more; its tags and contents are those of what is soft-deleted of it, and ours.
    """

    id: str
    tags: Mapping[str, str]
    location: str = ""
    contents: Mapping[str, int] | None = None
    gone: bool = False

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Found:
        """From ARM's document, in a list or by itself."""
        return cls(str(document["id"]), document.get("tags") or {}, str(document.get("location", "")))

    @property
    def name(self) -> str:
        """The group's name."""
        return self.id.rsplit("/", 1)[-1]

    @property
    def subscription(self) -> str:
        """Id of its subscription."""
        return self.id.split("/")[2]

    def tag(self, name: str) -> str | None:
        """A tag's value; names ignore case, as Azure's do."""
        return next((value for key, value in self.tags.items() if key.lower() == name.lower()), None)

    @property
    def project(self) -> str:
        """The project that made it."""
        return self.tag(tags.PROJECT_TAG) or ""

    @property
    def stack(self) -> str:
        """The stack that it is of."""
        return self.tag(tags.STACK_TAG) or ""

    @property
    def owner(self) -> str:
        """Who made it; empty if no tag says."""
        return self.tag(tags.OWNER_TAG) or ""

    @property
    def created(self) -> datetime | None:
        """Since when it is there; None if no tag says."""
        return tags.read_instant(self.tag(tags.CREATED_TAG))

    @property
    def expires(self) -> datetime | None:
        """Until when it is wanted; None if no tag says."""
        return tags.read_instant(self.tag(tags.EXPIRES_TAG))

    def document(self, now: datetime) -> dict[str, Any]:
        """As `--output json` prints it."""
        return {
            "id": self.id,
            "name": self.name,
            "subscription": self.subscription,
            "location": self.location,
            "project": self.project,
            "stack": self.stack,
            "owner": self.owner or None,
            "created": tags.instant(self.created) if self.created else None,
            "expires": tags.instant(self.expires) if self.expires else None,
            "ageSeconds": round((now - self.created).total_seconds()) if self.created else None,
            "contents": dict(self.contents) if self.contents is not None else None,
            "gone": self.gone,
        }


@dataclass(frozen=True)
class Wanted:
    """Which groups to take: those that fit every condition.

    Attributes:
        tags: names and values that a group must have.
        name: pattern of its name (`*`, `?`, `[...]`), ignoring case.
        older_than: how old it is at least.
        expired: must its end be past?
    """

    tags: tuple[tuple[str, str], ...] = ()
    name: str | None = None
    older_than: timedelta | None = None
    expired: bool = False

    @property
    def everything(self) -> bool:
        """Does it leave nothing out?"""
        return not (self.tags or self.name or self.older_than is not None or self.expired)

    def fits(self, group: Found, now: datetime) -> bool:
        """Whether a group fits every condition."""
        if any(group.tag(name) != value for name, value in self.tags):
            return False
        if self.name is not None and not fnmatch.fnmatchcase(group.name.lower(), self.name.lower()):
            return False
        if self.older_than is not None and (group.created is None or now - group.created < self.older_than):
            return False
        return not self.expired or (group.expires is not None and group.expires <= now)


def find(
    arm: ResourceManager, wanted: Wanted, now: datetime, width: int, warn: Callable[[str], None]
) -> tuple[Found, ...]:
    """The groups to take, oldest first.

    Args:
        arm: Azure Resource Manager.
        wanted: which are meant.
        now: the time.
        width: how many subscriptions are asked at a time.
        warn: hears of subscriptions whose groups may not be seen.
    """
    subscriptions = [str(each.subscription_id) for each in arm.subscriptions()]
    with Pool(width, "find") as pool:
        lists = pool.map(lambda each: _groups(arm, each, warn), subscriptions)
        groups = [group for found in lists for group in found if wanted.fits(group, now)]
    return tuple(sorted(groups, key=lambda group: (group.created or now, group.id)))


def _groups(arm: ResourceManager, subscription: str, warn: Callable[[str], None]) -> tuple[Found, ...]:
    """Those of a subscription that azmlflow made: they bear both ownership tags."""
    try:
        every = tuple(map(Found.of, arm.groups(subscription)))
    except ArmError as fault:
        if fault.status != 403:
            raise
        warn(f"the groups of subscription {subscription} are not looked at: {fault.message}")
        return ()
    return tuple(group for group in every if group.project and group.stack)


def look_into(arm: ResourceManager, groups: Iterable[Found], width: int) -> tuple[Found, ...]:
    """The same groups with what is in them, `width` asked for at a time."""
    with Pool(width, "look") as pool:
        return tuple(pool.map(lambda group: _look_into(arm, group), groups))


def _look_into(arm: ResourceManager, group: Found) -> Found:
    if group.gone:
        return group
    try:
        types = Counter(str(entry.type) for entry in arm.resources(group.id))
    except ArmError as fault:
        if fault.status != 403:
            raise
        return group  # the group may be seen, and not what is in it
    return replace(group, contents=dict(sorted(types.items())))


def refused(
    arm: ResourceManager, groups: Iterable[Found], width: int, *, stop_endpoints: bool = False
) -> dict[str, tuple[str, ...]]:
    """Why groups could not be removed as they are, by their ids: what in them is not azmlflow's or may not be seen,
    locks, jobs, endpoints that answer requests, unless those may be stopped.
    """
    every = tuple(groups)
    with Pool(width, "plan") as pool:
        whys = pool.map(lambda group: _refused(arm, group, stop_endpoints), every)
        return {group.id: why for group, why in zip(every, whys, strict=True)}


def _refused(arm: ResourceManager, group: Found, stop_endpoints: bool) -> tuple[str, ...]:
    from azmlflow.cli.teardown import Limits, plan_group

    limits = Limits(stop_endpoints=stop_endpoints)
    try:
        plan = plan_group(arm, group.id, limits)
        stays = plan.notes if group.gone and not plan.may_purge else ()
        return (*(refusal.why for refusal in plan.refusals), *stays)
    except ArmError as fault:
        if fault.status != 403:
            raise
        return (fault.what,)
