"""The tabs of a workspace, in the order of the bar. A new page is its file beside this one, and its line here."""

from __future__ import annotations

from azmlflow.localazure.ui.pages import access, computes, endpoints, jobs, overview
from azmlflow.localazure.ui.visit import Tab, Visit

MLFLOW = f"mlflow/#/experiments?{jobs.TRAINING}"


async def _workspace(visit: Visit) -> str:
    return await overview.show(visit, MLFLOW)


TABS = (
    Tab("", "Workspace", _workspace),
    Tab("computes", "Computes", computes.show),
    Tab("jobs", "Jobs", jobs.listing),
    Tab("endpoints", "Endpoints", endpoints.show),
    Tab("access", "Access", access.show),
)


def links(base: str, here: str | None) -> list[tuple[str, str, bool]]:
    """What the bar leads to: text, address, whether it is the page that is looked at.

    Args:
        base: the address of the session, or the way back to it.
        here: the path of the page; None for MLflow's.
    """
    found = [(tab.title, f"{base}{tab.path}", tab.path == here) for tab in TABS]
    found.insert(1, ("MLflow", f"{base}{MLFLOW}", here is None))
    return found
