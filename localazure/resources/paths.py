"""What an ARM path names. Segments are compared without case and kept as they were written.

    path       = scope [ "/providers/" namespace *( "/" type "/" name ) [ "/" type ] [ "/" action ] ]
    scope      = "" | subscription | group | resource (when what follows extends it)

`/type` at the end asks for a collection; under POST the last odd segment is an action (`listKeys`) instead.
What is not a name gets one spelling at once, Azure's, so that whoever compares it later need not mind its case.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from azmlflow.localazure.core import spelling
from azmlflow.localazure.core.errors import AzureError
from azmlflow.rbac import scopes

# What generic clients send for a resource without a parent: `providers/{namespace}/{parent}/{type}/{name}`
# (azure-mgmt-resource, ResourcesOperations, whose parent_resource_path may be empty; `az resource show`).
_EMPTY_PARENT = re.compile("(?i)(/providers/[^/]+)//(?=[^/])")
_GROUPS = "resourceGroups"
_WORDS = {word.lower(): word for word in ("subscriptions", _GROUPS, "providers")}
GROUP_TYPE = "Microsoft.Resources/resourceGroups"
GROUP_ACTIONS = "Microsoft.Resources/subscriptions/resourceGroups"  # the type as its Azure actions have it


@dataclass(frozen=True)
class Target:
    """What a request is about.

    Attributes:
        path: the whole path, decoded, without slash at its end.
        scope: what the last `/providers/` stands on: "" (the tenant), a subscription, a group or a resource.
        subscription: the subscription's id, or None.
        group: the resource group's name, or None.
        namespace: the last `/providers/`'s namespace, or None.
        types: type segments after it.
        names: name segments after it; one less than the types when a collection is asked for.
        action: the POST action, or None.
    """

    path: str
    scope: str
    subscription: str | None
    group: str | None
    namespace: str | None
    types: tuple[str, ...]
    names: tuple[str, ...]
    action: str | None = None

    @property
    def type(self) -> str:
        """`Microsoft.Storage/storageAccounts`; "" where no resource type is named."""
        return "/".join((self.namespace, *self.types)) if self.namespace else ""

    @property
    def id(self) -> str:
        """The resource's id, its names as the request wrote them, without the action."""
        return self.path if self.action is None else self.path[: -len(self.action) - 1]

    @property
    def is_collection(self) -> bool:
        """Whether the path ends with a type rather than with a name."""
        return len(self.types) > len(self.names)

    @property
    def name(self) -> str:
        """The last name segment."""
        return self.names[-1] if self.names else ""

    def parent_id(self, levels: int = 1) -> str:
        """The id of the resource `levels` type/name pairs above this one."""
        return "/".join(self.id.split("/")[: -2 * levels])


def parse(raw_path: str, method: str, spelt: Callable[[str], str] = str) -> Target:
    """Take a path apart.

    Args:
        raw_path: as it was sent, percent-encoded.
        method: the HTTP method; POST makes the last odd segment an action.
        spelt: Azure's spelling of a namespace or a full type in any case; what it does not know it gives back.

    Raises:
        AzureError: 400 `InvalidRequestUri`: an empty segment other than a parent's, or one that is encoded twice or has
            a slash; 400 `InvalidSubscriptionId`: a subscription id that is not a GUID.
    """
    sent = _EMPTY_PARENT.sub(r"\1/", raw_path).removeprefix("/").removesuffix("/")
    segments = [spelling.decoded(segment) for segment in sent.split("/")] if sent else []
    # No name in Resource Manager has a '%' (Microsoft, "Naming rules and restrictions"): it would be decoded again.
    if any(not segment or not {"/", "\\", "%"}.isdisjoint(segment) for segment in segments):
        path = "".join(f"/{segment}" for segment in segments)
        raise AzureError(400, "InvalidRequestUri", f"The request URI path '{path}' has an empty or invalid segment.")
    segments = _in_azures_spelling(segments, spelt)
    path = "".join(f"/{segment}" for segment in segments)
    subscription = group = None
    if len(segments) > 1 and segments[0] == "subscriptions":
        subscription = segments[1]
        if not scopes.is_guid(subscription):
            raise AzureError(
                400,
                "InvalidSubscriptionId",
                f"The provided subscription identifier '{subscription}' is malformed or invalid.",
            )
        if len(segments) > 3 and segments[2] == _GROUPS:
            group = segments[3]
    at = _last_provider(segments)
    if at is None and len(segments) in (3, 4) and segments[2] == _GROUPS:
        # A group is a resource like others in all but the spelling of its id.
        namespace, kind = GROUP_TYPE.split("/")
        return Target(
            path, f"/subscriptions/{subscription}", subscription, group, namespace, (kind,), tuple(segments[3:])
        )
    if at is None:
        return Target(path, path, subscription, group, None, (), ())
    scope = "".join(f"/{segment}" for segment in segments[:at])
    namespace = segments[at + 1]
    rest = segments[at + 2 :]
    action = rest.pop() if method == "POST" and len(rest) % 2 else None
    return Target(path, scope, subscription, group, namespace, tuple(rest[::2]), tuple(rest[1::2]), action)


def is_valid_scope(scope: str) -> bool:
    """Whether a scope follows the grammar of ARM ids (the tenant, "", does)."""
    try:
        scopes.parse(scope or scopes.ROOT)
    except scopes.InvalidScope:
        return False
    return True


def is_group(target: Target) -> bool:
    """Whether a path is that of a resource group or of all: no provider stands in it."""
    return target.type == GROUP_TYPE and "/providers/" not in target.path.lower()


def group_id(target: Target) -> str:
    """The id of the group that a target lies in."""
    return scopes.resource_group_id(target.subscription or "", target.group or "")


def _in_azures_spelling(segments: list[str], spelt: Callable[[str], str]) -> list[str]:
    """A path whose words, namespaces and types are spelt as Azure does, and the subscription's id in lower case."""
    found, at, type_ = list(segments), 0, ""
    while at < len(found):
        word = found[at]
        if word.lower() == "providers":
            found[at] = "providers"
            if at + 1 < len(found):
                type_ = found[at + 1] = spelt(found[at + 1])
        elif type_:
            type_ = spelt(f"{type_}/{word}")
            found[at] = type_.rpartition("/")[2]
        else:
            found[at] = _WORDS.get(word.lower(), word)
        at += 2  # what follows is a name
    if len(found) > 1 and found[0] == "subscriptions":
        found[1] = found[1].lower()
    return found


def _last_provider(segments: list[str]) -> int | None:
    """Where the last `providers/<namespace>` begins; a `providers` in a name's place is a name."""
    found = None
    at = 0
    while at < len(segments):
        if segments[at] == "providers" and at + 1 < len(segments):
            found = at
            at += 2  # the namespace
        else:
            at += 2  # a type and its name
    return found
