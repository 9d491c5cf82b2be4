"""Who answers a request to Azure Resource Manager.

ARM itself (`arm.subscription`, and lists of all resources), a kind's extra requests, or the life cycle that all
resources share (`arm.lifecycle`, `arm.lists`). An unknown path is 404, in ARM's shape.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from azmlflow.localazure.activity import listing, recording
from azmlflow.localazure.arm import elsewhere, lifecycle, lists, providers, subscription, versions
from azmlflow.localazure.arm.extensions import AT_ANY_SCOPE, TAGS_TYPE, tag_names, tagging
from azmlflow.localazure.arm.templates import deploying
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.kinds import BY_TYPE, KINDS
from azmlflow.localazure.kinds.templates.deployments import TEMPLATE_DEPLOYMENT
from azmlflow.localazure.principals.enforce import Caller
from azmlflow.localazure.resources import paths
from azmlflow.localazure.resources.ask import Answer, Ask
from azmlflow.localazure.resources.kind import Kind
from azmlflow.localazure.resources.verbs import Extra
from azmlflow.rbac.operations import recognise

Handler = Callable[[Ask], Answer]
Handling = Callable[[Ask], Answer | Awaitable[Answer]]
# Beside Azure's own words, by which a type that Azure has would be none.
_NOT_HERE = "The embedded Azure does not emulate it."
# What ARM answers itself: method, path (`*` for any segment), handler.
OWN: tuple[tuple[str, tuple[str, ...], Handler], ...] = (
    ("GET", ("tenants",), subscription.tenants),
    ("GET", ("providers",), providers.list_providers),
    ("GET", ("providers", "*"), providers.get_provider),
    ("GET", ("subscriptions",), subscription.list_subscriptions),
    ("GET", ("subscriptions", "*"), subscription.get_subscription),
    ("GET", ("subscriptions", "*", "locations"), subscription.locations),
    ("GET", ("subscriptions", "*", "tagnames"), tag_names),
    ("GET", ("subscriptions", "*", "resources"), lists.resources),
    ("GET", ("subscriptions", "*", "resourcegroups", "*", "resources"), lists.resources),
    ("GET", ("subscriptions", "*", "providers"), providers.list_providers),
    ("GET", ("subscriptions", "*", "providers", "*"), providers.get_provider),
    ("GET", ("subscriptions", "*", *listing.PATH), listing.listed),
    ("POST", ("subscriptions", "*", "providers", "*", "register"), providers.register),
    ("POST", ("subscriptions", "*", "providers", "*", "unregister"), providers.register),
)


def ask(cloud: Cloud, caller: Caller, method: str, path: str, query: Mapping[str, str]) -> Ask:
    """A request without a body.

    Args:
        cloud: the embedded Azure.
        caller: who asks.
        method: HTTP method.
        path: as it was sent, percent-encoded.
        query: its parameters by lower-case name.

    Raises:
        AzureError: 400, no api-version or one that is not a date, or a malformed path.
    """
    api_version = versions.required(query.get("api-version"))
    return Ask(cloud, caller, paths.parse(path, method, versions.spelt), query, {}, api_version)


async def answer(asked: Ask, method: str) -> Answer:
    """Have a request answered.

    Raises:
        AzureError: it is refused.
    """
    subscription.require_subscription(asked)
    versions.check(asked, method)
    began = asked.cloud.clock.now()
    try:
        given = _handler(asked, method)(asked)
        came = given if isinstance(given, Answer) else await given
    except AzureError as refused:
        recording.record(asked, method, began, refused)
        raise
    recording.record(asked, method, began, came)
    return came


def _handler(ask: Ask, method: str) -> Handling:
    """Who answers a request; 404 or 405 if nobody does."""
    own = _own(ask, method)
    if own is not None:
        return own
    target = ask.target
    if target.type.lower() == TAGS_TYPE.lower():
        return lambda each: tagging(each, method)
    for kind in KINDS:
        for extra in kind.extras:
            asked = (method, target.type.lower() or "", (target.action or "").lower() or None, target.is_collection)
            if asked == (extra.method, extra.type, extra.action, extra.collection) and _may_stand(extra, target):
                return _permitted(extra.run, extra.permission)
    _require_operation(ask, method)
    kind = _kind(ask)
    if (kept := kind.elsewhere) is not None:
        return lambda each: elsewhere.answer(each, kind, kept, method)
    if target.is_collection:
        if method == "GET":
            return lambda each: lists.of_kind(each, kind)
        raise lifecycle.not_allowed(method)
    served: dict[str, Callable[[Ask, Kind], Answer]] = {
        "GET": lifecycle.read,
        "HEAD": _exists,
        "PUT": _write,
        "PATCH": lifecycle.patch,
        "DELETE": lifecycle.remove,
        "POST": lifecycle.act,
    }
    if method not in served or (method == "POST" and target.action is None):
        raise lifecycle.not_allowed(method)
    return lambda each: served[method](each, kind)


def _own(ask: Ask, method: str) -> Handler | None:
    """What ARM answers itself, or None."""
    if method == "GET" and subscription.is_operation(ask):
        return subscription.operation
    if method == "GET" and ask.target.is_collection and ask.target.type.lower() in AT_ANY_SCOPE:
        return AT_ANY_SCOPE[ask.target.type.lower()]
    segments = tuple(segment.lower() for segment in ask.target.path.split("/")[1:])
    for asked, pattern, handler in OWN:
        same_length = asked == method and len(pattern) == len(segments)
        if same_length and all(want in ("*", got) for want, got in zip(pattern, segments, strict=True)):
            return handler
    return None


def _kind(ask: Ask) -> Kind:
    """The kind of the path's type, standing where it can.

    Raises:
        AzureError: 404 `InvalidResourceType`, `InvalidResourceNamespace`, or `NotFound` for no resource path at all.
    """
    target = ask.target
    kind = BY_TYPE.get(target.type.lower())
    if kind is not None and _fits(kind, target):
        return kind
    if not target.namespace or not target.types:
        raise AzureError(404, "NotFound", f"The path '{target.path}' names nothing that Azure Resource Manager has.")
    if not any(each.namespace.lower() == target.namespace.lower() for each in KINDS):
        said = f"The resource namespace '{target.namespace}' is invalid. {_NOT_HERE}"
        raise AzureError(404, "InvalidResourceNamespace", said)
    raise AzureError(
        404,
        "InvalidResourceType",
        f"The resource type '{'/'.join(target.types)}' could not be found in the namespace '{target.namespace}' for "
        f"api version '{ask.api_version}'.{'' if kind else f' {_NOT_HERE}'}",
    )


def _require_operation(ask: Ask, method: str) -> None:
    """Refuse an operation of MLflow to who may not do all that it takes: submitting a job is more than a write.

    Raises:
        AzureError: 403 `AuthorizationFailed`.
    """
    target = ask.target
    top = BY_TYPE.get(f"{target.namespace}/{target.types[0]}".lower()) if len(target.types) > 1 else None
    if top is None or not top.holds_mlflow:
        return
    holder = f"{target.scope}/providers/{target.namespace}/{target.types[0]}/{target.names[0]}"
    operation = recognise(method, "arm", target.path.removeprefix(holder))
    for action in operation.actions if operation else ():
        ask.cloud.enforcer.require(ask.caller, action, holder)


def _fits(kind: Kind, target: paths.Target) -> bool:
    """Whether a kind can stand where the path puts it: no storage account stands on a subscription."""
    level = kind.placement.level
    if level == "extension":
        return True
    if level == "subscription":
        return paths.is_group(target)
    if target.subscription is None:
        return False
    if target.group is None:
        return target.is_collection and level == "group" and target.scope.count("/") == 2
    return target.scope.lower() == paths.group_id(target).lower()


def _may_stand(extra: Extra, target: paths.Target) -> bool:
    """Whether an extra request is at a place that it has: nobody's group is a way to what is of the subscription."""
    subscription = f"/subscriptions/{target.subscription}"
    in_group = target.group is not None and target.scope.lower() == paths.group_id(target).lower()
    if extra.stands == "resource":
        return in_group
    return target.scope == subscription or (extra.stands == "group" and in_group)


def _write(ask: Ask, kind: Kind) -> Answer:
    return deploying.deploy(ask) if kind is TEMPLATE_DEPLOYMENT else lifecycle.write(ask, kind)


def _exists(ask: Ask, kind: Kind) -> Answer:
    lifecycle.read(ask, kind)
    return Answer(204)


def _permitted(run: Handler, permission: str | None) -> Handler:
    def handler(ask: Ask) -> Answer:
        if permission is not None:
            ask.cloud.enforcer.require(ask.caller, permission, ask.target.id)
        return run(ask)

    return handler
