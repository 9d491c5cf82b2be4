"""Something between the caller and Azure, or a rule of Azure's own, keeps them apart."""

from __future__ import annotations

from azmlflow.cli.why.questions.doctors import of_check
from azmlflow.cli.why.questions.network import closed
from azmlflow.cli.why.record import Record

_ML = "https://learn.microsoft.com/azure/machine-learning"
_MANAGED = f"{_ML}/how-to-managed-network"
_LOOK = "azmlflow doctor    (then call from a network that has a private endpoint, or let this address in)"
_UNRESOLVED = (
    "(?:Failed to resolve|getaddrinfo failed|Name or service not known|nodename nor servname|no such host|"
    "Temporary failure in name resolution)"
)
_HOST = r"[\w-]{1,63}\.(?:azureml\.ms|azure\.net|windows\.net|azure\.com|azurecr\.io)"

RECORDS = (
    Record(
        "The workspace is closed to this network",
        r"Access to workspace was denied based on workspace private link configuration|"
        r"denied based on workspace private link",
        "The workspace answers by its private endpoint alone, and the caller is elsewhere. Resource Manager still "
        "answers, so that the workspace is seen and nothing can be tracked.",
        _LOOK,
        f"{_ML}/how-to-configure-private-link",
        "UserError: Access to workspace was denied based on workspace private link configuration.",
        closed("workspace"),
    ),
    Record(
        "The key vault is closed to this network",
        r"ForbiddenByConnection|ForbiddenByFirewall|Public network access is disabled and request is not from",
        "The key vault lets in private endpoints, or some addresses, alone.",
        _LOOK,
        "https://learn.microsoft.com/azure/key-vault/general/network-security",
        "(Forbidden) Public network access is disabled and request is not from a trusted service nor via an approved "
        "private link. Inner error: ForbiddenByConnection",
        closed("vault"),
    ),
    Record(
        "The registry is closed to this network",
        r"client with IP '(?P<address>[0-9a-f.:]+)' is not allowed access",
        "The container registry does not let in {address}.",
        f"az acr network-rule add --name REGISTRY --ip-address {{address}}    (or build images inside: {_ML}"
        "/how-to-secure-workspace-vnet)",
        "https://aka.ms/acr/firewall",
        "denied: client with IP '203.0.113.7' is not allowed access. Refer https://aka.ms/acr/firewall",
        closed("registry"),
    ),
    Record(
        "An outbound rule does not fit the isolation mode",
        r"Only \"PrivateEndpoint\" outbound rules are supported when managed network isolation mode is",
        "A managed network that lets all traffic out takes rules for private endpoints alone: it has nothing to open.",
        "set the isolation mode AllowOnlyApprovedOutbound first, or leave the rule out",
        _MANAGED,
        'Only "PrivateEndpoint" outbound rules are supported when managed network isolation mode is '
        "AllowInternetOutbound.",
        seen="azure-mgmt-resource",
    ),
    Record(
        "The managed network is being made",
        r"managed network of '(?P<workspace>[^']+)' is being provisioned|managed network .{0,80}provisioning",
        "The workspace's managed network takes half an hour to be made, and allows no other change meanwhile.",
        "type the command again in half an hour",
        _MANAGED,
        "(Conflict) The managed network of 'mlw' is being provisioned.",
        seen="azure-mgmt-resource",
    ),
    Record(
        "A certificate is not trusted",
        r"CERTIFICATE_VERIFY_FAILED|certificate verify failed|SSLCertVerificationError|x509: certificate signed by",
        "Something between here and Azure shows a certificate of its own, such as a company's proxy, or the program "
        "was not started by `azmlflow run` and does not know the embedded Azure's.",
        "azmlflow run -- COMMAND    (behind a company's proxy: export REQUESTS_CA_BUNDLE=its certificates)",
        "https://learn.microsoft.com/azure/developer/python/sdk/azure-sdk-configure-proxy",
        "ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local "
        "issuer certificate",
        of_check("certificates"),
    ),
    Record(
        "The proxy does not answer",
        r"ProxyError|Cannot connect to proxy|Unable to connect to proxy|407 Proxy Authentication Required",
        "The proxy of HTTPS_PROXY does not answer, or wants a sign-in. In a shell set up by `azmlflow env` it is the "
        "embedded Azure, which was stopped or has another port now.",
        'azmlflow local start && eval "$(azmlflow env)"',
        "https://learn.microsoft.com/azure/developer/python/sdk/azure-sdk-configure-proxy",
        "requests.exceptions.ProxyError: HTTPSConnectionPool(host='management.azure.com', port=443): Max retries "
        "exceeded with url: / (Caused by ProxyError('Unable to connect to proxy'))",
        seen="requests",
    ),
    Record(
        "Azure did not answer in time",
        r"(?:azureml\.ms|management\.azure\.com|\.core\.windows\.net).{0,200}(?:Read timed out|ConnectTimeout)",
        "The request went out, and no answer came back in time: a firewall that drops it, or a service at its limits.",
        "azmlflow doctor",
        "https://learn.microsoft.com/azure/machine-learning/how-to-access-azureml-behind-firewall",
        "ReadTimeoutError: HTTPSConnectionPool(host='westeurope.api.azureml.ms', port=443): Read timed out. (read "
        "timeout=120)",
        of_check("mlflow"),
    ),
    Record(
        "A name is not resolved",
        rf"{_UNRESOLVED}.{{0,200}}?{_HOST}|{_HOST}.{{0,200}}?{_UNRESOLVED}",
        "A host of Azure's has no address here: there is no way to the internet, the private DNS zone is not linked to "
        "this network, or the account was deleted.",
        "azmlflow doctor",
        f"{_ML}/how-to-troubleshoot-secure-connection-workspace",
        "HTTPSConnectionPool(host='westeurope.api.azureml.ms', port=443): Max retries exceeded (Caused by "
        "NameResolutionError(\"Failed to resolve 'westeurope.api.azureml.ms'\"))",
        closed("workspace"),
    ),
    Record(
        "Azure limits requests",
        r"TooManyRequests|SubscriptionRequestsThrottled|\b429\b.{0,40}(?:Too Many|throttl)|too many 429 error",
        "Too many requests in a short time: Azure counts them for each principal, by the minute and the hour.",
        "wait a few minutes, then type the command again",
        "https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling",
        "(TooManyRequests) The request is being throttled as the limit has been reached for operation type.",
    ),
)
