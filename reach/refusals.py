"""In which words Azure refuses who comes from where it does not let in.

Sources: workspace MicrosoftDocs/azure-docs issue 90426 (its status is inferred); storage microsoft/AzureStorageExplorer
issue 9065; registry Azure/acr issue 633; vault Microsoft, "Azure Key Vault REST API error codes".
"""

from __future__ import annotations

from dataclasses import dataclass

from azmlflow.reach.records import Endpoint, Origin

CLOSED_WORKSPACE = "Access to workspace was denied based on workspace private link configuration."
NOT_ARRIVING = "NotReachable"  # the embedded Azure's own, where on Azure nothing would answer


@dataclass(frozen=True)
class Refusal:
    """An answer of Azure's.

    Attributes:
        status: of HTTP.
        code: Azure's.
        message: its sentence.
        inner: the code inside, where there is one.
    """

    status: int
    code: str
    message: str
    inner: str = ""


def refusal(endpoint: Endpoint, origin: Origin) -> Refusal:
    """How an endpoint refuses a request from an origin."""
    address = origin.where if origin.kind == "internet" else "unknown"
    match endpoint.service:
        case "workspace":
            return Refusal(403, "UserError", CLOSED_WORKSPACE)
        case "blob" | "file":
            return Refusal(403, "AuthorizationFailure", "This request is not authorized to perform this operation.")
        case "vault" if not endpoint.is_public:
            words = (
                "Public network access is disabled and request is not from a trusted service nor via an approved "
                "private link."
            )
            return Refusal(403, "Forbidden", words, "ForbiddenByConnection")
        case "vault":
            words = (
                f"Client address is not authorized and caller is not a trusted service.\r\nClient address: {address}"
            )
            return Refusal(403, "Forbidden", words, "ForbiddenByFirewall")
        case "registry":
            words = (
                f"client with IP '{address}' is not allowed access. Refer https://aka.ms/acr/firewall to grant access."
            )
            return Refusal(403, "DENIED", words)
