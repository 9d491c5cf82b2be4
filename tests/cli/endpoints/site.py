"""Endpoints of an embedded Azure in this process.

A deployment answers, or fails, as the test says, once a command waits for it; what is scored the test answers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.localazure.core.collections import DEPLOYMENTS
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.kinds.endpoints.names import DOMAIN
from tests.cli.door import Door, open_arm
from tests.cli.wire import Response, answer
from tests.localazure.control import CHAIN, ENDPOINT, WORKSPACE, Azure

Predict = Callable[[Any], Response]


def fine(_request: Any) -> Response:
    return Response(200, b"[1.5]", {"azureml-model-deployment": "blue"})


@dataclass
class Site(Door):
    """Carries requests to Resource Manager and to endpoints.

    Attributes:
        failing: names of deployments that do not answer, and what their operations then say.
        log: what a process has said.
        predict: answers what is scored.
        scored: the requests that were.
    """

    azure: Azure
    failing: dict[str, AzureError] = field(default_factory=dict)
    log: str = ""
    predict: Predict = fine
    scored: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(self.azure)

    def send(self, request: Any, **more: Any) -> Response:
        if not urlsplit(request.url).netloc.endswith(DOMAIN):
            return super().send(request, **more)
        self.scored.append(request)
        return self.predict(request)

    def sleep(self, duration: float) -> None:
        for _, document in list(self.azure.cloud.store.scan("running")):
            target = document["target"]
            kept = self.azure.cloud.store.get(DEPLOYMENTS, target.lower())
            if kept is not None:
                self.azure.cloud.store.put(DEPLOYMENTS, target.lower(), {**kept, "log": self.log})
            self.azure.cloud.operations.release(target, self.failing.get(target.rpartition("/")[2]))
        super().sleep(duration)

    @property
    def arm(self) -> ResourceManager:
        return open_arm(self)

    def endpoint(self) -> dict[str, Any]:
        told: dict[str, Any] = self.azure.arm("GET", ENDPOINT).body
        return told

    def deployments(self) -> list[str]:
        return [each["name"] for each in self.azure.arm("GET", f"{ENDPOINT}/deployments").body["value"]]


def make(azure: Azure) -> Site:
    """A workspace, and nothing in it."""
    azure.make(*CHAIN[:6])
    return Site(azure)


__all__ = ["ENDPOINT", "WORKSPACE", "Site", "answer", "make"]
