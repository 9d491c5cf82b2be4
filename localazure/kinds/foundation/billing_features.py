"""Microsoft.Insights/components/currentBillingFeatures: the plan of a component, and how much it takes in a day.

Source: Microsoft, "Component Current Billing Features" (REST 2015-05-01), "Set daily cap on Log Analytics workspace"
and "Manage Application Insights resources by using PowerShell"; 100 GB a day until somebody sets another cap
(hashicorp/terraform-provider-azurerm, application_insights, daily_data_cap_in_gb). Nothing is taken in here, so that
no cap is ever met.

Inferred: that what a PUT leaves out stays, that the maximum is the documented 1000 GB, and the refusals' code.
"""

from __future__ import annotations

from typing import Any

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.collections import BILLING_FEATURES, RESOURCES
from azmlflow.localazure.core.errors import AzureError, bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.foundation.locks import require_unlocked
from azmlflow.localazure.resources.ask import Answer, Ask
from azmlflow.localazure.resources.fields import pick, wrong_type
from azmlflow.localazure.resources.find import group
from azmlflow.localazure.resources.verbs import Extra

_TYPE = "microsoft.insights/components/currentbillingfeatures"
_RIGHT = "Microsoft.Insights/components/currentBillingFeatures"
_PLANS = (["Basic"], ["Basic", "Application Insights Enterprise"])
_MOST = 1000.0
_CAP: Document = {
    "Cap": 100.0,
    "ResetTime": 0,
    "StopSendNotificationWhenHitCap": False,
    "StopSendNotificationWhenHitThreshold": False,
    "WarningThreshold": 90,
}


def _component(ask: Ask) -> str:
    """The id of the component that a path names, in lower case, as it is kept."""
    group(ask.cloud, ask.target)
    id_ = ask.target.id.rpartition("/")[0]
    if ask.cloud.store.get(RESOURCES, id_.lower()) is None:
        raise AzureError(404, "ResourceNotFound", f"The component '{id_}' was not found.")
    return id_.lower()


def _kept(ask: Ask, id_: str) -> Document:
    unset = {"CurrentBillingFeatures": ["Basic"], "DataVolumeCap": _CAP}
    return ask.cloud.store.get(BILLING_FEATURES, id_) or unset


def _told(document: Document) -> Answer:
    return Answer(200, {**document, "DataVolumeCap": {**document["DataVolumeCap"], "MaxHistoryCap": _MOST}})


def _get(ask: Ask) -> Answer:
    return _told(_kept(ask, _component(ask)))


def _set(ask: Ask) -> Answer:
    id_ = _component(ask)
    require_unlocked(ask.cloud, ask.target.id, "write")
    before = _kept(ask, id_)
    _require_known(ask.body, before)
    _require_known(ask.body.get("DataVolumeCap"), {**_CAP, "MaxHistoryCap": _MOST})
    given = pick(ask.body, before)
    cap = pick(given["DataVolumeCap"], before["DataVolumeCap"])
    _check(given["CurrentBillingFeatures"], cap)
    document = {**given, "DataVolumeCap": cap}
    with ask.cloud.store.transaction():
        ask.cloud.store.put(BILLING_FEATURES, id_, document)
    return _told(document)


def _require_known(sent: Any, known: Document) -> None:
    names = {name.lower() for name in known}
    for name in sent if isinstance(sent, dict) else ():
        if name.lower() not in names:
            raise bad_request("InvalidRequestContent", f"There is no property '{name}'.", target=name)


def _check(plan: list[Any], cap: Document) -> None:
    if sorted(map(str, plan)) not in map(sorted, _PLANS):
        raise bad_request("BadRequest", f"There is no billing plan {plan}.", target="CurrentBillingFeatures")
    bounds = {"Cap": (0, _MOST), "ResetTime": (0, 23), "WarningThreshold": (0, 100)}
    for name, (low, high) in bounds.items():
        if name != "Cap" and not isinstance(cap[name], int):
            raise wrong_type(name, cap[name], "integer")
        if not low <= cap[name] <= high:
            raise bad_request("BadRequest", f"'{name}' is a number from {low} to {high:g}.", target=name)


def forget(cloud: Cloud, component: Document) -> None:
    """A component is gone."""
    cloud.store.delete(BILLING_FEATURES, component["id"].lower())


EXTRAS = (
    Extra("GET", _TYPE, _get, f"{_RIGHT}/read", collection=True, stands="resource"),
    Extra("PUT", _TYPE, _set, f"{_RIGHT}/write", collection=True, stands="resource"),
)
