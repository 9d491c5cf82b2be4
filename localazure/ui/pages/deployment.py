"""A deployment's own page, with its log."""

from __future__ import annotations

from urllib.parse import quote

from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.ui import html
from azmlflow.localazure.ui.pages.endpoints import instances, model_of
from azmlflow.localazure.ui.visit import Visit


async def show(visit: Visit, endpoint: str, name: str) -> str:
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
            ("Endpoint", html.link(endpoint, f"../{quote(endpoint)}")),
            ("Model", model_of(found)),
            ("Size", told.get("instanceType")),
            ("Instances", instances(found)),
        ]
    )
    try:
        log = (await visit.reader.post(f"{path}/getLogs"))["content"]
    except AzureError as error:
        shown: str = html.refused(error.message)
    else:
        shown = f"<pre>{html.cell(log)}</pre>"
    back = '<div class="tools"><a href="../../endpoints">All endpoints</a>'
    back += html.link("Try it", f"../{quote(endpoint)}?deployment={quote(name)}") + "</div>"
    return f"{back}{facts}<h2>Log</h2>{shown}"
