"""Azure's host names: which of them the embedded Azure answers for, and which it only keeps away from the real one.

A name is *Azure's* if it is one of `DOMAINS` or below one. Such a name never leaves this machine, emulated or not: a
request for something that is not emulated must end here (404, or no TLS at all) rather than act on a real subscription.
Every other name is somebody else's and passes straight through.
"""

from __future__ import annotations

from azmlflow.localazure.core.constants import REGIONS

DOMAINS = (
    "azure.com",
    "azure.net",
    "azurecr.io",
    "azureml.ms",
    "azureml.net",
    "graph.microsoft.com",
    "login.microsoft.com",
    "microsoftonline.com",
    "windows.net",
)
# Azure DevOps serves git and package feeds, not a subscription's resources; people need them while they work locally.
NOT_AZURE = ("dev.azure.com",)

# What the leaf certificate is for. A wildcard covers one label (RFC 6125, 6.4.3), hence one name per region for the
# workspace-specific hosts `<workspaceId>.workspace.<region>.api.azureml.ms`.
CERTIFIED = (
    "management.azure.com",
    "*.management.azure.com",
    "management.core.windows.net",
    "login.microsoftonline.com",
    "login.microsoft.com",
    "login.windows.net",
    "sts.windows.net",
    "graph.microsoft.com",
    "graph.windows.net",
    "ml.azure.com",
    "*.api.azureml.ms",
    *(f"*.workspace.{region}.api.azureml.ms" for region in REGIONS),
    *(f"*.{region}.inference.ml.azure.com" for region in REGIONS),
    *(f"*.{service}.core.windows.net" for service in ("blob", "dfs", "file", "queue", "table")),
    "*.vault.azure.net",
)


def normal(host: str) -> str:
    """A host name as it is compared: lower case, without the root's trailing dot."""
    return host.strip().lower().removesuffix(".")


def without_port(authority: str) -> str:
    """The normal host of `host[:port]` (Host header, NO_PROXY entry); an IPv6 literal loses its brackets."""
    text = authority.strip()
    if text.startswith("["):
        return normal(text[1:].partition("]")[0])
    return normal(text.rpartition(":")[0] if text.count(":") == 1 else text)


def within(host: str, domain: str) -> bool:
    """Whether `host` is `domain` or below it, by whole labels; both normal."""
    return host == domain or host.endswith("." + domain)


def is_azure(host: str) -> bool:
    """Whether `host` is one of Azure's names and so must not leave this machine."""
    name = normal(host)
    return any(within(name, domain) for domain in DOMAINS) and not any(within(name, other) for other in NOT_AZURE)


def reaches_azure(domain: str) -> bool:
    """Whether a rule for `domain` and all below it (a NO_PROXY entry) would take in one of Azure's names."""
    name = normal(domain)
    return is_azure(name) or any(
        within(azure, name) for azure in (*DOMAINS, *(c.removeprefix("*.") for c in CERTIFIED))
    )
