"""A model version as a rolling change, on an embedded Azure in this process whose deployments do as they are told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.endpoints.model import Model
from azmlflow.cli.endpoints.rollout import Stands, Wanted, roll_out
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.teardown import inventory
from azmlflow.localazure.core.errors import AzureError
from tests.cli.endpoints.site import ENDPOINT, WORKSPACE, Site, make
from tests.cli.wire import Response
from tests.localazure.control import BLUE, RG, Azure

INPUTS = ({"type": "double", "name": "age"},)
SAMPLE = {"input_data": {"columns": ["age"], "index": [0], "data": [[0.0]]}}


@pytest.fixture
def site(azure: Azure) -> Site:
    return make(azure)


def deploy(site: Site, deployment: str, said: list[str] | None = None, count: int = 1, **more: bool) -> Stands:
    told: list[str] = [] if said is None else said
    model = Model("wine", deployment[-1], inputs=(more.pop("inputs", True) and INPUTS) or None)
    wanted = Wanted(
        WORKSPACE, "westeurope", "wine", deployment, model, "Key", "Standard_DS3_v2", count, "local", **more
    )
    return roll_out(site.arm, wanted, told.append)


def test_the_first_one(site: Site) -> None:
    said: list[str] = []
    stands = deploy(site, "version-1", said)
    assert said == ["making endpoint wine", "deploying wine:1 as wine/version-1"]
    (request,) = site.scored
    assert request.url == "https://wine.westeurope.inference.ml.azure.com/score"
    assert (json.loads(request.content), stands.answer) == (SAMPLE, "[1.5]")
    assert request.headers["azureml-model-deployment"] == "version-1"
    assert request.headers["Authorization"].removeprefix("Bearer ") == site.arm.act(ENDPOINT, "listKeys")["primaryKey"]
    endpoint = site.endpoint()
    assert endpoint["properties"]["traffic"] == {"version-1": 100}
    assert endpoint["tags"] == {"azmlflow-deploy": "local"}
    assert stands.endpoint["properties"]["traffic"] == {"version-1": 100}


def test_the_next_one_answers_before_it_gets_requests_and_the_old_one_goes(site: Site) -> None:
    deploy(site, "version-1")
    seen: list[dict[str, int]] = []

    def predict(_request: object) -> Response:
        seen.append(site.endpoint()["properties"]["traffic"])
        return Response(200, b"[2.5]")

    site.predict = predict
    said: list[str] = []
    assert deploy(site, "version-2", said).gone == ("version-1",)
    assert seen == [{"version-1": 100}]
    assert site.endpoint()["properties"]["traffic"] == {"version-2": 100}
    assert site.deployments() == ["version-2"]
    assert said[-1] == "taking wine/version-1 away"


def test_what_the_endpoint_says_besides_stays(site: Site) -> None:
    site.azure.make(ENDPOINT)
    body = site.endpoint()
    body["properties"] |= {"description": "ours", "properties": {"team": "wine"}}
    site.azure.arm("PUT", ENDPOINT, {**body, "tags": {"own": "tag"}})
    site.azure.wait()
    before = site.endpoint()
    deploy(site, "version-1")
    after = site.endpoint()
    assert after["tags"] == {"own": "tag"}
    assert (after["properties"]["description"], after["properties"]["properties"]) == ("ours", {"team": "wine"})
    assert after["identity"] == before["identity"]


def test_what_others_made_stays(site: Site) -> None:
    site.azure.make(ENDPOINT, BLUE)
    body = site.endpoint()
    body["properties"]["traffic"] = {"blue": 100}
    site.azure.arm("PUT", ENDPOINT, body)
    site.azure.wait()
    assert deploy(site, "version-1").gone == ()
    assert site.deployments() == ["blue", "version-1"]


def test_the_old_one_is_kept_and_the_traffic_left_where_that_is_wanted(site: Site) -> None:
    deploy(site, "version-1")
    deploy(site, "version-2", traffic=False)
    assert site.endpoint()["properties"]["traffic"] == {"version-1": 100}
    deploy(site, "version-3", keep=True)
    assert site.endpoint()["properties"]["traffic"] == {"version-3": 100}
    assert site.deployments() == ["version-1", "version-2", "version-3"]


def test_without_a_signature_no_request_is_made(site: Site) -> None:
    stands = deploy(site, "version-1", inputs=False)
    assert (stands.asked, stands.answer, site.scored) == (None, "", [])
    assert site.endpoint()["properties"]["traffic"] == {"version-1": 100}


def test_one_that_fails_leaves_the_traffic_and_nothing_else(site: Site) -> None:
    deploy(site, "version-1")
    site.log = "Traceback\nModuleNotFoundError: wine"
    site.failing["version-2"] = AzureError(400, "ResourceNotReady", "User container has crashed or terminated.")
    with pytest.raises(CliError) as caught:
        deploy(site, "version-2")
    assert caught.value.what.splitlines()[0] == (
        "wine:2 does not answer: ResourceNotReady: User container has crashed or terminated."
    )
    assert caught.value.what.splitlines()[-1].strip() == "ModuleNotFoundError: wine"
    assert site.endpoint()["properties"]["traffic"] == {"version-1": 100}
    assert site.deployments() == ["version-1"]


def test_one_that_answers_no_request_leaves_the_traffic(site: Site) -> None:
    deploy(site, "version-1")
    headers = {"ms-azureml-model-error-statuscode": "500", "azureml-model-deployment": "version-2"}
    site.predict = lambda _request: Response(424, b'{"message": "no column"}', headers)
    with pytest.raises(CliError, match=r"a sample request fails: the model failed with 500 \(424\): no column"):
        deploy(site, "version-2")
    assert site.endpoint()["properties"]["traffic"] == {"version-1": 100}
    assert site.deployments() == ["version-1"]


def test_a_change_of_one_that_stood_and_fails_takes_nothing_away(site: Site) -> None:
    deploy(site, "version-1")
    site.failing["version-1"] = AzureError(400, "BadArgument", "no")
    with pytest.raises(CliError, match="BadArgument: no"):
        deploy(site, "version-1", count=2)
    assert site.deployments() == ["version-1"]
    assert site.endpoint()["properties"]["traffic"] == {"version-1": 100}


def test_out_of_quota(site: Site) -> None:
    model = Model("wine", "1")
    wanted = Wanted(WORKSPACE, "westeurope", "wine", "big-one", model, "Key", "Standard_DS3_v2", 50, "local")
    with pytest.raises(CliError, match="OutOfQuota: Not enough quota available for Standard_DS3_v2"):
        roll_out(site.arm, wanted, lambda _: None)
    assert site.deployments() == []


def test_down_tells_how_much_it_was_asked(site: Site) -> None:
    deploy(site, "version-1")
    site.azure.cloud.serving.asked[ENDPOINT.lower()] += 7
    (found,) = inventory.read(site.arm, RG).endpoints
    assert found.told() == "wine (version-1 100 %; 7 requests in the last day)"


def test_an_endpoint_that_somebody_deletes_meanwhile_is_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    get, made = ResourceManager.get, list[str]()

    def look(arm: ResourceManager, id_: str, **more: Any) -> Any:
        return None if id_ == ENDPOINT else get(arm, id_, **more)

    monkeypatch.setattr(ResourceManager, "get", look)
    with pytest.raises(CliError, match="the endpoint was deleted meanwhile"):
        deploy(site, "version-1", made)
    assert made == ["making endpoint wine"], "nothing is deployed to it"
