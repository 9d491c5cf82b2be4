"""Does a network rule of the stack shut callers out? The workspace's own, its storage's, its vault's, its registry's.

Sources: Microsoft, "Configure a private endpoint for an Azure Machine Learning workspace", "Configure Azure Storage
firewalls and virtual networks", "Configure Azure Key Vault networking settings".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from azmlflow.cli.checks import Situation
from azmlflow.cli.why.questions.base import NOT_STANDING, Named, Question, Verdict, behind, workspace

# What is asked about -> the workspace's property that names it, and what people call it.
_BEHIND = {
    "storage": ("storageAccount", "storage account"),
    "vault": ("keyVault", "key vault"),
    "registry": ("containerRegistry", "container registry"),
}
# As storage and registry call their rules, and as workspace and vault do.
_RULES = ("networkRuleSet", "networkAcls")


def closed(what: str) -> Question:
    """Is it closed to the public, or open to some addresses only?

    Args:
        what: `workspace`, `storage`, `vault` or `registry`.
    """

    def ask(situation: Situation, _named: Named) -> Verdict:
        if what == "workspace":
            found = workspace(situation)
            return _judge(found, f"workspace {found['name']}") if found else Verdict(None, NOT_STANDING)
        member, called = _BEHIND[what]
        id_ = behind(situation, member)
        document = situation.arm.get(id_) if id_ else None
        if document is None:
            return Verdict(None, f"the workspace has no {called} that can be read")
        return _judge(document, f"{called} {document.get('name')}")

    return ask


def _judge(document: Mapping[str, Any], called: str) -> Verdict:
    properties = document.get("properties") or {}
    if str(properties.get("publicNetworkAccess") or "Enabled").lower() != "enabled":
        return Verdict(True, f"{called} is closed to public networks: only a private endpoint leads to it")
    if any(str((properties.get(each) or {}).get("defaultAction")).lower() == "deny" for each in _RULES):
        return Verdict(True, f"{called} lets in only the addresses and networks that its rules name")
    return Verdict(False, f"{called} is open to public networks now")
