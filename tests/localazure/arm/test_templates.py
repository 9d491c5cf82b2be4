"""Templates deployed to a group: their resources stand, or nothing of them does.

Sources: Microsoft, "Deployments" (REST 2024-03-01), "ARM template deployment modes", "Troubleshoot common Azure
deployment errors".
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.localazure.control import ALICE, BLUE, CHAIN, ENDPOINT, GREEN, RG, SUB, Azure
from tests.localazure.made import TEMPLATE

TRAFFIC = f"{RG}/providers/Microsoft.Resources/deployments/traffic"
IDENTITY = f"{RG}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/templated"
MACHINE = "Microsoft.MachineLearningServices/workspaces"


def endpoint(**traffic: int) -> dict[str, Any]:
    """A template that sends an endpoint's requests somewhere."""
    return {
        **TEMPLATE,
        "resources": [
            {
                "type": f"{MACHINE}/onlineEndpoints",
                "apiVersion": "2025-12-01",
                "name": "ws-one/wine",
                "location": "westeurope",
                "tags": {"a": "[[b]"},
                "identity": {"type": "SystemAssigned"},
                "properties": {"authMode": "Key", "traffic": traffic},
            }
        ],
    }


def deployed(template: Any, mode: str = "Incremental") -> dict[str, Any]:
    """The body of a deployment."""
    return {"properties": {"mode": mode, "template": template}}


@pytest.fixture
def served(azure: Azure) -> Iterator[Azure]:
    """An endpoint with two deployments, none of which has traffic."""
    azure.make(*CHAIN, ENDPOINT, BLUE, GREEN)
    yield azure


def traffic(azure: Azure) -> dict[str, int]:
    """Where an endpoint's requests go."""
    found: dict[str, int] = azure.arm("GET", ENDPOINT).body["properties"]["traffic"]
    return found


def test_a_template_is_deployed_as_often_as_it_is_put(served: Azure) -> None:
    """Even the same one: somebody else may have changed what it says."""
    first = served.arm("PUT", TRAFFIC, deployed(endpoint(blue=100)))
    assert (first.status, first.body["properties"]["provisioningState"]) == (201, "Accepted")
    assert "template" not in first.body["properties"]
    assert first.body["properties"]["outputResources"] == [{"id": ENDPOINT}]
    served.wait()
    assert served.follow(first.headers["azure-asyncoperation"]).body["status"] == "Succeeded"
    assert served.arm("GET", TRAFFIC).body["properties"]["provisioningState"] == "Succeeded"
    assert traffic(served) == {"blue": 100}
    assert served.arm("GET", ENDPOINT).body["tags"] == {"a": "[b]"}

    moved = endpoint(green=100)["resources"][0]
    body = {name: moved[name] for name in ("location", "identity", "properties")}
    served.arm("PUT", ENDPOINT, body)
    served.wait()
    assert served.arm("PUT", TRAFFIC, deployed(endpoint(blue=100))).status == 200
    served.wait()
    assert traffic(served) == {"blue": 100}

    assert served.arm("DELETE", TRAFFIC).status == 202
    served.wait()
    assert served.arm("GET", TRAFFIC).code == "DeploymentNotFound"
    assert traffic(served) == {"blue": 100}


def test_a_deployment_ends_with_what_it_began(tmp_path: Path) -> None:
    """And not before, however long that takes."""
    azure = Azure(tmp_path, latency="azure")
    azure.make(*CHAIN, ENDPOINT, BLUE)
    asked = azure.arm("PUT", TRAFFIC, deployed(endpoint(blue=100)))
    status = asked.headers["azure-asyncoperation"]
    assert azure.follow(status).body["status"] == "InProgress"
    assert azure.arm("GET", ENDPOINT).body["properties"]["provisioningState"] == "Updating"
    azure.wait()
    azure.wait()
    assert azure.arm("GET", ENDPOINT).body["properties"]["provisioningState"] == "Succeeded"
    assert azure.follow(status).body["status"] == "Succeeded"


def test_what_began_and_fails_fails_it(tmp_path: Path) -> None:
    """With the code of what failed."""
    azure = Azure(tmp_path, latency="azure")
    azure.make(*CHAIN, ENDPOINT, BLUE)
    asked = azure.arm("PUT", TRAFFIC, deployed(endpoint(blue=100)))
    running = azure.cloud.operations.running(ENDPOINT)
    assert running is not None
    azure.cloud.store.put("running", running["id"], {**running, "failed": [409, "Broken", "It broke."]})
    azure.wait()
    azure.wait()
    told = azure.follow(asked.headers["azure-asyncoperation"]).body
    assert (told["status"], told["error"]["code"]) == ("Failed", "DeploymentFailed")
    assert told["error"]["message"].endswith("Broken: It broke.")


def test_a_resource_that_is_refused_leaves_nothing_of_the_others(served: Azure) -> None:
    """Nor a deployment."""
    both = {**TEMPLATE, "resources": [*TEMPLATE["resources"], *endpoint(nobody=100)["resources"]]}
    refused = served.arm("PUT", TRAFFIC, deployed(both))
    assert (refused.status, refused.code) == (400, "InvalidTemplateDeployment")
    assert "'ws-one/wine'" in refused.message and "'nobody'" in refused.message
    assert served.arm("GET", IDENTITY).status == 404
    assert served.arm("GET", TRAFFIC).status == 404


def test_each_resource_takes_its_own_right(served: Azure) -> None:
    """Who may deploy may not therefore change an endpoint."""
    served.give(ALICE, ["Microsoft.Resources/deployments/*"])
    refused = served.arm("PUT", TRAFFIC, deployed(endpoint(blue=100)), who=ALICE)
    assert (refused.status, refused.code) == (403, "InvalidTemplateDeployment")
    assert f"'{MACHINE}/onlineEndpoints/write'" in refused.message
    assert traffic(served) == {}
    assert served.arm("GET", TRAFFIC).status == 404


@pytest.mark.parametrize(
    ("body", "code", "told"),
    [
        (deployed(None), "InvalidTemplate", "The template is missing"),
        (deployed({**TEMPLATE, "resources": []}), "InvalidTemplate", "'resources' are a list of 1 to 800"),
        (deployed({**TEMPLATE, "contentVersion": ""}), "InvalidTemplate", "Required property 'contentVersion'"),
        (deployed({**TEMPLATE, "resourcez": []}), "InvalidTemplate", "Could not find member 'resourcez'"),
        (deployed({**TEMPLATE, "parameters": {"a": {"type": "string"}}}), "InvalidTemplate", "with 'parameters'"),
        (deployed({**TEMPLATE, "outputs": {"a": {}}}), "InvalidTemplate", "with 'outputs'"),
        (deployed(TEMPLATE, "Complete"), "InvalidDeployment", "in the mode Incremental alone"),
        (deployed(TEMPLATE, "Sideways"), "InvalidDeployment", "mode"),
    ],
)
def test_what_is_no_template_or_is_not_deployed_here_is_refused(served: Azure, body: Any, code: str, told: str) -> None:
    """Never left out in silence."""
    refused = served.arm("PUT", TRAFFIC, body)
    assert (refused.status, refused.code) == (400, code), refused
    assert told in refused.message


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"name": "[concat('a', 'b')]"}, "evaluates no expressions: '[concat('a', 'b')]'"),
        ({"tags": {"a": ["[b]"]}}, "evaluates no expressions"),
        ({"name": "ws-one"}, "does not have as many segments"),
        ({"apiVersion": None}, "Required property 'apiVersion'"),
        ({"condition": False}, "on a condition"),
        ({"type": "Microsoft.Nothing/things/of"}, "deploys no 'Microsoft.Nothing/things/of'"),
        ({"type": f"{MACHINE}/models"}, "by a template"),
        ({"type": f"{MACHINE}/onlineEndpoints/deployments", "name": "ws-one/wine/red"}, "by a template"),
        ({"dependsOn": ["a"]}, "dependsOn"),
        ({"apiVersion": "1999-01-01"}, "1999-01-01"),
    ],
)
def test_a_resource_of_a_template_that_cannot_be_deployed_is_refused(
    served: Azure, change: dict[str, Any], told: str
) -> None:
    """With its reason."""
    template = endpoint(blue=100)
    template["resources"][0] |= change
    refused = served.arm("PUT", TRAFFIC, deployed(template))
    assert refused.status == 400, refused
    assert told in refused.message


def test_groups_alone_are_deployed_to(served: Azure) -> None:
    """A subscription is refused, and so is a resource."""
    for scope in (SUB, ENDPOINT):
        path = f"{scope}/providers/Microsoft.Resources/deployments/traffic"
        assert served.arm("PUT", path, deployed(TEMPLATE)).code == "InvalidDeployment"


def test_a_group_takes_its_deployments_along(served: Azure) -> None:
    """Also out of the list of deployments, where they stand; no list of resources has them."""
    served.arm("PUT", TRAFFIC, deployed(TEMPLATE))
    served.wait()
    listed = served.arm("GET", f"{RG}/providers/Microsoft.Resources/deployments").body["value"]
    assert [each["name"] for each in listed] == ["traffic"]
    names = [each["type"] for each in served.arm("GET", f"{RG}/resources").body["value"]]
    assert "Microsoft.Resources/deployments" not in names
    served.arm("DELETE", RG)
    served.wait()
    assert not [*served.cloud.store.scan("template_deployments")]
