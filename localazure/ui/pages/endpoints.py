"""The online endpoints of a workspace, their deployments and traffic."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.ui import html
from azmlflow.localazure.ui.visit import Visit

_ENDPOINTS = ("Endpoint", "Sign-in", "Traffic", "Mirrored", "State")
_DEPLOYMENTS = ("Deployment", "Endpoint", "Model", "Size", "Instances", "Traffic", "State")


async def show(visit: Visit) -> str:
    """The endpoints, and below them their deployments."""
    try:
        found = await visit.reader.all(f"{visit.id}/onlineEndpoints")
    except AzureError as error:
        return html.refused(error.message)
    if not found:
        return "<p>The workspace has no online endpoints. <code>azmlflow deploy MODEL</code> makes one.</p>"
    rows = [
        (
            html.identifier(_link(each), each["properties"].get("scoringUri")),
            each["properties"]["authMode"],
            shares(each["properties"].get("traffic")),
            shares(each["properties"].get("mirrorTraffic")),
            html.state(each["properties"]["provisioningState"]),
        )
        for each in found
    ]
    shown = html.table("Online endpoints of the workspace, each with a page to try it on", _ENDPOINTS, rows)
    try:
        deployments = [
            _row(each, one) for each in found for one in await visit.reader.all(f"{_path(visit, each)}/deployments")
        ]
    except AzureError as error:
        return shown + html.refused(error.message)
    if not deployments:
        return shown + "<p>They have no deployments.</p>"
    caption = "Their deployments, each with a page of its own and its log"
    return shown + "<h2>Deployments</h2>" + html.table(caption, _DEPLOYMENTS, deployments)


def _row(endpoint: Document, each: Document) -> tuple[object, ...]:
    name, properties = each["name"], each["properties"]
    return (
        html.identifier(html.link(name, f"endpoints/{quote(endpoint['name'])}/{quote(name)}")),
        html.identifier(_link(endpoint)),
        html.identifier(model_of(each)),
        properties.get("instanceType"),
        instances(each),
        f"{(endpoint['properties'].get('traffic') or {}).get(name, 0)} %",
        html.state(properties["provisioningState"]),
    )


def model_of(deployment: Document) -> str:
    """A deployment's model and its version, without the workspace's id."""
    return "/".join(str(deployment["properties"].get("model") or "").split("/")[-3:])


def instances(deployment: Document) -> object:
    """How many instances a deployment has."""
    return (deployment.get("sku") or {}).get("capacity")


def shares(traffic: Mapping[str, int] | None) -> str:
    """How an endpoint's requests are shared, in words."""
    return ", ".join(f"{name} {share} %" for name, share in (traffic or {}).items()) or "none"


def _link(endpoint: Document) -> html.Markup:
    return html.link(endpoint["name"], f"endpoints/{quote(endpoint['name'])}")


def _path(visit: Visit, endpoint: Document) -> str:
    return f"{visit.id}/onlineEndpoints/{quote(endpoint['name'])}"
