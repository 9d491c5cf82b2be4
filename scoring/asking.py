"""A request for a prediction, and what the statuses of its answers mean.

Source: Microsoft, "Authenticate clients for online endpoints" and "Troubleshoot online endpoint deployment and
scoring", "HTTP status codes".
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DEPLOYMENT = "azureml-model-deployment"  # the header by which a request names who answers, and an answer who did
MODEL_STATUS = "ms-azureml-model-error-statuscode"
# What each status is for, for people; the rest is the endpoint's own sentence.
_WHY: Mapping[int, str] = {
    401: "the endpoint does not take who asks",
    404: "nothing answers there: no deployment of this name, or none that has traffic",
    408: "the model took longer than the deployment's request timeout",
    413: "the request is too large",
    424: "the model failed",
    429: "too many requests wait for the deployment",
}


@dataclass(frozen=True)
class Asked:
    """A request to an endpoint.

    Attributes:
        endpoint: its document.
        body: what is sent.
        deployment: the one that is to answer; empty for the endpoint's traffic to decide.
    """

    endpoint: Mapping[str, Any]
    body: bytes
    deployment: str = ""

    @property
    def url(self) -> str:
        """Where it goes."""
        return str(self.endpoint["properties"]["scoringUri"])

    def headers(self, secret: str) -> dict[str, str]:
        """With a key or token."""
        named = {DEPLOYMENT: self.deployment} if self.deployment else {}
        return {"Authorization": f"Bearer {secret}", "Content-Type": "application/json", **named}

    def as_curl(self) -> str:
        """The same for a shell, where the key or token is in `KEY`."""
        headers = " ".join(f'-H "{name}: {value}"' for name, value in self.headers("$KEY").items())
        return f"curl {self.url} {headers} -d {shlex.quote(self.body.decode(errors='replace').strip())}"


def why(status: int, headers: Mapping[str, str]) -> str:
    """What an answer that is no prediction means.

    Args:
        status: of the answer.
        headers: of the answer, by their names in lower case.
    """
    told = _WHY.get(status, "the endpoint answers no prediction")
    own = headers.get(MODEL_STATUS) if status == 424 else None
    return f"{told} with {own}" if own else told
