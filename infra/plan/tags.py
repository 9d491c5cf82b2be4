"""Ownership tags: every taggable resource says which project and stack it belongs to.

Teardown and recovery import or delete only what these tags, or our own deterministic names, prove to be ours.
Azure's limits: 50 tags a resource, names of at most 512 characters (storage accounts: 128), values of at most 256
(Microsoft, "Use tags to organize your Azure resources": https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

PROJECT_TAG = "azmlflow-project"
STACK_TAG = "azmlflow-stack"
# On the resource group alone: what `azmlflow sweep` goes by.
CREATED_TAG, OWNER_TAG, EXPIRES_TAG = "azmlflow-created-on", "azmlflow-owner", "expires-on"
# On all of a stack whose names do not follow from its group's: which resources were made for it.
MADE_TAG = "azmlflow-made"
LOCK_NAME = "azmlflow"  # of each lock, diagnostic setting and budget of a stack
RESERVED = "azmlflow-"
MOST_TAGS = 44  # 50 less ours
LONGEST_NAME, LONGEST_VALUE = 128, 256
_REFUSED = frozenset("<>%&\\?/")


def ownership(project: str, stack: str) -> dict[str, str]:
    """The tags that prove that a resource belongs to this project's stack."""
    return {PROJECT_TAG: project, STACK_TAG: stack}


def owner(project: str, stack: str) -> str:
    """The same in a sentence, for the descriptions of what Azure keeps no tags on."""
    return f"azmlflow stack {stack} of project {project}"


def owned(tags: Mapping[str, str] | None, project: str, stack: str) -> bool:
    """Whether a resource's tags prove that it belongs to this project's stack. Azure's tag names ignore case."""
    found = {name.lower(): value for name, value in (tags or {}).items()}
    return all(found.get(name) == value for name, value in ownership(project, stack).items())


def record(ids: Iterable[str]) -> dict[str, str]:
    """The tag that names the resources which were made for a stack, by their ids; none for no ids.

    A policy may hand it down, and people may copy it: on what it does not name it proves nothing.
    """
    digests = sorted(map(_digest, ids))
    return {MADE_TAG: " ".join(digests)} if digests else {}


def recorded(tags: Mapping[str, str] | None, id_: str) -> bool:
    """Whether a resource's own tags name it; names and ids ignore case."""
    found = [str(value).split() for name, value in (tags or {}).items() if name.lower() == MADE_TAG]
    return any(_digest(id_) in digests for digests in found)


def _digest(id_: str) -> str:
    """40 bits of an ARM id: 28 fit into a tag."""
    return base64.b32encode(hashlib.sha256(id_.lower().encode()).digest()).decode().lower()[:8]


def life(created: datetime | None, owner_name: str | None, expires: datetime | None) -> dict[str, str]:
    """The tags of a group that say since when, whose, and until when it is; those that are known."""
    found = {
        CREATED_TAG: instant(created) if created else "",
        OWNER_TAG: "".join(letter for letter in owner_name or "" if letter not in _REFUSED)[:LONGEST_VALUE],
        EXPIRES_TAG: instant(expires) if expires else "",
    }
    return {name: value for name, value in found.items() if value}


def instant(moment: datetime) -> str:
    """A moment as a tag, or a setting, holds it: `2027-01-31T12:00:00Z`."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def read_instant(text: str | None) -> datetime | None:
    """The moment that a tag says; None for what is none. A day alone is its beginning."""
    try:
        moment = datetime.fromisoformat((text or "").strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):  # in UTC it may lie before the calendar's beginning, or after its end
        return None


def check(name: str, value: str) -> str | None:
    """What Azure, or this project, has against a tag, or None."""
    if not name:
        return "has an empty name"
    if name.lower().startswith(RESERVED):
        return f"starts with '{RESERVED}', which marks this project's own tags"
    if bad := sorted(_REFUSED & set(name)):
        return f"has {' '.join(bad)} in its name, which Azure refuses"
    if len(name) > LONGEST_NAME:
        return f"has a name of more than {LONGEST_NAME} characters"
    if len(value) > LONGEST_VALUE:
        return f"has a value of more than {LONGEST_VALUE} characters"
    return None
