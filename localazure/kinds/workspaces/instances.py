"""Compute instances: a machine for one person, as `computes` makes it beside clusters.

Sources: Microsoft, "Compute" (REST 2025-12-01), "Create an Azure Machine Learning compute instance". Idle time and
schedules change by POST `updateIdleShutdownSetting`, which the previews alone have, and `updateSchedules`, in
2021-03-01-preview alone (Azure/azure-rest-api-specs, Compute; what another version answers is inferred). A
PUT that changes anything else is refused here; on Azure people saw it refused (azure-quickstart-templates issue 11830),
and later taken without any effect (bicep-types-az issue 2543). Nobody works on an instance here: it is idle from its
start on, and stops when its idle time is over, if its identity, where it has one, may stop it. Schedules are kept, and
start and stop nothing here. Inferred: the words of the refusals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.clock import duration, read_instant, timestamp
from azmlflow.localazure.core.errors import AzureError, bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.workspaces import machines, schedules
from azmlflow.localazure.resources.ask import Answer, Ask
from azmlflow.localazure.resources.fields import pick
from azmlflow.localazure.resources.find import keep
from azmlflow.localazure.resources.verbs import Action, accepted
from azmlflow.resourcetypes.bounds import LONGEST_IDLE, SHORTEST_IDLE

CODE = "BadRequest"
_IDLE_SINCE = "idleSince"  # kept, not told
_STOP = "Microsoft.MachineLearningServices/workspaces/computes/stop/action"
_DEFAULTS: Document = {
    "applicationSharingPolicy": "Shared", "enableNodePublicIp": True, "enableSSO": True,
    "sshSettings": {"sshPublicAccess": "Disabled"},  # azureml-core lists no computes where one is without it
}  # fmt: skip
_OPTIONAL = (
    "subnet", "personalComputeInstanceSettings", "computeInstanceAuthorizationType", "setupScripts", "customServices",
    "idleTimeBeforeShutdown", "schedules",
)  # fmt: skip


def shape(ask: Ask, inner: Document, before: Document, place: str) -> Document:
    """The properties of an instance as they are kept.

    Args:
        ask: the request.
        inner: the properties that its body gives.
        before: those of the instance that stands; {} for a new one.
        place: the region.

    Raises:
        AzureError: 400, they are not such as Azure takes, or there is no room for another machine.
    """
    given = pick(inner, _DEFAULTS, _OPTIONAL)
    if "idleTimeBeforeShutdown" in given:
        given["idleTimeBeforeShutdown"] = _idle_time(given["idleTimeBeforeShutdown"])
    was = before.get("properties", {})
    if "schedules" in given:
        given["schedules"] = schedules.shape(ask, given["schedules"], was.get("schedules"))
    given["vmSize"] = machines.size(inner)
    if was:
        return {**was, **given}
    machines.require_room(ask, given["vmSize"], place)
    who = ask.caller.principal
    creator = {"userId": who.object_id, "userName": who.display_name, "userOrgId": ""}
    return {**given, "state": "Running", "createdBy": creator, "errors": [], "lastOperation": _operation(ask, "Create")}


def require_unchanged(ask: Ask, existing: Document, wanted: Document) -> None:
    """Refuse a PUT that would change an instance.

    Raises:
        AzureError: 400, naming what differs.
    """
    now, then = existing["properties"], wanted["properties"]
    pairs = [
        ("tags", existing.get("tags") or {}, wanted["tags"]),
        ("identity", _identities(existing), _identities(wanted)),
        ("disableLocalAuth", now["disableLocalAuth"], then["disableLocalAuth"]),
        *((name, now["properties"].get(name), value) for name, value in then["properties"].items()),
    ]
    for name, old, new in pairs:
        if not _same(old, new):
            raise bad_request(
                CODE,
                f"The compute instance '{ask.target.name}' exists, and its '{name}' cannot be changed. Idle time and "
                "schedules are changed by updateIdleShutdownSetting and updateSchedules; for all else, delete it and "
                "create it again.",
                target=name,
            )


def _identities(document: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    found = document.get("identity") or {"type": "None"}
    return str(found["type"]), tuple(sorted(each.lower() for each in found.get("userAssignedIdentities") or ()))


def _same(old: Any, new: Any) -> bool:
    """Whether a value says what another does; what Azure has added to it is passed over."""
    if isinstance(new, Mapping):
        return isinstance(old, Mapping) and all(_same(old.get(name), value) for name, value in new.items())
    if isinstance(new, list):
        return isinstance(old, list) and len(old) == len(new) and all(map(_same, old, new))
    return bool(str(old).lower() == str(new).lower()) if isinstance(new, str) else bool(old == new)


def shown(cloud: Cloud, document: Document) -> Document:
    """An instance as it is told: stopped, if its idle time is over."""
    now = _now(cloud, document)
    inner = {name: value for name, value in now["properties"]["properties"].items() if name != _IDLE_SINCE}
    return {**now, "properties": {**now["properties"], "properties": inner}}


def _now(cloud: Cloud, document: Document) -> Document:
    inner = document["properties"]["properties"]
    idle, last = inner.get("idleTimeBeforeShutdown"), inner.get("lastOperation")
    if inner["state"] != "Running" or not idle or not last:
        return document
    due = read_instant(inner.get(_IDLE_SINCE) or last["operationTime"]) + duration(idle)
    if cloud.clock.now() < due or not _may_stop(cloud, document):
        return document
    stopped = {**inner, "state": "Stopped", "lastOperation": _told("Stop", timestamp(due), "IdleShutdown")}
    return {**document, "properties": {**document["properties"], "properties": stopped}}


def _may_stop(cloud: Cloud, document: Document) -> bool:
    """Whether its identity, if it has one, may stop it ("Assign managed identity", "Important")."""
    found = document.get("identity") or {}
    used = [each["principalId"] for each in (found.get("userAssignedIdentities") or {}).values()]
    who = [*used, *([found["principalId"]] if "principalId" in found else [])]
    return not who or any(cloud.enforcer.why_not(each, _STOP, document["id"]) is None for each in who)


def _idle_time(value: Any) -> str:
    try:
        wanted = duration(value if isinstance(value, str) else "")
        if not timedelta(minutes=SHORTEST_IDLE) <= wanted <= timedelta(minutes=LONGEST_IDLE):
            raise ValueError(f"{value} is not between 15 minutes and 3 days")
    except ValueError as error:
        told = f"The idleTimeBeforeShutdown is not valid: {error}."
        raise bad_request(CODE, told, target="idleTimeBeforeShutdown") from error
    return str(value)


def _operation(ask: Ask, name: str) -> Document:
    return _told(name, timestamp(ask.cloud.clock.now()), "User")


def _told(name: str, when: str, trigger: str) -> Document:
    return {"operationName": name, "operationTime": when, "operationStatus": "Succeeded", "operationTrigger": trigger}


def wrong_compute(document: Document, action: str) -> AzureError:
    """400 for an action that a compute of its type does not have."""
    return bad_request(
        CODE,
        f"The operation '{action}' is not supported for the compute '{document['name']}' of type "
        f"'{document['properties']['computeType']}'.",
    )


def _on_instance(change: Callable[[Ask, Document], None]) -> Callable[[Ask, Document], Answer]:
    def run(ask: Ask, document: Document) -> Answer:
        if document["properties"]["computeType"] != "ComputeInstance":
            raise wrong_compute(document, str(ask.target.action))
        now = _now(ask.cloud, document)
        change(ask, now["properties"]["properties"])
        keep(ask.cloud, now)
        return Answer(200)

    return run


def _switch(name: str, state: str) -> Callable[[Ask, Document], Answer]:
    """Long-running, as its answer says; the state is the new one at once."""

    def change(ask: Ask, inner: Document) -> None:
        inner |= {"state": state, "lastOperation": _operation(ask, name)}
        inner.pop(_IDLE_SINCE, None)

    def run(ask: Ask, document: Document) -> Answer:
        with ask.cloud.store.transaction():
            _on_instance(change)(ask, document)
            id_ = document["id"]
            operation = ask.cloud.operations.begin("put", document["type"], id_, key=id_.lower())
        return accepted(ask, operation, document)

    return run


def _set_idle_time(ask: Ask, inner: Document) -> None:
    """POST updateIdleShutdownSetting: nothing said is never. The idle clock begins anew (Azure: where the time that is
    over is longer than the new one)."""
    if "idleTimeBeforeShutdown" not in ask.body or ask.body["idleTimeBeforeShutdown"] is None:
        inner.pop("idleTimeBeforeShutdown", None)
        return
    inner["idleTimeBeforeShutdown"] = _idle_time(ask.body["idleTimeBeforeShutdown"])
    began = read_instant(inner.get(_IDLE_SINCE) or inner["lastOperation"]["operationTime"])
    if ask.cloud.clock.now() - began > duration(inner["idleTimeBeforeShutdown"]):
        inner[_IDLE_SINCE] = timestamp(ask.cloud.clock.now())


def _set_schedules(ask: Ask, inner: Document) -> None:
    """POST updateSchedules: all of them; an empty list takes them away."""
    inner["schedules"] = schedules.shape(ask, dict(ask.body), inner.get("schedules"))


ACTIONS = (
    Action("start", _switch("Start", "Running")),
    Action("stop", _switch("Stop", "Stopped")),
    Action("restart", _switch("Restart", "Running")),
    Action("updateIdleShutdownSetting", _on_instance(_set_idle_time), versions=lambda one: one.endswith("-preview")),
    Action("updateSchedules", _on_instance(_set_schedules), versions=lambda one: one == "2021-03-01-preview"),
)
