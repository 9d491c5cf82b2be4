"""What a program would declare, found out without an engine; and what it is told of what stands."""

from __future__ import annotations

from typing import Any

from azmlflow.infra.rehearsal import Declared, rehearse
from tests.infra.conftest import PROJECT, STACK, SUBSCRIPTION, TENANT

ENDPOINT = {"name": "wine-endpoint", "deployments": [{"model": "wine"}]}


def rehearsed(latest: Any) -> dict[str, Declared]:
    config = {"azmlflow:location": "westeurope", "azmlflow:workspace": "mlw-shop", "azmlflow:endpoints": [ENDPOINT]}
    found = rehearse(config, project=PROJECT, stack=STACK, subscription=SUBSCRIPTION, tenant=TENANT, latest=latest)
    return {each.type.rpartition(":")[2]: each for each in found}


def test_a_deployment_is_of_the_version_that_is_told_and_the_model_is_asked_for_where_it_is() -> None:
    asked = []

    def latest(*place: str) -> str:
        asked.append(place)
        return "7"

    found = rehearsed(latest)
    model = found["OnlineDeployment"].inputs["properties"]["model"]
    assert model == f"{found['Workspace'].id}/models/wine/versions/7"
    group = found["ResourceGroup"].id.rpartition("/")[2]
    assert set(asked) == {(group, "mlw-shop", "wine")}


def test_of_a_model_without_versions_one_is_made_up_that_none_has() -> None:
    model = rehearsed(lambda *_: "")["OnlineDeployment"].inputs["properties"]["model"]
    assert model.endswith("/models/wine/versions/0")
