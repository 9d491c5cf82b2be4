"""Checks of who is signed in and what the subscription offers: tenant, providers, regions, quota, the clock."""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from azmlflow.cli.checks import cores
from azmlflow.cli.checks.base import Check, Finding, Situation
from azmlflow.infra.plan.identifiers import IN_GROUP
from azmlflow.resourcetypes.table import ResourceType, resource_type

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from azure.mgmt.resource.resources.models import Provider

    from azmlflow.infra.settings.computes.compute import ComputeSettings

# Entra and Azure take tokens that are up to five minutes off (Microsoft, "Validate tokens": clock skew).
SKEW_REFUSED, SKEW_TOLD = 300, 60


def _credentials(situation: Situation) -> Finding:
    caller = situation.caller
    return Finding("ok", f"signed in as {caller.name} ({caller.id})")


def _subscription(situation: Situation) -> Finding:
    found = situation.arm.subscription(situation.subscription)
    if found is None:
        return Finding("failed", f"subscription {situation.subscription} is not visible to {situation.caller.name}")
    state = str(found.get("state", "Enabled"))
    if state not in {"Enabled", "PastDue"}:
        return Finding("failed", f"subscription {situation.subscription} is {state}: nothing can be made in it")
    tenant = found.tenant_id
    if tenant and tenant.lower() != situation.caller.tenant.lower():
        return Finding(
            "failed",
            f"the subscription trusts tenant {tenant}, but you are signed in to {situation.caller.tenant}",
            f"az login --tenant {tenant}",
        )
    return Finding("ok", f"{found.display_name or situation.subscription}, {state}, in your tenant")


def _made_of() -> tuple[ResourceType, ...]:
    """What a stack is made of (Microsoft, "Azure resource providers and types")."""
    return tuple(resource_type(azure_type) for azure_type, *_ in IN_GROUP)


def _namespaces() -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.namespace for each in _made_of()))


def _provider(situation: Situation, namespace: str) -> Provider | None:
    return situation.arm.provider(situation.subscription, namespace)


def _lacking(situation: Situation) -> tuple[list[str], list[str]]:
    """The resource providers that are not there, and those that are not registered."""
    found = [(name, _provider(situation, name)) for name in _namespaces()]
    absent = [name for name, provider in found if provider is None]
    return absent, [name for name, each in found if each is not None and each.registration_state != "Registered"]


def _providers(situation: Situation) -> Finding:
    absent, missing = _lacking(situation)
    if absent:
        return Finding("failed", f"this cloud has no resource provider {', '.join(absent)}")
    if missing:
        commands = " && ".join(f"az provider register --namespace {name} --wait" for name in missing)
        return Finding("failed", f"not registered in the subscription: {', '.join(missing)}", commands)
    return Finding("ok", f"all {len(_namespaces())} are registered")


def _register(situation: Situation) -> None:
    for namespace in _lacking(situation)[1]:
        situation.arm.register(situation.subscription, namespace)


def _region(situation: Situation) -> Finding:
    location, lacking = situation.settings.location, []
    for kind in _made_of():
        provider = _provider(situation, kind.namespace)
        if provider is None:
            lacking.append(kind.name)
            continue
        for offered in provider.resource_types or ():
            places = {place.replace(" ", "").lower() for place in offered.locations or ()}
            if offered.resource_type == kind.short_name and places and location not in places:
                lacking.append(kind.name)
    if lacking:
        return Finding("failed", f"{location} does not offer {', '.join(lacking)}")
    return Finding("ok", f"{location} offers everything that a stack is made of")


def _sizes(situation: Situation) -> Finding:
    settings = situation.settings
    computes = [(each, "cluster", "AmlCompute") for each in settings.clusters]
    wanted: list[tuple[ComputeSettings, str, str]] = [*computes]
    wanted += [(each, "instance", "ComputeInstance") for each in settings.instances]
    if not wanted:
        return Finding("skipped", "the stack has no computes")
    offered = situation.vm_sizes
    if not offered:
        return Finding("skipped", "Azure tells no sizes here")
    lacking = [(each, kind) for each, kind, type_ in wanted if not _is_for(offered.get(each.vm_size.lower()), type_)]
    if not lacking:
        return Finding("ok", f"{settings.location} offers what the computes ask for")
    meant = cores.near(offered, lacking[0][0].vm_size)
    told = ", ".join(f"{each.vm_size} ({kind} {each.name})" for each, kind in lacking)
    return Finding("failed", f"{settings.location} offers no {told}{meant}")


def _is_for(size: Mapping[str, Any] | None, type_: str) -> bool:
    """Whether a size is there, and for computes of a type (Microsoft, "Virtual Machine Sizes - List")."""
    return size is not None and type_ in (size.get("supportedComputeTypes") or (type_,))


def _quota(situation: Situation) -> Finding:
    settings = situation.settings
    if not settings.clusters and not settings.instances:
        return Finding("skipped", "the stack has no computes")
    sizes = situation.vm_sizes
    usages = cores.usages(situation.arm, situation.subscription, settings.location)
    if not sizes or not usages:
        return Finding("skipped", "Azure tells no sizes and quotas here")
    counted = [(each.vm_size, each.max_nodes) for each in settings.clusters if each.priority == "Dedicated"]
    wanted = cores.of_families(sizes, (*counted, *((each.vm_size, 1) for each in settings.instances)))
    told: list[str] = []
    for family, needed in wanted.items():
        # What a standing stack's nodes take is theirs already: the limit itself counts.
        free = cores.free(usages, family, taken=not situation.stands)
        if free is not None and needed > free:
            told.append(f"{family}: the computes may grow to {needed} vCPUs, and {free} are free")
    if told:
        return Finding("warning", "; ".join(told))
    return Finding("ok", "the computes' families have the vCPUs: " + (", ".join(wanted) or "none is dedicated"))


def _identities(situation: Situation) -> Finding:
    settings = situation.settings
    given = [each.identities for each in (*settings.clusters, *settings.instances)]
    given += [each.identities for each in settings.endpoints]
    used = {id_: who for each in given for id_, who in each.items()}
    if not used:
        return Finding("skipped", "no compute or endpoint has a user-assigned identity")
    told = []
    for id_, who in used.items():
        name = id_.rpartition("/")[2]
        found = situation.arm.get(id_)
        if found is None:
            told.append(f"there is no identity {name}, or it may not be read")
        elif (now := str(found["properties"].get("principalId", "")).lower()) != who:
            told.append(f"{name} has the object id {now}, not {who}")
    if told:
        return Finding("failed", "; ".join(told))
    return Finding("ok", "they are there, and who the settings say")


def _clock(situation: Situation) -> Finding:
    theirs = situation.arm.now()
    if theirs is None:
        return Finding("skipped", "Azure did not say what time it is")
    off = abs((datetime.now(UTC) - theirs).total_seconds())
    if off > SKEW_TOLD:
        return Finding("failed" if off > SKEW_REFUSED else "warning", f"this clock is {off:.0f} s off Azure's")
    return Finding("ok", "this clock agrees with Azure's, to a minute")


_before_up = functools.partial(Check, preflight=True)

# `preview` asks it too, where computes would change.
SIZES = _before_up("sizes", "Does the region offer the computes' VM sizes?", _sizes, "edit Pulumi.{stack}.yaml")

CHECKS = (
    Check("credentials", "Is anybody signed in, and who?", _credentials, "az login", first=True),
    _before_up(
        "subscription", "Is it there, and in the tenant you are signed in to?", _subscription, "az account list --all"
    ),
    _before_up("providers", "Are the resource providers registered?", _providers, "", _register),
    _before_up("region", "Does the region offer what a stack is made of?", _region, "edit Pulumi.{stack}.yaml"),
    SIZES,
    _before_up(
        "quota", "May the computes grow as far as they are set to?", _quota, f"ask for more at {cores.QUOTA_PAGE}"
    ),
    _before_up(
        "identities",
        "Are the identities of computes and endpoints who the settings say?",
        _identities,
        "edit Pulumi.{stack}.yaml",
    ),
    Check("clock", "Does this machine's clock agree with Azure's?", _clock, "sudo timedatectl set-ntp true"),
)
