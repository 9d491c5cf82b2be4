from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

import azmlflow
from azmlflow.infra import provider
from azmlflow.infra.components.access import Access
from azmlflow.infra.components.arguments import given
from azmlflow.infra.components.parts.arguments import MlflowWorkspaceArgs
from azmlflow.infra.components.workspace import MlflowWorkspace
from azmlflow.infra.plan import identifiers, networks, private, serving
from azmlflow.infra.provider import Provider
from azmlflow.infra.settings.computes.clusters import ClusterSettings
from azmlflow.rbac.roles import PERSONAS, custom_role_guid


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    drawn = Provider().schema
    assert drawn is not None
    loaded: dict[str, Any] = json.loads(drawn)
    return loaded


def test_the_schema_says_whose_it_is(schema: dict[str, Any]) -> None:
    assert schema["name"] == "azmlflow"
    assert schema["version"] == azmlflow.__version__
    assert schema["license"] == "Apache-2.0"
    assert schema["description"].startswith("Azure Machine Learning workspaces for MLflow as code")


@pytest.mark.parametrize(
    ("holder", "name", "enum", "values"),
    [
        ("resources/MlflowWorkspace", "storageAuth", "StorageAuth", {"key", "identity"}),
        ("resources/ComputeCluster", "priority", "Priority", {"Dedicated", "LowPriority"}),
        ("resources/Access", "profile", "RoleProfile", {"least-privilege", "built-in"}),
        ("types/GrantArgs", "persona", "Persona", {each.name for each in PERSONAS}),
        ("types/GrantArgs", "scope", "GrantScope", {"workspace", "group"}),
    ],
)
def test_what_may_be_few_things_is_an_enum_and_its_words(
    schema: dict[str, Any], holder: str, name: str, enum: str, values: set[str]
) -> None:
    part, _, last = holder.partition("/")
    found = schema[part][f"azmlflow:index:{last}"]
    property_ = (found.get("inputProperties") or found["properties"])[name]
    assert property_["type"] == "string"
    assert {"$ref": f"#/types/azmlflow:index:{enum}"} in property_["oneOf"]
    members = schema["types"][f"azmlflow:index:{enum}"]["enum"]
    assert {each["value"] for each in members} == values
    assert all(each["name"].isidentifier() for each in members)


def test_every_component_is_served_under_its_own_type(schema: dict[str, Any]) -> None:
    assert set(schema["resources"]) == {
        identifiers.WORKSPACE,
        private.NETWORK,
        private.ENDPOINTS,
        networks.OUTBOUND,
        "azmlflow:index:Datastore",
        serving.COMPONENT,
        identifiers.CLUSTER,
        identifiers.INSTANCE,
        identifiers.GUARDRAILS,
        identifiers.ACCESS,
    }


def test_the_plugin_serves_just_these(monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[tuple[Any, list[str]]] = []
    monkeypatch.setattr(provider, "serve", lambda *given: served.append(given))
    monkeypatch.setattr("sys.argv", ["pulumi-resource-azmlflow", "127.0.0.1:1"])
    provider.main()
    ((made, words),) = served
    assert isinstance(made, Provider)
    assert words == ["127.0.0.1:1"]


def test_every_argument_and_output_says_what_it_is(schema: dict[str, Any]) -> None:
    for token, component in (*schema["resources"].items(), *schema["types"].items()):
        assert component["description"], token
        for part in ("inputProperties", "properties"):
            for name, field in component.get(part, {}).items():
                assert field.get("description"), f"{token} {name}"


def test_what_has_a_default_may_be_left_out(schema: dict[str, Any]) -> None:
    cluster = schema["resources"][identifiers.CLUSTER]
    optional = set(cluster["inputProperties"]) - set(cluster["requiredInputs"])
    others = {str(field.alias) for field in ClusterSettings.model_fields.values() if not field.is_required()}
    assert optional == {"tags", *others} > {"vmSize", "maxNodes", "subnet"}
    required = {name: set(schema["resources"][name]["requiredInputs"]) for name in schema["resources"]}
    assert required[identifiers.WORKSPACE] == {"location"}
    assert required[identifiers.ACCESS] == {"resourceGroup", "workspace", "grants"}


PLACE = {"subscription_id": "22222222-2222-4222-8222-222222222222", "resource_group": "rg", "workspace": "ws"}
GRANT = {"principal_id": "aaaaaaaa-0000-4000-8000-000000000001", "principal_type": "Group", "persona": "viewer"}


def test_a_component_takes_the_hosts_mappings(run: Callable[..., Any]) -> None:

    def program() -> None:
        names = ("resource_group", "workspace", "storage_account", "key_vault", "log_analytics", "application_insights")
        args: Any = {"tenant_id": "t", "location": "westeurope", **{name: name for name in names}}
        workspace = MlflowWorkspace("mlflow", args)
        further: Any = {**PLACE, "grants": [GRANT]}
        Access("access", further, pulumi.ResourceOptions(depends_on=[workspace]))

    deployment = run(program)
    assert deployment.one("machinelearningservices:Workspace").inputs["workspaceName"] == "workspace"
    given = deployment.one("RoleAssignment").inputs
    assert given["principalType"] == "Group"
    assert given["scope"].endswith("/workspaces/ws"), "as the settings have it where nothing is said"
    # A component as a dependency stands for all its children.
    assert deployment.one("machinelearningservices:Workspace").urn in deployment.one("RoleAssignment").depends_on


def test_a_workspace_within_another_component_and_without_tags(run: Callable[..., Any]) -> None:
    names = ("resource_group", "workspace", "storage_account", "key_vault", "log_analytics", "application_insights")

    def program() -> None:
        outer = pulumi.ComponentResource("a:b:Outer", "outer")
        args: Any = {"tenant_id": "t", "location": "westeurope", **{name: name for name in names}}
        MlflowWorkspace("mlflow", args, pulumi.ResourceOptions(parent=outer))

    deployment = run(program)
    group = deployment.one("ResourceGroup")
    assert group.urn.split("::")[2].startswith("a:b:Outer$azmlflow:index:MlflowWorkspace$")
    assert "tags" not in group.inputs


def test_a_mapping_with_an_unknown_argument_is_refused() -> None:
    with pytest.raises(TypeError, match="colour"):
        given(MlflowWorkspaceArgs, {"colour": "blue"})


def test_a_grant_of_the_host_says_where_it_is_and_what_others_gave(run: Callable[..., Any]) -> None:
    theirs = custom_role_guid("tracker", f"/subscriptions/{PLACE['subscription_id']}/resourceGroups/rg")
    adopted = {**GRANT, "persona": "tracker", "adopted": [theirs.upper()]}

    def program() -> None:
        args: Any = {**PLACE, "grants": [{**GRANT, "scope": "group"}, adopted]}
        Access("access", args)

    deployment = run(program)
    (given,) = deployment.of("RoleAssignment")
    assert given.inputs["scope"] == f"/subscriptions/{PLACE['subscription_id']}/resourceGroups/rg"
    assert {one.name: one.retained for one in deployment.of("RoleDefinition")} == {
        "role-viewer": False,
        "role-tracker": True,
    }


@pytest.mark.parametrize(
    ("grant", "name"),
    [({**GRANT, "colour": "blue"}, "colour"), ({"principal_id": GRANT["principal_id"]}, "principal_type")],
)
def test_a_grant_of_the_host_with_a_field_too_many_or_too_few_is_refused(
    run: Callable[..., Any], grant: dict[str, str], name: str
) -> None:
    def program() -> None:
        args: Any = {**PLACE, "grants": [grant]}
        with pytest.raises(TypeError, match=name):
            Access("access", args)

    assert run(program).of("RoleAssignment") == []
