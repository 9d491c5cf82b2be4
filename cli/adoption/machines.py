"""The computes of a workspace, as settings describe them: clusters and instances. Pure.

Source: Microsoft, "Compute" (REST 2025-12-01).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from azmlflow.cli.adoption.member import Described, Document, Member, Undescribed, name_of
from azmlflow.infra.plan.changes import at
from azmlflow.infra.plan.identifiers import cluster_resource_name, instance_resource_name

if TYPE_CHECKING:
    from azmlflow.infra.settings.computes.compute import ComputeSettings

_INNER = "properties.properties"


def computes(documents: Iterable[Document]) -> Described:
    """Clusters and instances; what is attached is not described."""
    ways: Mapping[str, Callable[[Document], Member]] = {"AmlCompute": _cluster, "ComputeInstance": _instance}
    for each in documents:
        way = ways.get(str(at(each, "properties.computeType")), _attached)
        yield name_of(each), lambda each=each, way=way: way(each)  # type: ignore[misc]


def _attached(compute: Document) -> Member:
    raise Undescribed(f"an attached compute, of type {at(compute, 'properties.computeType')}")


def _cluster(compute: Document) -> Member:
    inner = at(compute, _INNER) or {}
    if inner.get("remoteLoginPortPublicAccess") == "Enabled":
        raise Undescribed("people sign in to its nodes")
    from azmlflow.infra.settings.computes.clusters import ClusterSettings

    says = _machines(compute, ClusterSettings)
    return _compute("clusters", "cluster", cluster_resource_name(name_of(compute)), says)


def _instance(compute: Document) -> Member:
    from azmlflow.infra.settings.computes.instances import InstanceSettings

    inner = at(compute, _INNER) or {}
    if at(inner, "sshSettings.sshPublicAccess") == "Enabled":
        raise Undescribed("people sign in to it by SSH")
    if inner.get("applicationSharingPolicy") != "Personal":
        raise Undescribed("who may use the workspace may use its applications (applicationSharingPolicy)")
    if at(compute, "properties.disableLocalAuth") is not True:
        raise Undescribed("it takes local sign-in (disableLocalAuth)")
    if inner.get("customServices"):
        raise Undescribed("it has applications of its own (customServices)")
    common = _machines(compute, InstanceSettings)
    if common["idleMinutes"] is None:
        raise Undescribed("it does not stop by itself after whole minutes without work")
    owner = at(inner, "personalComputeInstanceSettings.assignedUser") or {}
    says = {
        **common,
        "owner": owner.get("objectId"),
        "ownerTenant": owner.get("tenantId"),
        "schedules": [*map(_schedule, at(inner, "schedules.computeStartStop") or ())] or None,
        "setupScript": _script(at(inner, "setupScripts.scripts") or {}),
    }
    return _compute("instances", "compute instance", instance_resource_name(name_of(compute)), says)


def _compute(key: str, kind: str, resource: str, says: Mapping[str, Any]) -> Member:
    told = {name: value for name, value in says.items() if value is not None}
    return Member(key, kind, f"computes/{told['name']}", resource, told)


def _machines(compute: Document, model: type[ComputeSettings]) -> dict[str, Any]:
    """What Azure has as the settings say it, and what else clusters and instances have in common."""
    from azmlflow.infra.settings.fields import told

    inner, identity = at(compute, _INNER) or {}, compute.get("identity") or {}
    users = identity.get("userAssignedIdentities") or {}
    known = {id_: str((each or {}).get("principalId") or "") for id_, each in users.items()}
    if not all(known.values()):
        raise Undescribed("Azure does not tell who its identity is")
    return {
        **told(model, inner),
        "name": name_of(compute),
        # In a managed network Azure says yes of what has none, inferred; and elsewhere it is the default.
        "publicIp": False if inner.get("enableNodePublicIp") is False else None,
        "identity": "system" if identity.get("type") == "SystemAssigned" else None,
        "identities": known or None,
    }


def _schedule(given: Document) -> dict[str, Any]:
    if given.get("status") == "Disabled":
        raise Undescribed("one of its schedules is switched off")
    by_cron = str(given.get("triggerType")).lower() == "cron"
    when = given.get("cron" if by_cron else "recurrence") or {}
    zone = {"timeZone": when["timeZone"]} if when.get("timeZone") else {}
    if by_cron:
        return {"action": given.get("action"), "cron": when.get("expression"), **zone}
    times = when.get("schedule") or {}
    if times.get("monthDays"):
        raise Undescribed("one of its schedules goes by days of the month")
    days = {"weekDays": times["weekDays"]} if times.get("weekDays") else {}
    found = {name: when.get(name) for name in ("frequency", "interval")}
    found |= {name: times.get(name) for name in ("hours", "minutes")}
    return {"action": given.get("action"), "recurrence": {**found, **days}, **zone}


def _script(scripts: Document) -> str | None:
    script = scripts.get("creationScript")
    if scripts.get("startupScript") or (script and script.get("scriptSource") != "inline"):
        raise Undescribed("it has scripts that are run at each start, or that lie elsewhere")
    if not script:
        return None
    try:
        return base64.b64decode(str(script.get("scriptData")), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise Undescribed("its script is no text") from None
