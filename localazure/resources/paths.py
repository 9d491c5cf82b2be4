"""What an ARM path names. Segments are compared without case and kept as they were written.

    path       = scope [ "/providers/" namespace *( "/" type "/" name ) [ "/" type ] [ "/" action ] ]
    scope      = "" | subscription | group | resource (when what follows extends it)

`/type` at the end asks for a collection; under POST the last odd segment is an action (`listKeys`) instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote

from azmlflow.localazure.core.errors import AzureError
from azmlflow.rbac import scopes

_GROUPS = "resourcegroups"
GROUP_TYPE = "Microsoft.Resources/resourceGroups"
GROUP_ACTIONS = "Microsoft.Resources/subscriptions/resourceGroups"  # the type as its Azure actions have it


@dataclass(frozen=True)
class Target:
    """What a request is about.

    Attributes:
        path: the whole path, without slash at its end.
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
        """The resource's id as the request wrote it, without the action."""
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


def parse(raw_path: str, method: str) -> Target:
    """Take a path apart.

    Args:
        raw_path: as it was sent, percent-encoded.
        method: the HTTP method; POST makes the last odd segment an action.

    Raises:
        AzureError: 400 `InvalidResourceId`-like faults: an empty segment, or a subscription id that is no GUID.
    """
    segments = [unquote(segment) for segment in raw_path.strip("/").split("/")] if raw_path.strip("/") else []
    path = "".join(f"/{segment}" for segment in segments)
    if any(not segment or "/" in segment or segment in (".", "..") for segment in segments):
        raise AzureError(400, "InvalidRequestUri", f"The request URI path '{path}' has an empty or invalid segment.")
    subscription = group = None
    if len(segments) > 1 and segments[0].lower() == "subscriptions":
        subscription = segments[1]
        if not scopes.is_guid(subscription):
            raise AzureError(
                400,
                "InvalidSubscriptionId",
                f"The provided subscription identifier '{subscription}' is malformed or invalid.",
            )
        if len(segments) > 3 and segments[2].lower() == _GROUPS:
            group = segments[3]
    at = _last_provider(segments)
    if at is None and len(segments) in (3, 4) and segments[2].lower() == _GROUPS:
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


def _last_provider(segments: list[str]) -> int | None:
    """Where the last `providers/<namespace>` begins; a `providers` in a name's place is a name."""
    found = None
    at = 0
    while at < len(segments):
        if segments[at].lower() == "providers" and at + 1 < len(segments):
            found = at
            at += 2  # the namespace
        else:
            at += 2  # a type and its name
    return found
