"""One request to Resource Manager as kinds see it, and what a service answers: both without HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.principals.enforce import Caller
from azmlflow.localazure.resources.paths import Target


@dataclass(frozen=True)
class Ask:
    """One request, as kinds see it.

    Attributes:
        cloud: the embedded Azure.
        caller: who asks.
        target: what the path names.
        query: query parameters; names are lower case, since Azure does not mind theirs.
        body: the JSON object that was sent; {} if none.
        api_version: the request's api-version.
        correlation_id: by which its answer and its events can be found; empty where it is no client's own request.
        conditions: its headers If-Match and If-None-Match, by lower-case name.
    """

    cloud: Cloud
    caller: Caller
    target: Target
    query: Mapping[str, str]
    body: Mapping[str, Any]
    api_version: str
    correlation_id: str = ""
    conditions: Mapping[str, str] = field(default_factory=dict)

    @property
    def properties(self) -> Mapping[str, Any]:
        """The body's `properties`; {} if absent."""
        found = self.body.get("properties")
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True)
class Answer:
    """What a request is answered: a status, a JSON body (None: no body), headers, and the seconds that it takes."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
