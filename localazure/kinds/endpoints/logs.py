"""What the process of a deployment has said, as `getLogs` tells it.

The form is Azure's (Microsoft, "Troubleshoot online endpoint deployment", "Get container logs"): the state of each step
of the start, then the log's end.
"""

from __future__ import annotations

from azmlflow.localazure.core.store import Document
from azmlflow.localazure.resources.ask import Answer, Ask
from azmlflow.localazure.resources.fields import choice, whole_number

_STEPS = ("SystemSetup", "UserContainerImagePull", "ModelDownload", "UserContainerStart")
_CONTAINERS = ("StorageInitializer", "InferenceServer", "ModelDataCollector")
_TAIL, _MOST = 5000, 100_000


def read(ask: Ask, document: Document) -> Answer:
    """POST getLogs.

    Raises:
        AzureError: 400, a member cannot be so.
    """
    tail = whole_number("tail", ask.body.get("tail") or _TAIL, 1, _MOST, "BadArgument")
    container = choice("containerType", ask.body.get("containerType") or "InferenceServer", _CONTAINERS, "BadArgument")
    state = document["properties"]["provisioningState"]
    last = {"Succeeded": "Succeeded", "Failed": "Failed"}.get(state, "InProgress")
    steps = "".join(f"{step}: {last if step == _STEPS[-1] else 'Succeeded'}\n" for step in _STEPS)
    lines: list[str] = []
    if container == "InferenceServer":
        lines = ask.cloud.serving.log(ask.cloud.store, document["id"].lower()).splitlines()[-tail:]
    told = "\n".join(lines)
    return Answer(200, {"content": f"Instance status:\n{steps}\nContainer logs:\n{told}\n"})
