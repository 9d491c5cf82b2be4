"""Which jobs a list shows, and in which order.

    listViewType   ActiveOnly (the usual), ArchivedOnly, All
    jobType        jobs of that type
    tag            jobs that have a tag of that name
    properties     jobs that have these properties: `prop1,prop2=value2`
    assetName      jobs one of whose outputs is registered by that name
    scheduled      whether a schedule made them, and `scheduleId` which: there are none here
    $skip          a token that an earlier page gave, or how many not to show

The job made last comes first. Source: Microsoft, "Jobs - List" (REST 2025-12-01; 2024-01-01-preview has more). Other
parameters are refused: inferred, Azure may not look at them.
"""

from __future__ import annotations

from azmlflow.localazure.core.errors import bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.assets.assets import in_view
from azmlflow.localazure.resources import find
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.fields import choice

_TYPES = ("AutoML", "Command", "Labeling", "Sweep", "Pipeline", "Spark", "FineTuning")
_KNOWN = (
    "api-version", "listviewtype", "jobtype", "tag", "properties", "assetname", "scheduled", "scheduleid", "$skip",
    "$skiptoken", "$top",
)  # fmt: skip


def listed(ask: Ask) -> list[Document]:
    """The jobs at the path that the request asks for.

    Raises:
        AzureError: 400, a parameter is unknown or has no such value.
    """
    query = ask.query
    unknown = next((name for name in query if name not in _KNOWN), None)
    if unknown is not None:
        raise bad_request(
            "InvalidQueryParameter", f"A list of jobs has no query parameter '{unknown}'.", target=unknown
        )
    in_view(ask, archived=False)  # it is a view, even where nothing is
    kind = choice("jobType", query["jobtype"], _TYPES) if query.get("jobtype") else None
    scheduled = choice("scheduled", query["scheduled"], ("true", "false")) if query.get("scheduled") else "false"
    jobs = [each for each in find.below(ask.cloud, ask.target.id) if in_view(ask, each["properties"]["isArchived"])]
    if scheduled == "true" or query.get("scheduleid"):
        jobs = []
    found = [
        each
        for each in jobs
        if kind in (None, each["properties"]["jobType"])
        and (not query.get("tag") or query["tag"] in each["properties"]["tags"])
        and _has(each["properties"]["properties"], query.get("properties") or "")
        and _registers(each["properties"]["outputs"], query.get("assetname"))
    ]
    found.sort(key=lambda each: (each["systemData"]["createdAt"], each["name"]), reverse=True)
    return found[_skipped(query.get("$skip")) :]


def _has(properties: Document, wanted: str) -> bool:
    pairs = (each.strip().partition("=") for each in wanted.split(",") if each.strip())
    return all(name in properties and (not sign or properties[name] == value) for name, sign, value in pairs)


def _registers(outputs: Document, asset: str | None) -> bool:
    return not asset or any((told or {}).get("assetName") == asset for told in outputs.values())


def _skipped(told: str | None) -> int:
    if not told:
        return 0
    if not told.isascii() or not told.isdecimal() or len(told) > 9:
        raise bad_request("InvalidSkipToken", f"The value '{told}' of $skip is not one that this service has given.")
    return int(told)
