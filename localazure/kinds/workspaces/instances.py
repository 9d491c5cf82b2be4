"""Compute instances: a machine for one person, as `computes` makes it beside clusters.

Source: Microsoft, "Compute" (REST 2025-12-01), "Create an Azure Machine Learning compute instance".
"""

from __future__ import annotations

from typing import Any

from azmlflow.localazure.core.errors import AzureError, bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.resources.ask import Answer, Ask
from azmlflow.localazure.resources.fields import pick
from azmlflow.localazure.resources.find import keep
from azmlflow.localazure.resources.verbs import Action
from azmlflow.localazure.work.quota import vm_sizes

CODE = "BadRequest"
_INSTANCE: Document = {
    "applicationSharingPolicy": "Shared", "enableNodePublicIp": True, "enableSSO": True,
    "sshSettings": {"sshPublicAccess": "Disabled"},  # azureml-core lists no computes where one is without it
}  # fmt: skip


def shape(ask: Ask, inner: Document, before: Document) -> Document:
    """The properties of an instance as they are kept."""
    given = pick(inner, _INSTANCE, ("subnet", "personalComputeInstanceSettings"))
    who = ask.caller.principal
    was = before.get("properties", {})
    creator = {"userId": who.object_id, "userName": who.display_name, "userOrgId": ""}
    return {
        **given,
        "vmSize": size(inner),
        "state": was.get("state") or "Running",
        "createdBy": was.get("createdBy") or creator,
        "errors": [],
    }


def size(inner: Document) -> str:
    """The size of the nodes, one that the region offers (every region here offers the same).

    Raises:
        AzureError: 400, in Azure's words (Azure/MachineLearningNotebooks issue 1169).
    """
    size, offered = inner.get("vmSize"), tuple(size["name"] for size in vm_sizes())
    if not isinstance(size, str) or size.upper() not in offered:
        raise AzureError(
            400,
            "InvalidPropertyValue",
            f"The specified value {size} for property Cluster.Properties.VMSize is not a supported VM size. See "
            "additional details for supported VM sizes.",
            target="vmSize",
            details=[{"code": "SupportedVMSizes", "message": ",".join(offered)}],
        )
    return size.upper()


def wrong_type(document: Document, action: str) -> AzureError:
    """400 for an action that a compute of its type does not have."""
    return bad_request(
        CODE,
        f"The operation '{action}' is not supported for the compute '{document['name']}' of type "
        f"'{document['properties']['computeType']}'.",
    )


def _switch(state: str) -> Any:
    def run(ask: Ask, document: Document) -> Answer:
        if document["properties"]["computeType"] != "ComputeInstance":
            raise wrong_type(document, str(ask.target.action))
        document["properties"]["properties"]["state"] = state
        keep(ask.cloud, document)
        return Answer(202)

    return run


ACTIONS = (
    Action("start", _switch("Running")),
    Action("stop", _switch("Stopped")),
    Action("restart", _switch("Running")),
)
