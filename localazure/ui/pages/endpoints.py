"""The online endpoints of a workspace, their deployments and traffic, and a page for each deployment with its log."""

from __future__ import annotations

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
            html.identifier(each["name"], each["properties"].get("scoringUri")),
            each["properties"]["authMode"],
            _shares(each["properties"].get("traffic")),
            _shares(each["properties"].get("mirrorTraffic")),
            html.state(each["properties"]["provisioningState"]),
        )
        for each in found
    ]
    shown = html.table("Online endpoints of the workspace", _ENDPOINTS, rows)
    try:
        deployments = [
            _row(each, one) for each in found for one in await visit.reader.all(f"{_path(visit, each)}/deployments")
        ]
    except AzureError as error:
        return shown + html.refused(error.message)
    if not deployments:
        return shown + "<p>They have no deployments.</p>"
    caption = "Their deployments, each with a page of its own"
    return shown + "<h2>Deployments</h2>" + html.table(caption, _DEPLOYMENTS, deployments)


async def one(visit: Visit, endpoint: str, name: str) -> str:
    """A deployment's own page.

    Args:
        visit: who looks.
        endpoint, name: of the endpoint, and of its deployment.

    Raises:
        AzureError: there is no such deployment, or it may not be read.
    """
    path = f"{visit.id}/onlineEndpoints/{quote(endpoint, safe='')}/deployments/{quote(name, safe='')}"
    found = await visit.reader.get(path)
    told = found["properties"]
    facts = html.facts(
        [
            ("State", html.state(told["provisioningState"])),
            ("Endpoint", endpoint),
            ("Model", told.get("model")),
            ("Size", told.get("instanceType")),
            ("Instances", _instances(found)),
        ]
    )
    try:
        log = (await visit.reader.post(f"{path}/getLogs"))["content"]
    except AzureError as error:
        shown: str = html.refused(error.message)
    else:
        shown = f"<pre>{html.cell(log)}</pre>"
    back = '<div class="tools"><a href="../../endpoints">All endpoints</a></div>'
    return f"{back}{facts}<h2>Log</h2>{shown}"


def _row(endpoint: Document, each: Document) -> tuple[object, ...]:
    name, properties = each["name"], each["properties"]
    return (
        html.identifier(html.link(name, f"endpoints/{quote(endpoint['name'])}/{quote(name)}")),
        html.identifier(endpoint["name"]),
        html.identifier("/".join(str(properties.get("model") or "").split("/")[-3:])),
        properties.get("instanceType"),
        _instances(each),
        f"{(endpoint['properties'].get('traffic') or {}).get(name, 0)} %",
        html.state(properties["provisioningState"]),
    )


def _instances(deployment: Document) -> object:
    return (deployment.get("sku") or {}).get("capacity")


def _shares(traffic: dict[str, int] | None) -> str:
    return ", ".join(f"{name} {share} %" for name, share in (traffic or {}).items()) or "none"


def _path(visit: Visit, endpoint: Document) -> str:
    return f"{visit.id}/onlineEndpoints/{quote(endpoint['name'])}"
