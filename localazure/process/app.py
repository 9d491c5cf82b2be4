"""The embedded Azure as one ASGI application: ordered layers, then one service per Azure host name.

correlation -> access log -> (latency and faults, where asked for) -> errors -> which host -> finish what is due
-> who asks -> service
"""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from azmlflow.localazure.azureml.request import answers
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.constants import TENANT_ID
from azmlflow.localazure.front import middleware
from azmlflow.localazure.front.middleware import Layer, Site
from azmlflow.localazure.kinds.endpoints import names
from azmlflow.localazure.principals import tokens
from azmlflow.localazure.services import arm, azureml, blobs, entra, graph, inference, vault

SITES = (
    Site(
        ("management.azure.com", "*.management.azure.com", "management.core.windows.net"),
        arm.service,
        (tokens.MANAGEMENT,),
        # Clients read what clouds there are before they can sign in (Azure CLI, azurerm, azureml-core).
        open_paths=("/metadata/endpoints",),
        refusal=arm.refusal,
    ),
    Site(
        ("login.microsoftonline.com", "login.microsoft.com", "login.windows.net", "sts.windows.net"),
        entra.service,
    ),
    Site(("graph.microsoft.com",), graph.service, (tokens.GRAPH,), refusal=graph.refusal),
    Site(
        ("*.api.azureml.ms",),
        azureml.service,
        (tokens.MANAGEMENT, tokens.MACHINE_LEARNING),
        open_paths=("/discovery",),  # azureml-core reads it without a token
        refusal=answers.refusal,
    ),
    Site(("*.blob.core.windows.net",), blobs.service),
    Site((f"*.{names.DOMAIN}",), inference.service),
    Site(
        ("*.vault.azure.net",),
        vault.service,
        (tokens.VAULT,),
        # Key vault clients learn from the 401 whom to ask for a token, and for what (azure-keyvault's
        # challenge authentication; Microsoft, "Authentication, requests and responses").
        challenge=f'authorization="https://login.microsoftonline.com/{TENANT_ID}", resource="https://vault.azure.net"',
    ),
)


def layers(sites: tuple[Site, ...]) -> tuple[Layer, ...]:
    """What a request goes through, outermost first."""
    return (
        middleware.correlation,
        middleware.access_log,
        middleware.latency,
        middleware.faults,
        middleware.errors,
        middleware.locate(sites),
        middleware.due,
        middleware.token,
    )


def build_app(cloud: Cloud, sites: tuple[Site, ...] = SITES) -> ASGIApp:
    """The application behind the proxy.

    Args:
        cloud: what its services share.
        sites: hosts and their services (tests have their own).
    """
    services = {site: site.service(cloud) for site in sites}

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        await services[scope["state"]["site"]](scope, receive, send)

    stack: ASGIApp = dispatch
    for layer in reversed(layers(sites)):
        stack = layer(stack, cloud)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":  # Azure's services that are emulated speak no web sockets
            scope.setdefault("state", {})["send"] = send  # faults break the server's connection off by it
            await stack(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})

    return application
