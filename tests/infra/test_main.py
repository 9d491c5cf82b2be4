"""The whole program against a recording monitor: what it declares, and how."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from typing import Any

import pulumi
import pytest

from azmlflow.infra import __main__ as program
from azmlflow.infra.components.access import Access
from azmlflow.infra.components.compute import ComputeCluster
from azmlflow.infra.components.drawn import ComputeClusterArgs
from azmlflow.infra.components.parts.grants import AccessArgs
from azmlflow.infra.plan import identifiers, naming
from azmlflow.infra.settings.settings import Settings
from azmlflow.rbac import roles
from azmlflow.rbac.grants import Grant

TENANT = "11111111-1111-4111-8111-111111111111"
SUBSCRIPTION = "22222222-2222-4222-8222-222222222222"
ALICE, BOB = "aaaaaaaa-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000002"
GRANTS = [
    {"principalId": ALICE, "principalType": "User", "displayName": "Alice", "persona": "tracker"},
    {"principalId": BOB, "principalType": "Group", "displayName": "Bob's", "persona": "tracker"},
    {"principalId": BOB, "principalType": "Group", "displayName": "Bob's", "persona": "viewer"},
]
CLUSTERS = [{"name": "cpu", "vmSize": "Standard_D2_v2", "minNodes": 1, "maxNodes": 3, "idleSeconds": 90}]
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-mlflow-dev"
WORKSPACE = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/mlw-mlflow-dev"
UNTAGGABLE = ("RoleDefinition", "RoleAssignment")
Up = Callable[..., Any]


@pytest.fixture
def full(up: Up) -> Any:
    return up(clusters=CLUSTERS, grants=GRANTS, tags={"team": "blue"})


def arm(deployment: Any) -> list[Any]:
    return [one for one in deployment.declared if one.type.startswith("azure-native:")]


def test_storage_is_secure_by_default(up: Up) -> None:
    inputs = up().one("StorageAccount").inputs
    assert inputs["minimumTlsVersion"] == "TLS1_2"
    assert inputs["enableHttpsTrafficOnly"] is True
    assert inputs["allowBlobPublicAccess"] is False
    assert inputs["allowCrossTenantReplication"] is False
    assert (inputs["kind"], inputs["sku"]) == ("StorageV2", {"name": "Standard_LRS"})
    assert "isHnsEnabled" not in inputs


def test_the_firewall_of_the_storage_account_is_not_ours_to_open(up: Up) -> None:
    """What a refresh put into the state is sent at each update, instead of azure-native's default, open to all."""
    account = up().one("StorageAccount")
    assert account.ignored == ("networkRuleSet", "publicNetworkAccess")
    assert not {"networkRuleSet", "publicNetworkAccess"} & set(account.inputs)


def test_the_vault_is_secure_by_default(up: Up) -> None:
    properties = up().one("Vault").inputs["properties"]
    assert properties["enableRbacAuthorization"] is True
    assert properties["enableSoftDelete"] is True
    assert properties["tenantId"] == TENANT
    assert "enablePurgeProtection" not in properties  # Azure refuses false
    assert up(purgeProtection=True).one("Vault").inputs["properties"]["enablePurgeProtection"] is True


def test_insights_keep_their_data_in_our_own_logs(up: Up) -> None:
    deployment = up()
    insights = deployment.one("applicationinsights:Component")
    assert insights.inputs["workspaceResourceId"] == "/id/mlflow-logs"
    assert insights.inputs["ingestionMode"] == "LogAnalytics"
    assert set(insights.secret_outputs) == {"connectionString", "instrumentationKey"}


def test_the_workspace_is_bound_to_its_own_resources(up: Up) -> None:
    inputs = up(location="swedencentral").one("machinelearningservices:Workspace").inputs
    assert inputs["workspaceName"] == "mlw-mlflow-dev"
    assert inputs["location"] == "swedencentral"
    assert inputs["storageAccount"] == "/id/mlflow-storage"
    assert inputs["keyVault"] == "/id/mlflow-vault"
    assert inputs["applicationInsights"] == "/id/mlflow-insights"
    assert inputs["identity"] == {"type": "SystemAssigned"}
    assert inputs["v1LegacyMode"] is False
    assert inputs["systemDatastoresAuthMode"] == "AccessKey"


def test_what_every_resource_is_asked_to_be(up: Up) -> None:
    """Whole, so that nothing is lost unseen. Sources: each type's REST reference; Azure ML's Basic is its only tier."""
    deployment = up(location="swedencentral")
    place = {"resourceGroupName": "rg-mlflow-dev", "location": "swedencentral"}
    names = naming.generate("mlflow", "dev", "", SUBSCRIPTION)

    def inputs(type_: str) -> dict[str, Any]:
        return {name: value for name, value in deployment.one(type_).inputs.items() if name != "tags"}

    assert inputs("ResourceGroup") == place
    assert inputs("StorageAccount") == {
        **place,
        "accountName": names.storage_account,
        "kind": "StorageV2",
        "sku": {"name": "Standard_LRS"},
        "minimumTlsVersion": "TLS1_2",
        "enableHttpsTrafficOnly": True,
        "allowBlobPublicAccess": False,
        "allowCrossTenantReplication": False,
        "allowSharedKeyAccess": True,
    }
    vault = inputs("Vault")
    properties = {
        "tenantId": TENANT,
        "sku": {"family": "A", "name": "standard"},
        "enableRbacAuthorization": True,
        "enableSoftDelete": True,
        "softDeleteRetentionInDays": 90,
    }
    assert properties.items() <= vault.pop("properties").items()
    assert vault == {**place, "vaultName": names.key_vault}
    assert inputs("operationalinsights:Workspace") == {
        **place,
        "workspaceName": "log-mlflow-dev",
        "sku": {"name": "PerGB2018"},
        "retentionInDays": 30,
    }
    assert {
        **place,
        "resourceName": "appi-mlflow-dev",
        "kind": "web",
        "applicationType": "web",
        "ingestionMode": "LogAnalytics",
        "workspaceResourceId": "/id/mlflow-logs",
    }.items() <= inputs("applicationinsights:Component").items()
    assert inputs("machinelearningservices:Workspace") == {
        **place,
        "workspaceName": "mlw-mlflow-dev",
        "friendlyName": "mlw-mlflow-dev",
        "kind": "Default",
        "sku": {"name": "Basic", "tier": "Basic"},
        "identity": {"type": "SystemAssigned"},
        "storageAccount": "/id/mlflow-storage",
        "keyVault": "/id/mlflow-vault",
        "applicationInsights": "/id/mlflow-insights",
        "publicNetworkAccess": "Enabled",
        "systemDatastoresAuthMode": "AccessKey",
        "v1LegacyMode": False,
    }
    own = {
        name: deployment.outputs[name] for name in deployment.outputs if name not in ("clusters", "grants", "endpoints")
    }
    del own["subscriptionId"]
    (told,) = (outputs for urn, outputs in deployment.told.items() if "MlflowWorkspace" in urn)
    assert told == own


def test_a_cluster_has_no_passwords_and_its_own_size(up: Up, full: Any) -> None:
    inputs = full.one("machinelearningservices:Compute").inputs
    properties = inputs["properties"]
    assert inputs["location"] == "westeurope"
    assert (inputs["workspaceName"], inputs["resourceGroupName"]) == ("mlw-mlflow-dev", "rg-mlflow-dev")
    # Nodes stand where the workspace does.
    moved = up(clusters=CLUSTERS, location="swedencentral").one("machinelearningservices:Compute").inputs
    assert moved["location"] == "swedencentral"
    assert properties["properties"]["osType"] == "Linux"
    assert (inputs["computeName"], properties["computeType"]) == ("cpu", "AmlCompute")
    assert properties["disableLocalAuth"] is True
    assert properties["properties"]["remoteLoginPortPublicAccess"] == "Disabled"
    assert properties["properties"]["vmSize"] == "Standard_D2_v2"
    assert properties["properties"]["vmPriority"] == "Dedicated"
    assert properties["properties"]["scaleSettings"] == {
        "minNodeCount": 1,
        "maxNodeCount": 3,
        "nodeIdleTimeBeforeScaleDown": "PT90S",
    }


def test_a_cluster_without_its_group_is_refused(run: Callable[..., Any]) -> None:
    def program() -> None:
        ComputeCluster("cpu", ComputeClusterArgs("rg", "ws", "westeurope", "cpu", max_nodes=1))

    with pytest.raises(ValueError, match="deleted_with") as told:
        run(program)
    assert str(told.value) == (
        "ComputeCluster 'cpu' needs its resource group as the option deleted_with: "
        "Azure refuses the provider's own deletion of a compute"
    )


def test_components_tell_their_outputs_and_take_pulumis_options(run: Callable[..., Any]) -> None:
    """What holds a component is said in the URNs of all in it."""
    place = identifiers.Place(SUBSCRIPTION, "rg", "ws")
    grant = Grant(ALICE, "User", "Alice", "tracker")

    def program() -> None:
        outer = pulumi.ComponentResource("a:b:Outer", "outer")
        options = pulumi.ResourceOptions(parent=outer, deleted_with=outer)
        ComputeCluster("cpu", ComputeClusterArgs("rg", "ws", "westeurope", "cpu", max_nodes=1), options)
        Access("access", AccessArgs.of(place, [grant], "me"), pulumi.ResourceOptions(parent=outer))

    deployment = run(program)
    types = {one.name: one.urn.split("::")[2] for one in deployment.declared}
    assert types["cpu"] == "a:b:Outer$azmlflow:index:ComputeCluster"
    assert types["cpu-cluster"] == f"{types['cpu']}$azure-native:machinelearningservices:Compute"
    assert types["access"] == "a:b:Outer$azmlflow:index:Access"
    told = {urn.split("::")[-1]: outputs for urn, outputs in deployment.told.items()}
    assert told["cpu"] == {"clusterId": "/id/cpu-cluster", "clusterName": "cpu"}
    assert told["access"] == {"assignmentIds": [f"/id/grant-tracker-{ALICE}"]}
    # Without a word on it, a tracker is not a strict one.
    (permission,) = deployment.one("RoleDefinition").inputs["permissions"]
    assert "Microsoft.MachineLearningServices/workspaces/jobs/write" in permission["actions"]


def test_everything_taggable_says_whose_it_is(full: Any) -> None:
    for one in arm(full):
        if one.type.endswith(UNTAGGABLE):
            assert "azmlflow stack dev of project azmlflow" in one.inputs["description"]
        else:
            assert one.inputs["tags"] == {
                "team": "blue",
                "azmlflow-project": "azmlflow",
                "azmlflow-stack": "dev",
            }, one.type


def test_the_group_alone_says_since_when_whose_and_until_when_it_is(up: Up) -> None:
    life = {"createdOn": "2027-01-01T00:00:00Z", "owner": "ana@x.com", "expiresOn": "2027-01-31T12:00:00Z"}
    deployment = up(**life)
    tags = {one.type.split(":")[-1]: one.inputs["tags"] for one in arm(deployment)}
    assert tags.pop("ResourceGroup") == {
        "azmlflow-project": "azmlflow",
        "azmlflow-stack": "dev",
        "azmlflow-created-on": "2027-01-01T00:00:00Z",
        "azmlflow-owner": "ana@x.com",
        "expires-on": "2027-01-31T12:00:00Z",
    }
    assert {name for given in tags.values() for name in given} == {"azmlflow-project", "azmlflow-stack"}


def test_what_lives_in_the_group_is_deleted_with_it_and_nothing_else(full: Any) -> None:
    group = full.one("ResourceGroup")
    assert group.deleted_with == ""
    for one in arm(full):
        outside = one.type.endswith((*UNTAGGABLE, "ResourceGroup"))
        assert one.deleted_with == ("" if outside else group.urn), one.type


def test_no_grants_no_roles(up: Up) -> None:
    deployment = up()
    assert deployment.of("RoleDefinition") == []
    assert deployment.of("RoleAssignment") == []
    assert len(deployment.of("index:Access")) == 1
    assert deployment.outputs["grants"] == []


def test_one_role_for_each_persona_in_use(full: Any) -> None:
    definitions = {one.name: one.inputs for one in full.of("RoleDefinition")}
    assert set(definitions) == {"role-tracker", "role-viewer"}
    tracker = definitions["role-tracker"]
    assert tracker["scope"] == GROUP
    assert tracker["assignableScopes"] == [GROUP]
    assert tracker["roleName"] == roles.custom_role_name("tracker", GROUP)
    assert tracker["roleName"].startswith("azmlflow tracker (rg-mlflow-dev-")
    assert tracker["roleDefinitionId"] == str(roles.custom_role_guid("tracker", GROUP))
    assert tracker["roleType"] == "CustomRole"
    (permission,) = tracker["permissions"]
    assert sorted(permission["actions"]) == sorted(roles.persona("tracker").actions)
    assert not any("*" in action for action in permission["actions"])
    assert permission["dataActions"] == permission["notActions"] == permission["notDataActions"] == []


def test_one_assignment_for_each_grant_under_a_name_that_stays(up: Up, full: Any) -> None:
    assignments = full.of("RoleAssignment")
    assert [(one.inputs["principalId"], one.inputs["principalType"]) for one in assignments] == [
        (grant["principalId"], grant["principalType"]) for grant in GRANTS
    ]
    assert {one.inputs["scope"] for one in assignments} == {WORKSPACE}
    names = [one.inputs["roleAssignmentName"] for one in assignments]
    assert len(set(names)) == len(GRANTS)
    again = up(grants=list(reversed(GRANTS))).of("RoleAssignment")
    assert sorted(one.inputs["roleAssignmentName"] for one in again) == sorted(names)


def test_a_strict_tracker_is_the_same_role_with_less(up: Up, full: Any) -> None:
    strict = {one.name: one.inputs for one in up(grants=GRANTS, strictTracker=True).of("RoleDefinition")}
    loose = {one.name: one.inputs for one in full.of("RoleDefinition")}
    assert strict["role-viewer"] == loose["role-viewer"]
    before, after = loose["role-tracker"], strict["role-tracker"]
    assert before["roleDefinitionId"] == after["roleDefinitionId"]
    gone = {*before["permissions"][0]["actions"]} - {*after["permissions"][0]["actions"]}
    assert gone == {"Microsoft.MachineLearningServices/workspaces/jobs/write"}


def test_a_grant_at_the_group_and_one_that_has_ended(up: Up) -> None:
    at_group, ended = {**GRANTS[0], "scope": "group"}, {**GRANTS[2], "until": "2020-01-31"}
    deployment = up(grants=[GRANTS[0], at_group, ended])
    found = {one.name: one.inputs for one in deployment.of("RoleAssignment")}
    assert {name: inputs["scope"] for name, inputs in found.items()} == {
        f"grant-tracker-{ALICE}": WORKSPACE,
        f"grant-tracker-{ALICE}-group": GROUP,
    }
    assert len({inputs["roleAssignmentName"] for inputs in found.values()}) == 2
    assert [one.name for one in deployment.of("RoleDefinition")] == ["role-tracker"]
    assert [(one["persona"], one["scope"]) for one in deployment.outputs["grants"]] == [
        ("tracker", "workspace"),
        ("tracker", "group"),
    ]


def test_a_grant_ends_by_utc_wherever_the_program_runs(up: Up, monkeypatch: pytest.MonkeyPatch) -> None:
    class Evening(datetime):
        """Late on the last day of January by UTC; elsewhere it is February."""

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Evening:
            return cls(2027, 1, 31, 23) if tz is UTC else cls(2027, 2, 1, 8)

    monkeypatch.setattr(program, "datetime", Evening)
    ends = [{**GRANTS[0], "until": "2027-01-31"}, {**GRANTS[2], "until": "2027-01-30"}]
    assert [one.name for one in up(grants=ends).of("RoleAssignment")] == [f"grant-tracker-{ALICE}"]


def test_identity_based_storage_gives_each_principal_its_storage_roles_once(up: Up) -> None:
    registrar = {**GRANTS[0], "persona": "registrar"}
    deployment = up(grants=[GRANTS[0], registrar, GRANTS[2]], storageAuth="identity")
    assert deployment.one("machinelearningservices:Workspace").inputs["systemDatastoresAuthMode"] == "Identity"
    account = naming.generate("mlflow", "dev", "", SUBSCRIPTION).storage_account
    at = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/{account}"
    found = [one.inputs for one in deployment.of("RoleAssignment") if one.inputs["scope"] == at]
    roles_of = {
        (one["principalId"], one["roleDefinitionId"].rpartition("/")[2]): one["roleAssignmentName"] for one in found
    }
    wanted = {
        (ALICE, "Storage Blob Data Contributor"),
        (ALICE, "Storage File Data Privileged Contributor"),
        (BOB, "Storage Blob Data Reader"),
        (BOB, "Storage File Data Privileged Reader"),
    }
    assert set(roles_of) == {(who, roles.built_in_role(name).id) for who, name in wanted}
    assert len(found) == 4


def test_the_built_in_profile_declares_no_role_and_no_assignment_twice(up: Up) -> None:
    registrar = {**GRANTS[0], "persona": "registrar"}
    deployment = up(grants=[GRANTS[0], registrar, GRANTS[2]], roleProfile="built-in")
    assert deployment.of("RoleDefinition") == []
    given = [(one.inputs["principalId"], one.inputs["roleDefinitionId"]) for one in deployment.of("RoleAssignment")]
    scientist, reader = roles.built_in_role("AzureML Data Scientist"), roles.built_in_role("Reader")
    assert given == [(ALICE, scientist.definition_id(SUBSCRIPTION)), (BOB, reader.definition_id(SUBSCRIPTION))]


def test_what_somebody_else_assigned_is_not_declared_and_its_role_outlives_us(up: Up) -> None:
    guid = roles.custom_role_guid("viewer", GROUP)
    adopted = {**GRANTS[2], "adopted": {guid.upper(): f"{WORKSPACE}/providers/x/roleAssignments/theirs"}}
    deployment = up(grants=[GRANTS[0], adopted])
    assert [one.name for one in deployment.of("RoleAssignment")] == [f"grant-tracker-{ALICE}"]
    assert {one.name: one.retained for one in deployment.of("RoleDefinition")} == {
        "role-tracker": False,
        "role-viewer": True,
    }
    assert deployment.outputs["grants"][1]["adopted"] == [f"{WORKSPACE}/providers/x/roleAssignments/theirs"]


def test_an_assignment_goes_before_its_role_and_both_before_the_workspace(full: Any) -> None:
    workspace = full.one("machinelearningservices:Workspace")
    definitions = {one.inputs["roleDefinitionId"]: one for one in full.of("RoleDefinition")}
    for definition in definitions.values():
        assert workspace.urn in definition.depends_on
    for assignment in full.of("RoleAssignment"):
        guid = assignment.inputs["roleDefinitionId"].rpartition("/")[2]
        assert assignment.inputs["roleDefinitionId"].startswith(f"/subscriptions/{SUBSCRIPTION}/providers/")
        assert {definitions[guid].urn, workspace.urn} <= assignment.depends_on


def test_what_is_planned_is_what_is_declared(full: Any) -> None:
    settings = Settings.from_mapping({"azmlflow:clusters": CLUSTERS, "azmlflow:grants": GRANTS})
    plan = identifiers.planned(
        settings.names("dev", SUBSCRIPTION),
        SUBSCRIPTION,
        [cluster.name for cluster in settings.clusters],
        settings.grants,
    )
    declared = {one.urn: one for one in arm(full)}
    assert {one.urn("dev", "azmlflow") for one in plan} == set(declared)
    for one in plan:
        found = declared[one.urn("dev", "azmlflow")]
        assert found.parent == one.parent_urn("dev", "azmlflow")
        last = one.id.rpartition("/")[2]
        assert last in found.inputs.values(), one.id
        assert one.id.startswith(found.inputs.get("scope", GROUP))


def test_outputs(full: Any) -> None:
    told = full.outputs
    assert told["subscriptionId"] == SUBSCRIPTION
    assert told["resourceGroup"] == "rg-mlflow-dev"
    assert told["workspaceName"] == "mlw-mlflow-dev"
    assert told["workspaceId"] == "/id/mlflow-workspace"
    assert told["trackingUri"] == "azureml://westeurope.api.azureml.ms/x"
    assert told["studioUrl"] == f"https://ml.azure.com/?wsid=/id/mlflow-workspace&tid={TENANT}"
    assert told["storageAccount"] == naming.generate("mlflow", "dev", "", SUBSCRIPTION).storage_account
    assert told["clusters"] == [
        {**CLUSTERS[0], "priority": "Dedicated", "identity": "none", "identities": {}, "publicIp": True}
    ]
    assert [grant["persona"] for grant in told["grants"]] == ["tracker", "tracker", "viewer"]
    assert all(grant["assignmentId"].startswith(f"{WORKSPACE}/providers/") for grant in told["grants"])
    assert told["endpoints"] == []
    assert len(told) == 10
    assert "connectionString" not in json.dumps(told)


def test_a_role_that_a_compute_shares_is_one_resource_whoever_calls_for_it(up: Up) -> None:
    """Else the engine would make it under the one name, which is the same in Azure, and then delete it by the other."""
    robot = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/robot"
    stack = {"clusters": [{"name": "cpu", "identities": {robot: BOB}}], "storageAuth": "identity"}
    robots = {"principalId": BOB, "principalType": "ServicePrincipal", "persona": "tracker"}
    alone = {one.name: one for one in up(**stack).of("RoleAssignment")}
    granted = {one.name: one for one in up(**stack, grants=[robots]).of("RoleAssignment")}
    needed = f"storage-blob-data-contributor-{BOB}"
    assert f"identity-{needed}" not in granted
    assert f"grant-{needed}" not in alone
    assert [each.rpartition("::")[2] for each in alone[f"identity-{needed}"].aliases] == [f"grant-{needed}"]
    assert [each.rpartition("::")[2] for each in granted[f"grant-{needed}"].aliases] == [f"identity-{needed}"]
    one, other = alone[f"identity-{needed}"].inputs, granted[f"grant-{needed}"].inputs
    assert {key: value for key, value in one.items() if key != "description"} == {
        key: value for key, value in other.items() if key != "description"
    }
    assert granted[f"grant-tracker-{BOB}"].aliases == ()


def test_what_is_planned_for_computes_identities_is_what_is_declared(up: Up) -> None:
    robot = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/robot"
    subnet = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet/subnets/computes"
    cpu = {"name": "cpu", "identities": {robot: BOB}, "subnet": subnet}
    grants = [{**GRANTS[1], "persona": "viewer"}]
    alice = {"name": "alice", "identities": {robot: BOB}, "owner": ALICE}
    given = {"clusters": [cpu], "instances": [alice], "registry": "own", "storageAuth": "identity", "grants": grants}
    deployment = up(**given)
    settings = Settings.from_mapping({f"azmlflow:{key}": value for key, value in given.items()})
    names = settings.names("dev", SUBSCRIPTION)
    plan = identifiers.planned(
        names,
        SUBSCRIPTION,
        ["cpu"],
        settings.grants,
        place=settings.place(names, SUBSCRIPTION),
        guardrails=settings.guardrails(),
        identities=settings.identities(),
        instances=["alice"],
    )
    assert {one.urn("dev", "azmlflow") for one in plan} == {one.urn for one in arm(deployment)}
    compute, person = (one.inputs for one in deployment.of("machinelearningservices:Compute"))
    owner = person["properties"]["properties"]["personalComputeInstanceSettings"]["assignedUser"]
    assert owner == {"objectId": ALICE, "tenantId": TENANT}
    assert person["identity"] == compute["identity"]
    assert compute["identity"] == {"type": "UserAssigned", "userAssignedIdentities": [robot]}
    assert compute["properties"]["properties"]["subnet"] == {"id": subnet}
    assert compute["properties"]["properties"]["enableNodePublicIp"] is True
    roles = [one for one in deployment.of("RoleAssignment") if one.name.startswith("identity-")]
    assert {one.inputs["principalId"] for one in roles} == {BOB}
    assert {one.inputs["scope"].rpartition("/")[2] for one in roles} == {
        names.storage_account,
        names.container_registry,
        names.workspace,
    }
    assert up(clusters=[{"name": "cpu"}]).one("machinelearningservices:Compute").inputs.get("identity") is None


def test_faulty_settings_are_one_readable_error(up: Up) -> None:
    with pytest.raises(pulumi.RunError) as caught:
        up(prefx="x", clusters=[{"name": "gpu-1"}])
    assert "azmlflow:prefx" in str(caught.value)
    assert "azmlflow:clusters[0].name" in str(caught.value)
    assert caught.value.__cause__ is None


def test_what_bears_names_of_its_own_bears_a_record_of_itself_and_what_bears_generated_ones_none(up: Up) -> None:
    from azmlflow.infra.plan import tags
    from azmlflow.infra.plan.naming import generate

    def storage(deployment: Any) -> tuple[str, dict[str, str]]:
        found = next(one for one in arm(deployment) if one.type.endswith(":StorageAccount"))
        return found.inputs["accountName"], found.inputs["tags"]

    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups"
    kind = "providers/Microsoft.Storage/storageAccounts"
    name, marked = storage(up(resourceGroup="own"))
    assert tags.recorded(marked, f"{group}/own/{kind}/{name}")
    assert not tags.recorded(marked, f"{group}/own/{kind}/other")
    name, marked = storage(up())
    assert name == generate("mlflow", "dev", "", SUBSCRIPTION).storage_account
    assert tags.MADE_TAG not in marked
