"""The steps of deploying and scoring: what they ask, and what Azure's answers mean to them."""

from __future__ import annotations

import http.server
import io
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from azmlflow.cli.proof.client import run
from azmlflow.cli.proof.client.endpoints import ENDPOINTS
from azmlflow.cli.proof.client.trial import Trial, attempt

WORKSPACE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"
NOBODYS = f"{WORKSPACE}/onlineEndpoints/azmlflow-verify-0123-no"
STEPS = {step.name: step for step in ENDPOINTS}
OURS = "azmlflow-verify-0123"


class AzureError(Exception):
    """As the Azure SDK raises it."""

    def __init__(self, status: int, text: str = "no") -> None:
        super().__init__(text)
        self.status_code = status


@dataclass
class Asked:
    """A request that reached the server."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class Site:
    """A server in place of Resource Manager and of an endpoint, which answers by the bearer of a request.

    Attributes:
        answers: bearer -> status.
        asked: what was asked.
        url: where it is.
    """

    answers: dict[str, int]
    asked: list[Asked] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def site() -> Iterator[Site]:
    found = Site({})

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            given = {name.lower(): value for name, value in self.headers.items()}
            found.asked.append(Asked(self.command, self.path, given, json.loads(body) if body else None))
            self.send_response(found.answers[given["authorization"].removeprefix("Bearer ")])
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST = do_PUT = do_DELETE = answer

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        found.url = f"http://127.0.0.1:{server.server_port}"
        yield found
        server.shutdown()


class Deployments:
    """MLflow's deployment client, with endpoints of its own.

    Attributes:
        there: the endpoints by name.
        fault: what making or removing one raises.
        made: whether one is made all the same.
        config: with which one was made.
    """

    def __init__(self, url: str) -> None:
        cloud = SimpleNamespace(endpoints=SimpleNamespace(resource_manager=f"{url}/"))
        auth = SimpleNamespace(get_token=lambda scope: SimpleNamespace(token="ml" if "ml.azure" in scope else "arm"))
        self.service_context = SimpleNamespace(cloud=cloud, auth=auth)
        self.url, self.there = url, dict[str, dict[str, Any]]()
        self.fault: Exception | None = None
        self.made = False
        self.config: Any = None

    def add(self, name: str, mode: str, **more: Any) -> dict[str, Any]:
        told = {"name": name, "properties": {"authMode": mode, "scoringUri": f"{self.url}/{name}/score"}, **more}
        return self.there.setdefault(name, told)

    def list_endpoints(self) -> list[Any]:
        return list(self.there.values())

    def get_endpoint(self, name: str) -> Any:
        if name not in self.there:
            raise AzureError(404)
        return self.there[name]

    def create_endpoint(self, name: str, config: dict[str, str]) -> Any:
        self.config = json.loads(Path(config["endpoint-config-file"]).read_text())
        if self.fault is None or self.made:
            self.add(name, "AADToken")
        if self.fault is not None:
            raise self.fault
        return self.there[name]

    def delete_endpoint(self, name: str) -> None:
        if self.fault is not None:
            raise self.fault
        del self.there[name]


@pytest.fixture
def trial(site: Site, tmp_path: Path) -> Trial:
    uri = f"azureml://westeurope.api.azureml.ms/mlflow/v1.0{WORKSPACE}?"
    found = Trial(None, "0123", tmp_path, uri, "2025-12-01")  # type: ignore[arg-type]
    found.deployments = Deployments(site.url)
    return found


# --- asked of an endpoint that is not there ------------------------------------------------------------------------

# By hand: what Resource Manager is asked, and nothing of it can last.
ASKED = {
    "endpoint token": [("POST", "/token")],
    "endpoint keys": [("POST", "/listKeys")],
    "renew key": [("POST", "/regenerateKeys")],
    "deploy model": [("PUT", "/deployments/azmlflow-verify")],
    "deployment log": [("POST", "/deployments/azmlflow-verify/getLogs")],
    "delete deployment": [("DELETE", "/deployments/azmlflow-verify")],
    "delete endpoint": [("GET", ""), ("DELETE", "")],
}


@pytest.mark.parametrize("name", ASKED)
def test_what_would_last_is_asked_of_an_endpoint_that_is_not_there(name: str, trial: Trial, site: Site) -> None:
    site.answers = {"arm": 404}
    assert attempt(trial, STEPS[name])["outcome"] == "unrefused"
    query = "?api-version=2025-12-01"
    assert [(each.method, each.path) for each in site.asked] == [
        (method, f"{NOBODYS}{path}{query}") for method, path in ASKED[name]
    ]


@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (403, "refused"),
        *((status, "unrefused") for status in (204, 400, 404, 409)),
        *((status, "error") for status in (401, 429, 500, 503)),
    ],
)
def test_resource_manager_decides_on_access_before_it_looks(
    name: str, status: int, outcome: str, trial: Trial, site: Site
) -> None:
    site.answers = {"arm": status}
    assert attempt(trial, STEPS[name])["outcome"] == outcome


def test_a_deployment_is_asked_for_as_azure_would_take_it(trial: Trial, site: Site) -> None:
    site.answers = {"arm": 404}
    attempt(trial, STEPS["deploy model"])
    assert site.asked[0].body == {
        "location": "westeurope",
        "sku": {"name": "Default", "capacity": 1},
        "properties": {
            "endpointComputeType": "Managed",
            "model": f"{WORKSPACE}/models/azmlflow-verify-0123/versions/1",
            "instanceType": "Standard_DS3_v2",
        },
    }


# --- an endpoint of our own ----------------------------------------------------------------------------------------


def test_our_endpoint_has_no_identity_and_no_deployment_and_goes_again(trial: Trial) -> None:
    assert attempt(trial, STEPS["create endpoint"])["outcome"] == "done"
    assert trial.deployments.config == {
        "auth_mode": "aad_token",
        "identity": {"type": "None"},
        "tags": {"azmlflow-verify": "0123"},
    }
    assert (trial.endpoint, list(trial.deployments.there)) == (OURS, [OURS])
    assert len(trial.nowhere) <= 32
    assert attempt(trial, STEPS["delete endpoint"])["outcome"] == "done"
    assert (trial.endpoint, trial.deployments.there) == (None, {})


@pytest.mark.parametrize(
    ("fault", "made", "outcome", "left"),
    [
        (AzureError(403), False, "refused", None),
        (AzureError(403, "(RequestDisallowedByPolicy) not here"), False, "stopped", None),
        (AzureError(409, "(ScopeLocked) a lock"), False, "stopped", None),
        (AzureError(400, "(BadRequest) the network is closed"), False, "stopped", None),
        (AzureError(500), True, "error", OURS),
        (TimeoutError("too long"), True, "error", OURS),
    ],
)
def test_an_endpoint_that_is_not_made(
    fault: Exception, made: bool, outcome: str, left: str | None, trial: Trial
) -> None:
    trial.deployments.fault, trial.deployments.made = fault, made
    assert attempt(trial, STEPS["create endpoint"])["outcome"] == outcome
    assert (trial.endpoint, trial.asks) == (left, None)


def test_an_endpoint_that_a_lock_holds_is_told_to_be_left(trial: Trial) -> None:
    attempt(trial, STEPS["create endpoint"])
    trial.deployments.fault = AzureError(409, "(ScopeLocked) a lock")
    assert attempt(trial, STEPS["delete endpoint"])["outcome"] == "stopped"
    assert trial.endpoint == OURS


# --- scoring -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("anybody", "own", "outcome"),
    [
        (401, 404, "unrefused"),
        (403, 404, "unrefused"),
        (401, 424, "unrefused"),
        (401, 401, "refused"),
        (401, 403, "refused"),
        (404, 404, "untried"),
        (401, 503, "error"),
    ],
)
def test_what_an_endpoint_answers_tells_whether_one_may_score(
    anybody: int, own: int, outcome: str, trial: Trial, site: Site
) -> None:
    site.answers = {"nobody": anybody, "ml": own}
    trial.deployments.add("keyed", "Key")
    trial.deployments.add("risk", "AADToken")
    attempt(trial, STEPS["list endpoints"])
    told = attempt(trial, STEPS["score"])
    assert (told["outcome"], told["at"]) == (outcome, "/onlineEndpoints/risk")
    # No model sees it: the deployment that it names is not there.
    assert {each.headers["azureml-model-deployment"] for each in site.asked} == {"azmlflow-verify-0123-no"}
    assert {each.path for each in site.asked} == {"/risk/score"}


def test_our_own_endpoint_is_asked_rather_than_somebody_elses(trial: Trial, site: Site) -> None:
    site.answers = {"nobody": 401, "ml": 404}
    trial.deployments.add("risk", "AADToken")
    for name in ("list endpoints", "create endpoint", "score"):
        assert attempt(trial, STEPS[name])["outcome"] in ("done", "unrefused")
    assert {each.path for each in site.asked} == {f"/{OURS}/score"}


def test_without_an_endpoint_that_takes_entra_tokens_scoring_is_not_tried(trial: Trial, site: Site) -> None:
    trial.deployments.add("keyed", "Key")
    trial.deployments.add("tokens", "AMLToken")
    attempt(trial, STEPS["list endpoints"])
    told = attempt(trial, STEPS["score"])
    assert (told["outcome"], told["at"]) == ("untried", "")
    assert "takes Entra tokens" in told["message"]
    assert site.asked == []


def test_an_endpoint_that_is_not_reached_says_nothing_of_rights(trial: Trial, site: Site) -> None:
    trial.asks = "risk", "http://127.0.0.1:9/score"
    told = attempt(trial, STEPS["score"])
    assert told["outcome"] == "untried"
    assert told["message"].startswith("127.0.0.1:9 is not reached from here: ")
    assert site.asked == []


# --- what is left --------------------------------------------------------------------------------------------------


class Page(list[Any]):
    """A page of results, the last."""

    token = None


def refuse(**_: object) -> Page:
    raise AzureError(403)


def test_clean_removes_what_bears_name_and_tag_and_goes_on_where_it_may_not_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    served = Deployments("http://127.0.0.1:9")
    served.add("azmlflow-verify-1", "AADToken", tags={"azmlflow-verify": "1"})
    served.add("azmlflow-verify-2", "AADToken", tags=None)
    served.add("risk", "AADToken", tags={"azmlflow-verify": "1"})
    monkeypatch.setattr(run, "deployments", lambda _: served)
    store = SimpleNamespace(search_registered_models=lambda **_: Page())
    monkeypatch.setattr(run, "registry", lambda _: SimpleNamespace(store=store))
    out, client = io.StringIO(), SimpleNamespace(search_experiments=refuse)
    run.clean(client, "azureml://host", out)  # type: ignore[arg-type]
    told = [json.loads(line) for line in out.getvalue().splitlines()]
    assert told[0]["unseen"] == "experiments"
    assert told[1:] == [{"removed": {"kind": "endpoint", "name": "azmlflow-verify-1"}}]
    assert set(served.there) == {"azmlflow-verify-2", "risk"}
