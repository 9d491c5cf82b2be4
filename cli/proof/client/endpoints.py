"""The steps of deploying and scoring.

An endpoint is made, with MLflow's deployment client, and stays without a deployment: no machine, so it costs nothing.
It takes Entra tokens, since only such an endpoint asks who scores (Microsoft, "Authenticate clients for online
endpoints"). What would make or have something that lasts is asked of an endpoint that is not there: Resource Manager
decides on access before it looks a thing up, and says 403, else 404.

A request for a prediction names a deployment that is not there, so no model sees it, on whosever endpoint: 404 for who
may score, 401 for who may not (Microsoft, "Troubleshoot online endpoint deployment and scoring", "HTTP status codes").
Inferred: that an endpoint asks for the right first. So a token that nobody has is tried before: if that too is told
404, the answer proves nothing.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from .trial import FORBIDDEN, TAG, Answered, LetThrough, Step, Trial, Untried, status_of

_SCORING = "https://ml.azure.com/.default"  # the audience of an Entra token that scores
_NAMED = "azureml-model-deployment"  # the header by which a request names who answers
_SECONDS = 60
_DEPLOYMENT = "azmlflow-verify"


def list_endpoints(trial: Trial) -> None:
    """Those that are there; one that takes Entra tokens is asked later, unless we can make one."""
    for endpoint in trial.deployments.list_endpoints():
        told = endpoint.get("properties") or {}
        if trial.asks is None and told.get("authMode") == "AADToken" and told.get("scoringUri"):
            trial.asks = str(endpoint["name"]), str(told["scoringUri"])


def create_endpoint(trial: Trial) -> None:
    """One of our own, without an identity: of one that Azure gives, the role assignments would stay."""
    file = trial.folder / "endpoint.json"
    told = {"auth_mode": "aad_token", "identity": {"type": "None"}, "tags": {TAG: trial.stamp}}
    file.write_text(json.dumps(told))
    try:
        made = trial.deployments.create_endpoint(trial.name, {"endpoint-config-file": str(file)})
    except Exception as fault:
        if status_of(fault) != FORBIDDEN:
            with suppress(Exception):  # what failed in the making may stand all the same
                trial.endpoint = str(trial.deployments.get_endpoint(trial.name)["name"])
        raise
    trial.endpoint = trial.name
    trial.asks = trial.name, str(made["properties"]["scoringUri"])


def score(trial: Trial) -> None:
    """A prediction of a deployment that is not there, as oneself."""
    if trial.asks is None:
        raise Untried("no endpoint that takes Entra tokens is seen here, and none could be made")
    name, uri = trial.asks
    trial.at = f"/onlineEndpoints/{name}"
    anybody, _ = _ask("POST", uri, "nobody", {}, {_NAMED: trial.nowhere})
    if anybody not in (401, 403):
        raise Untried(f"{name} answers {anybody} to whoever asks, so that its answer proves nothing")
    status, text = _ask("POST", uri, _token(trial, _SCORING), {}, {_NAMED: trial.nowhere})
    if status in (401, 403):
        raise Answered(FORBIDDEN, text)
    if status >= 500:
        raise Answered(status, text)
    raise LetThrough


def get_token(trial: Trial) -> None:
    """A token of an endpoint."""
    _reach(trial, "POST", "/token")


def list_keys(trial: Trial) -> None:
    """The keys of an endpoint."""
    _reach(trial, "POST", "/listKeys")


def renew_key(trial: Trial) -> None:
    """Another key."""
    _reach(trial, "POST", "/regenerateKeys", {"keyType": "Primary"})


def list_deployments(trial: Trial) -> None:
    """None, of our endpoint."""
    trial.deployments.list_deployments(trial.endpoint or trial.nowhere)


def deploy(trial: Trial) -> None:
    """A deployment: of an endpoint that is not there, so that it never has a machine."""
    workspace = _workspace(trial)
    wanted = {
        "location": trial.uri.partition("://")[2].partition(".")[0],
        "sku": {"name": "Default", "capacity": 1},
        "properties": {
            "endpointComputeType": "Managed",
            "model": f"{workspace}/models/{trial.name}/versions/1",
            "instanceType": "Standard_DS3_v2",
        },
    }
    _reach(trial, "PUT", f"/deployments/{_DEPLOYMENT}", wanted)


def read_logs(trial: Trial) -> None:
    """A deployment's log."""
    _reach(trial, "POST", f"/deployments/{_DEPLOYMENT}/getLogs", {"tail": 1})


def delete_deployment(trial: Trial) -> None:
    """A deployment."""
    _reach(trial, "DELETE", f"/deployments/{_DEPLOYMENT}")


def delete_endpoint(trial: Trial) -> None:
    """Ours, which MLflow's client reads first; so one that is not there is read first, too."""
    if trial.endpoint is None:
        with suppress(LetThrough):
            _reach(trial, "GET", "")
        _reach(trial, "DELETE", "")
    trial.deployments.delete_endpoint(trial.endpoint)
    trial.endpoint = None


def _reach(trial: Trial, method: str, path: str, body: dict[str, Any] | None = None) -> None:
    """Ask Resource Manager for something of an endpoint that is not there.

    Raises:
        LetThrough: it let us, and found nothing.
        Answered: it did not, or failed.
    """
    cloud = str(trial.deployments.service_context.cloud.endpoints.resource_manager).rstrip("/")
    url = f"{cloud}{_workspace(trial)}/onlineEndpoints/{trial.nowhere}{path}?api-version={trial.api_version}"
    status, text = _ask(method, url, _token(trial, f"{cloud}/.default"), body, {})
    if status in (401, 403) or status == 429 or status >= 500:
        raise Answered(status, text)
    raise LetThrough


def _ask(method: str, url: str, token: str, body: dict[str, Any] | None, headers: dict[str, str]) -> tuple[int, str]:
    """The status and the text of an answer.

    Raises:
        Untried: nothing answers there.
    """
    import requests

    try:
        answer = requests.request(
            method, url, json=body, headers={"Authorization": f"Bearer {token}", **headers},
            timeout=_SECONDS, allow_redirects=False,
        )  # fmt: skip
    except requests.exceptions.RequestException as fault:
        raise Untried(f"{url.split('/')[2]} is not reached from here: {type(fault).__name__}") from fault
    return answer.status_code, answer.text


def _token(trial: Trial, scope: str) -> str:
    return str(trial.deployments.service_context.auth.get_token(scope).token)


def _workspace(trial: Trial) -> str:
    return "/subscriptions/" + trial.uri.partition("/subscriptions/")[2]


_ENDPOINTS = "onlineEndpoints"
_STOPS = (400, 409)  # a network, a quota or a lock in the way: Resource Manager asks for access first

# What is tried, in this order. The last removes.
ENDPOINTS: tuple[Step, ...] = (
    Step("list endpoints", "score_models", list_endpoints, actions=(f"{_ENDPOINTS}/read",)),
    Step(
        "create endpoint",
        "deploy_models",
        create_endpoint,
        actions=("read", f"{_ENDPOINTS}/write", f"{_ENDPOINTS}/read"),  # the workspace's region is read first
        stops=_STOPS,
    ),
    Step("score", "score_models", score, actions=(f"{_ENDPOINTS}/score/action",)),
    Step("endpoint token", "score_models", get_token, actions=(f"{_ENDPOINTS}/token/action",)),
    Step("endpoint keys", "have_endpoint_keys", list_keys, actions=(f"{_ENDPOINTS}/listkeys/action",)),
    Step("renew key", "have_endpoint_keys", renew_key, actions=(f"{_ENDPOINTS}/regeneratekeys/action",)),
    Step(
        "list deployments",
        "deploy_models",
        list_deployments,
        ("endpoint",),
        (f"{_ENDPOINTS}/deployments/read",),
    ),
    Step("deploy model", "deploy_models", deploy, actions=(f"{_ENDPOINTS}/deployments/write",)),
    Step("deployment log", "deploy_models", read_logs, actions=(f"{_ENDPOINTS}/deployments/getlogs/action",)),
    Step("delete deployment", "deploy_models", delete_deployment, actions=(f"{_ENDPOINTS}/deployments/delete",)),
    Step(
        "delete endpoint",
        "deploy_models",
        delete_endpoint,
        actions=(f"{_ENDPOINTS}/read", f"{_ENDPOINTS}/delete"),
        stops=_STOPS,
    ),
)
