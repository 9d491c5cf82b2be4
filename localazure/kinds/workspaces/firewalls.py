"""Whom a workspace's public endpoint lets in.

Source: Microsoft, "Configure a private endpoint for an Azure Machine Learning workspace", "Enable Public Access only
from internet IP ranges"; azure-ai-ml (`NetworkAcls`). Inferred: codes and words of the refusals.
"""

from __future__ import annotations

from azmlflow.localazure.core.errors import bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.networks.addresses import require_internet
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.fields import choice, pick, wrong_type
from azmlflow.resourcetypes.bounds import MOST_WORKSPACE_IPS


def shape(ask: Ask, existing: Document | None) -> Document:
    """The member `networkAcls` of a workspace, as a body asks for it; none where it says nothing.

    Raises:
        AzureError: 400, it is none; or the workspace is only being made, and it would let in some addresses alone.
    """
    given = ask.properties.get("networkAcls")
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise wrong_type("networkAcls", given, "object")
    rules = pick(given, {"defaultAction": "Allow", "ipRules": []})
    rules["defaultAction"] = choice("networkAcls.defaultAction", rules["defaultAction"], ("Allow", "Deny"))
    require_internet(rules["ipRules"], "networkAcls", MOST_WORKSPACE_IPS, smallest=32)
    if existing is None and (rules["ipRules"] or rules["defaultAction"] == "Deny"):
        raise bad_request(
            "BadRequest",
            "You can only set the IP addresses for the workspace after the workspace has been created.",
            target="networkAcls",
        )
    return {"networkAcls": rules}
