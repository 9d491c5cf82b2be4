"""The ways in which an MLflow server fails whoever asks it, as the embedded Azure meets them."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from azmlflow.localazure.tracking.answers import MlflowUnavailable

Failure = httpx.Response | MlflowUnavailable
FAILURES: dict[str, Callable[[], Failure]] = {
    "away": lambda: MlflowUnavailable("MLflow's server is still starting", 7),
    "late": lambda: MlflowUnavailable("MLflow's server took too long to answer"),
    "failed": lambda: httpx.Response(500, json={"error_code": "INTERNAL_ERROR", "message": "disk full"}),
    "busy": lambda: httpx.Response(503, json={"error_code": "TEMPORARILY_UNAVAILABLE", "message": "locked"}),
    "page": lambda: httpx.Response(502, text="<h1>Bad gateway</h1>"),
    "no MLflow": lambda: httpx.Response(404, json={"detail": "Not Found"}),
    "no JSON": lambda: httpx.Response(200, text="<h1>Welcome</h1>"),
    "no object": lambda: httpx.Response(200, json=["welcome"]),
}


def fail(failure: Failure) -> httpx.Response:
    """What a stand-in's request comes to when it fails so.

    Raises:
        MlflowUnavailable: that is the failure.
    """
    if isinstance(failure, MlflowUnavailable):
        raise failure
    return failure
