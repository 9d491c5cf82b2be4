"""Online endpoints: what is declared, in which order, and what Azure would refuse."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pulumi
import pytest

from azmlflow.infra.components.drawn import OnlineEndpointArgs
from azmlflow.infra.components.serving import OnlineEndpoint
from azmlflow.infra.plan.serving import Share, deployment_name, template
from azmlflow.infra.settings.faults import SettingsError
from azmlflow.infra.settings.settings import Settings
from azmlflow.resourcetypes.bounds import NAMES
from tests.infra.conftest import SUBSCRIPTION, Deployment

Up = Callable[..., Deployment]
WHO = "aaaaaaaa-0000-4000-8000-000000000001"
ROBOT = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/r"
WORKSPACE = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-mlflow-dev/providers/Microsoft.MachineLearningServices"
    "/workspaces/mlw-mlflow-dev"
)


def endpoint(*deployments: Mapping[str, Any], **other: Any) -> dict[str, Any]:
    return {"name": "wine-eu", "deployments": list(deployments), **other}


def refused(*endpoints: dict[str, Any], **settings: Any) -> str:
    with pytest.raises(SettingsError) as error:
        Settings.from_mapping({f"azmlflow:{key}": value for key, value in {"endpoints": endpoints, **settings}.items()})
    return str(error.value)


def test_the_traffic_comes_after_all_deployments_and_the_endpoint_stands_without(up: Up) -> None:
    blue = {"name": "blue", "model": "wine", "version": "3", "traffic": 90, "instanceCount": 2}
    green = {"model": "wine", "version": "4", "traffic": 10, "instanceType": "Standard_F4s_v2"}
    shadow = {"model": "beer", "version": "1", "traffic": 0, "mirror": 20}
    done = up(endpoints=[endpoint(blue, green, shadow, auth="aadToken")])
    made, traffic = done.one("services:OnlineEndpoint"), done.one("resources:Deployment")
    deployments = {each.inputs["deploymentName"]: each for each in done.of(":OnlineDeployment")}
    assert made.inputs["properties"] == {"authMode": "AADToken", "publicNetworkAccess": "Enabled"}
    assert made.inputs["identity"] == {"type": "SystemAssigned"}
    assert set(made.ignored) >= {"properties", "tags"}, "another write of it would be without its traffic"
    (digest,) = (name for name in deployments if name not in ("blue-wine-3", "beer-1"))
    assert re.fullmatch("wine-4-[0-9a-f]{6}", digest), "another machine is another deployment"
    two = deployments["blue-wine-3"].inputs
    assert (two["sku"], two["properties"]["instanceType"]) == ({"name": "Default", "capacity": 2}, "Standard_DS3_v2")
    assert two["properties"]["model"] == f"{WORKSPACE}/models/wine/versions/3"
    assert all(each.deleted_with == made.urn for each in deployments.values())
    assert traffic.depends_on >= {made.urn, *(each.urn for each in deployments.values())}
    assert done.one("azmlflow:index:OnlineEndpoint").deleted_with == traffic.deleted_with == "", "it goes by itself"
    assert made.deleted_with.endswith("mlflow-group")
    assert traffic.inputs["properties"]["mode"] == "Incremental"
    document = traffic.inputs["properties"]["template"]
    assert document["metadata"] == {"endpointMade": "2026-11-26T12:00:00Z"}, "another endpoint is written again"
    (resource,) = document["resources"]
    assert resource["name"] == "mlw-mlflow-dev/wine-eu"
    assert resource["type"] == "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"
    assert resource["tags"] == made.inputs["tags"]
    assert resource["properties"] == {
        **made.inputs["properties"],
        "traffic": {"blue-wine-3": 90, digest: 10},
        "mirrorTraffic": {"beer-1": 20},
    }
    uri = "https://wine.westeurope.inference.ml.azure.com/score"
    assert done.outputs["endpoints"] == [{"name": "wine-eu", "scoringUri": uri}]


def test_latest_is_the_highest_version_when_the_program_runs(up: Up) -> None:
    done = up(endpoints=[endpoint({"model": "wine"})])
    assert done.one(":OnlineDeployment").inputs["properties"]["model"].endswith("/models/wine/versions/7")
    assert done.one(":OnlineDeployment").name == "wine-eu-wine-7"


def test_latest_of_a_model_that_is_not_there_says_what_to_do(up: Up) -> None:
    told = "endpoint wine-eu: there is no model beer in workspace mlw-mlflow-dev: register it first"
    with pytest.raises(pulumi.RunError, match=told):
        up(endpoints=[endpoint({"model": "beer"})])


def test_an_endpoint_may_stand_before_there_is_a_model(up: Up) -> None:
    done = up(endpoints=[endpoint()])
    (resource,) = done.one("resources:Deployment").inputs["properties"]["template"]["resources"]
    assert resource["properties"]["traffic"] == {}


def test_identities_of_its_own_get_what_azure_asks_for_before_it_is_made(up: Up) -> None:
    settings = {"registry": "own", "endpoints": [endpoint({"model": "wine"}, identities={ROBOT: WHO})]}
    done = up(**settings)
    assert done.one("services:OnlineEndpoint").inputs["identity"] == {
        "type": "UserAssigned",
        "userAssignedIdentities": [ROBOT],
    }
    (resource,) = done.one("resources:Deployment").inputs["properties"]["template"]["resources"]
    assert resource["identity"] == {"type": "UserAssigned", "userAssignedIdentities": {ROBOT: {}}}
    roles = {each.name: each for each in done.of(":RoleAssignment")}
    assert {
        name.removeprefix("identity-").removesuffix(f"-{WHO}"): each.inputs["scope"].split("/")[-2]
        for name, each in roles.items()
    } == {
        "acrpull": "registries",
        "storage-blob-data-reader": "storageAccounts",
        "azureml-metrics-writer-(preview)": "workspaces",
    }
    assert done.one("services:OnlineEndpoint").depends_on >= {each.urn for each in roles.values()}


def test_a_closed_workspace_has_closed_endpoints(up: Up) -> None:
    done = up(registry="own", network={"mode": "managed"}, endpoints=[endpoint({"model": "wine"})])
    assert done.one("services:OnlineEndpoint").inputs["properties"]["publicNetworkAccess"] == "Disabled"


def test_outputs_of_others_are_taken_but_for_latest(run: Callable[..., Deployment]) -> None:
    def program(version: str) -> Callable[[], None]:
        def declare() -> None:
            group, workspace = map(pulumi.Output.from_input, ("rg", "ws"))
            OnlineEndpoint(
                "wine",
                OnlineEndpointArgs(
                    group, workspace, "westeurope", "wine-eu", deployments=[{"model": "wine", "version": version}]
                ),
            )

        return declare

    model = run(program("2")).one(":OnlineDeployment").inputs["properties"]["model"]
    assert model.endswith(
        "/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws/models/wine/versions/2"
    )
    with pytest.raises(ValueError, match="needs names of group and workspace that are no outputs"):
        run(program("latest"))


def test_a_program_in_another_language_hands_over_mappings(run: Callable[..., Deployment]) -> None:
    def program() -> None:
        deployments = [{"model": "wine", "version": "2", "instance_count": 2.0, "traffic": 100.0}]
        args: Any = {
            "resource_group_name": "rg", "workspace_name": "ws", "location": "westeurope", "name": "wine-eu",
            "deployments": deployments,
        }  # fmt: skip
        OnlineEndpoint("wine", args)

    done = run(program)
    assert done.one(":OnlineDeployment").inputs["sku"] == {"name": "Default", "capacity": 2}
    assert done.one(":OnlineDeployment").inputs["properties"]["model"].startswith(f"/subscriptions/{SUBSCRIPTION}/")
    assert done.one("services:OnlineEndpoint").inputs.get("tags") is None


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (endpoint(name="a"), "'a' is no name of an endpoint"),
        (endpoint(name="wine--eu"), "'wine--eu' is no name of an endpoint"),
        (endpoint(auth="Key"), "'key', 'amlToken' or 'aadToken'"),
        (endpoint({"model": "wine", "traffic": 99}), "the traffic of wine-eu adds up to 99 percent"),
        (endpoint({"model": "wine"}, {"model": "beer"}), "the traffic of wine-eu adds up to 200 percent"),
        (endpoint({"model": "wine", "traffic": 101}), "less than or equal to 100"),
        (endpoint({"model": "wine", "mirror": 5}), "with mirror, traffic is 0"),
        (endpoint({"model": "wine", "traffic": 0, "mirror": 51}), "less than or equal to 50"),
        (
            endpoint(*({"model": name, "traffic": 0, "mirror": 5} for name in ("wine", "beer"))),
            "wine-eu mirrors to two deployments",
        ),
        (endpoint({"model": "wine", "instanceCount": 0}), "greater than or equal to 1"),
        (endpoint({"model": "wine", "instanceType": "DS3"}), "should look like `"),
        (endpoint({"model": "wine", "version": "0"}), "should look like `"),
        (endpoint({"model": "w/ine"}), "should look like `"),
        (endpoint({"model": "wine", "name": "Blue"}), "should look like `"),
        (
            endpoint({"model": "wine", "version": 2}, {"model": "wine", "version": "2", "traffic": 0}),
            "two deployments of wine-eu are called 'wine-2'",
        ),
        (
            endpoint({"model": "wine", "version": 2}, {"model": "wine", "traffic": 0}),
            "two deployments of wine may come to be of one version",
        ),
        (
            endpoint(*({"model": f"m{n}", "traffic": 0} for n in range(21))),
            "21 deployments are more than the 20 that Azure takes",
        ),
        (endpoint(identities={ROBOT: "robot"}), "is not an object id"),
        (endpoint(identities={"robot": WHO}), "is not the ARM id of a user-assigned identity"),
        (endpoint(identities={ROBOT: WHO}), "the registry that Azure makes by itself gives them no role"),
    ],
)
def test_what_azure_refuses(given: dict[str, Any], word: str) -> None:
    assert word in refused(given)


def test_two_endpoints_of_a_name() -> None:
    assert "two endpoints are called 'wine-eu'" in refused(endpoint(), endpoint(name="WINE-eu"))


def test_addresses_alone_and_an_endpoint_for_everybody_do_not_go_together() -> None:
    network = {"mode": "publicIps", "allowedIps": ["203.0.113.7"]}
    assert "take mode managed or own" in refused(endpoint(), network=network, registry="own")


@pytest.mark.parametrize(
    "told",
    [
        ("", "wine", "3", "Standard_DS3_v2"),
        ("", "my_model.v2", "12", "Standard_DS3_v2"),
        ("", "7up", "1", "Standard_DS3_v2"),
        ("canary", "a" * 255, "999999999", "Standard_DS3_v2"),
        ("", "my-model.v2", "12", "Standard_DS3_v2"),
        ("", "wine", "3", "Standard_F4s_v2"),
        ("", "Wine", "3", "Standard_DS3_v2"),
    ],
)
def test_names_of_deployments_are_ones_that_azure_takes(told: tuple[str, str, str, str]) -> None:
    name = deployment_name(*told)
    assert re.fullmatch(NAMES["Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments"], name)
    assert name == deployment_name(*told)


def test_no_two_deployments_of_different_things_have_one_name() -> None:
    told = [
        ("", "my-model", "1"), ("", "my_model", "1"), ("", "my.model", "1"), ("", "My-model", "1"),
        ("", "b" * 40, "1"), ("", "b" * 41, "1"),
    ]  # fmt: skip
    names = [deployment_name(*each) for each in told]
    assert len(set(names)) == len(names)


def test_a_text_in_brackets_is_no_expression() -> None:
    body = {"tags": {"team": "[blue]", "note": "[open"}, "properties": {}}
    (resource,) = template("ws", "wine", body, [Share("a", 100)], "")["resources"]
    assert resource["tags"] == {"team": "[[blue]", "note": "[open"}
    json.dumps(resource)
