"""A request for a prediction, as whoever is signed in: by the endpoint's key or token, or by one's own.

Source: Microsoft, "Authenticate clients for online endpoints" and "Troubleshoot online endpoint deployment and
scoring", "HTTP status codes".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.frame.errors import CliError
from azmlflow.scoring.asking import DEPLOYMENT, Asked, why

_AUDIENCE = "https://ml.azure.com/.default"
_ASKED, _LINES = 100, 8
_FRAME = re.compile(
    r".*Traceback \(most recent call last\):|  +(File \"|[\^~ ]+$| )|(The above|During handling of the above) .*ion"
)


def secret(arm: ResourceManager, endpoint: Mapping[str, Any]) -> str:
    """What opens an endpoint to whoever is signed in.

    Raises:
        ArmError: they may not have it.
    """
    mode, id_ = endpoint["properties"]["authMode"], str(endpoint["id"])
    if mode == "Key":
        return str(arm.act(id_, "listKeys")["primaryKey"])
    if mode == "AMLToken":
        return str(arm.act(id_, "token")["accessToken"])
    return arm.token(_AUDIENCE)


def score(arm: ResourceManager, asked: Asked) -> str:
    """What the endpoint answers.

    Raises:
        CliError: it is no prediction; with the end of the deployment's log where the model failed.
        ArmError: the key or token may not be had.
    """
    status, text, headers = arm.predict(asked.url, asked.headers(secret(arm, asked.endpoint)), asked.body)
    if 200 <= status < 300:
        return text
    name = str(asked.endpoint["name"])
    told = why(status, headers)
    said = _sentence(text)
    deployment = headers.get(DEPLOYMENT) or asked.deployment
    log = last_lines(arm, f"{asked.endpoint['id']}/deployments/{deployment}") if status == 424 and deployment else ""
    raise CliError(
        f"{told} ({status}){f': {said}' if said else ''}{log}",
        where=f"{name}/{deployment}" if deployment else name,
        next="azmlflow access" if status == 401 else None,
    )


def last_lines(arm: ResourceManager, deployment: str) -> str:
    """The end of a deployment's log, to stand below an error; empty where it cannot be had.

    Of Python's tracebacks the exceptions are told alone: their frames are the server's.
    """
    try:
        content = str(arm.act(deployment, "getLogs", {"containerType": "InferenceServer", "tail": _ASKED})["content"])
    except CliError:  # what is wrong is told already
        return ""
    said = content.partition("Container logs:")[2] or content
    lines = [line for line in said.splitlines() if line.strip() and not _FRAME.match(line)][-_LINES:]
    return "\nthe last lines of the deployment's log:\n" + "\n".join(f"  {line}" for line in lines) if lines else ""


def _sentence(text: str) -> str:
    try:
        document = json.loads(text)
    except ValueError:
        return text.strip()[:500]
    error = document.get("error", document) if isinstance(document, dict) else None
    told = error.get("message") if isinstance(error, dict) else None
    return str(told or text)[:500]
