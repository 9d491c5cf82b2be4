"""What stands in a workspace and the settings describe: from documents as Azure answers them, written by hand."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from azmlflow.cli.adoption.members import described
from tests.cli.adoption.test_describe import GROUP, ID, LINKS, PRINCIPAL, USER, workspace


def compute(kind: str = "AmlCompute", identity: dict[str, Any] | None = None, **properties: Any) -> dict[str, Any]:
    inner = {
        "vmSize": "STANDARD_DS3_V2",
        "vmPriority": "LowPriority",
        "enableNodePublicIp": True,
        "scaleSettings": {"minNodeCount": 0, "maxNodeCount": 2, "nodeIdleTimeBeforeScaleDown": "PT2M"},
        **properties,
    }
    document: dict[str, Any] = {"id": f"{ID}/computes/cpu", "properties": {"computeType": kind, "properties": inner}}
    return {**document, "identity": identity} if identity else document


def one(*computes: dict[str, Any], stores: tuple[dict[str, Any], ...] = (), **properties: Any) -> dict[str, Any]:
    """The settings of the only thing there is, which is described."""
    (member,), left = described(workspace(**properties), computes, stores)
    assert left == ()
    return dict(member.says)


def why(*computes: dict[str, Any], stores: tuple[dict[str, Any], ...] = (), **properties: Any) -> str:
    """Why the only thing there is is not described."""
    found, (left,) = described(workspace(**properties), computes, stores)
    assert found == ()
    return left


def test_a_cluster() -> None:
    (member,), _ = described(workspace(), [compute()], ())
    assert (member.key, member.path, member.resource) == ("clusters", "computes/cpu", "cpu-cluster")
    assert member.says == {
        "name": "cpu",
        "vmSize": "STANDARD_DS3_V2",
        "minNodes": 0,
        "maxNodes": 2,
        "idleSeconds": 120,
        "priority": "LowPriority",
    }
    user = {"type": "UserAssigned", "userAssignedIdentities": {USER: {"principalId": PRINCIPAL}}}
    subnet = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/hub/subnets/s"
    found = one(compute(identity=user, subnet={"id": subnet}))
    assert (found["identities"], found["subnet"]) == ({USER: PRINCIPAL}, subnet)
    managed = {"isolationMode": "AllowInternetOutbound"}
    assert one(compute(enableNodePublicIp=False), managedNetwork=managed)["publicIp"] is False
    assert "by a private endpoint" in why(compute(enableNodePublicIp=False, subnet={"id": subnet}))
    closed: dict[str, Any] = {"publicNetworkAccess": "Disabled"}
    assert one(compute(enableNodePublicIp=False, subnet={"id": subnet}), **closed)["subnet"] == subnet
    assert "cpu has no subnet" in why(compute(enableNodePublicIp=False), **closed)
    assert one(compute(identity={"type": "SystemAssigned"}))["identity"] == "system"
    assert one(compute(remoteLoginPortPublicAccess="NotSpecified"))["name"] == "cpu"


def test_computes_that_no_settings_describe() -> None:
    assert why(compute("Kubernetes")) == ("cpu: an attached compute, of type Kubernetes: it is not taken over")
    assert "people sign in to its nodes" in why(compute(remoteLoginPortPublicAccess="Enabled"))
    unknown = {"type": "UserAssigned", "userAssignedIdentities": {USER: {}}}
    assert "does not tell who its identity is" in why(compute(identity=unknown))
    scale = {"minNodeCount": 0, "maxNodeCount": 0, "nodeIdleTimeBeforeScaleDown": "PT2M"}
    assert "maxNodes" in why(compute(scaleSettings=scale)), "more than the settings take"


@pytest.mark.parametrize(("text", "seconds"), [("PT1H30M", 5400), ("P1D", 86400), ("PT120S", 120), ("P1M", None)])
def test_times(text: str, seconds: int | None) -> None:
    scale = {"minNodeCount": 0, "maxNodeCount": 1, "nodeIdleTimeBeforeScaleDown": text}
    assert one(compute(scaleSettings=scale)).get("idleSeconds") == seconds


ZONE = "W. Europe Standard Time"
CRON = {"action": "Stop", "status": "Enabled", "triggerType": "Cron", "cron": {"expression": "0 19 * * 1-5"}}
WEEKLY = {
    "frequency": "Week",
    "interval": 2,
    "timeZone": ZONE,
    "startTime": "2026-01-01T00:00:00",
    "schedule": {"hours": [8], "minutes": [0], "weekDays": ["Monday"], "monthDays": None},
}
RECURRENCE = {"id": "s", "action": "Start", "status": "Enabled", "triggerType": "Recurrence", "recurrence": WEEKLY}
SCRIPT = base64.b64encode(b"pip install mlflow").decode()


def instance(local_auth: bool = False, **changed: Any) -> dict[str, Any]:
    inner = {
        "vmSize": "STANDARD_DS3_V2",
        "applicationSharingPolicy": "Personal",
        "enableNodePublicIp": True,
        "sshSettings": {"sshPublicAccess": "Disabled"},
        "idleTimeBeforeShutdown": "PT1H30M",
        **changed,
    }
    outer = {"computeType": "ComputeInstance", "disableLocalAuth": not local_auth, "properties": inner}
    return {"id": f"{ID}/computes/alice", "properties": outer}


def test_an_instance() -> None:
    assert one(instance()) == {"name": "alice", "vmSize": "STANDARD_DS3_V2", "idleMinutes": 90}
    owner = {"assignedUser": {"objectId": PRINCIPAL, "tenantId": PRINCIPAL}}
    found = one(
        instance(
            personalComputeInstanceSettings=owner,
            schedules={"computeStartStop": [CRON, RECURRENCE]},
            setupScripts={"scripts": {"creationScript": {"scriptSource": "inline", "scriptData": SCRIPT}}},
        )
    )
    assert (found["owner"], found["ownerTenant"], found["setupScript"]) == (PRINCIPAL, PRINCIPAL, "pip install mlflow")
    weekly = {"frequency": "Week", "interval": 2, "hours": [8], "minutes": [0], "weekDays": ["Monday"]}
    assert found["schedules"] == [
        {"action": "Stop", "cron": "0 19 * * 1-5"},
        {"action": "Start", "recurrence": weekly, "timeZone": ZONE},
    ]


@pytest.mark.parametrize(
    ("document", "word"),
    [
        (instance(sshSettings={"sshPublicAccess": "Enabled"}), "by SSH"),
        (instance(applicationSharingPolicy="Shared"), "applicationSharingPolicy"),
        (instance(local_auth=True), "disableLocalAuth"),
        (instance(customServices=[{"name": "rstudio"}]), "customServices"),
        (instance(idleTimeBeforeShutdown=None), "does not stop by itself"),
        (instance(idleTimeBeforeShutdown="PT90S"), "after whole minutes"),
        (instance(schedules={"computeStartStop": [{**CRON, "status": "Disabled"}]}), "switched off"),
        (instance(setupScripts={"scripts": {"startupScript": {"scriptData": SCRIPT}}}), "at each start"),
        (
            instance(setupScripts={"scripts": {"creationScript": {"scriptSource": "workspaceStorage"}}}),
            "lie elsewhere",
        ),
        (
            instance(setupScripts={"scripts": {"creationScript": {"scriptSource": "inline", "scriptData": "/w=="}}}),
            "is no text",
        ),
        (
            instance(
                schedules={
                    "computeStartStop": [{**RECURRENCE, "recurrence": {**WEEKLY, "schedule": {"monthDays": [1]}}}]
                }
            ),
            "days of the month",
        ),
    ],
)
def test_instances_that_no_settings_describe(document: dict[str, Any], word: str) -> None:
    assert why(document).startswith("alice: ")
    assert word in why(document)


def store(kind: str, credentials: str = "None", name: str = "raw", account: str = "stother", **more: Any) -> Any:
    properties = {
        "datastoreType": kind,
        "accountName": account,
        "resourceGroup": "rg-team",
        "subscriptionId": "00000000-0000-4000-8000-00000000000a",
        "credentials": {"credentialsType": credentials},
        **more,
    }
    return {"id": f"{ID}/datastores/{name}", "properties": properties}


def test_datastores() -> None:
    other = LINKS["storageAccount"].replace("stteam", "stother")
    blob = store("AzureBlob", containerName="raw-data", serviceDataAccessAuthIdentity="None")
    assert one(stores=(blob,)) == {
        "name": "raw",
        "type": "blob",
        "container": "raw-data",
        "identity": "caller",
        "account": other,
    }
    own = store("AzureFile", account="stteam", fileShareName="share")
    assert one(stores=(own,)) == {"name": "raw", "type": "file", "container": "share", "identity": "caller"}
    lake = store("AzureDataLakeGen2", filesystem="f-1", serviceDataAccessAuthIdentity="WorkspaceSystemAssignedIdentity")
    found = one(stores=(lake,))
    assert (found["type"], found["identity"], found["account"]) == ("dataLake", "workspace", other)


def test_azures_own_datastores_are_not_spoken_of() -> None:
    assert described(workspace(), (), [store("AzureBlob", name="workspaceblobstore")]) == ((), ())


@pytest.mark.parametrize(
    ("document", "word"),
    [
        (store("OneLake"), "datastore raw: of type OneLake"),
        (store("AzureBlob", "AccountKey", containerName="c-1"), "it holds a credential"),
        (store("AzureBlob", containerName="c-1", serviceDataAccessAuthIdentity="x"), "services open it as x"),
        (store("AzureBlob", containerName="c-1", resourceGroup=None), "does not say where its account is"),
        (store("AzureBlob", containerName="C_1"), "is no name of a container"),
    ],
)
def test_datastores_that_no_settings_describe(document: dict[str, Any], word: str) -> None:
    assert word in why(stores=(document,))


SQL = f"{GROUP}/providers/Microsoft.Sql/servers/sql"


def ruled(**rule: Any) -> dict[str, Any]:
    return {"managedNetwork": {"isolationMode": "AllowOnlyApprovedOutbound", "outboundRules": {"mine": rule}}}


def test_outbound_rules() -> None:
    assert one(**ruled(type="FQDN", category="UserDefined", destination="pypi.org")) == {
        "name": "mine",
        "fqdn": "pypi.org",
    }
    tag = {"serviceTag": "DataFactory", "protocol": "TCP", "portRanges": "80,443", "action": "Allow"}
    assert one(**ruled(type="ServiceTag", destination=tag)) == {
        "name": "mine",
        "serviceTag": "DataFactory",
        "protocol": "TCP",
        "ports": "80,443",
    }
    to = {"serviceResourceId": SQL, "subresourceTarget": "sqlServer", "sparkEnabled": False}
    (member,), _ = described(workspace(**ruled(type="PrivateEndpoint", destination=to)), (), ())
    assert member.says == {"name": "mine", "privateEndpoint": SQL, "target": "sqlServer"}
    assert (member.key, member.path, member.resource) == ("network.rules", "outboundRules/mine", "out-mine")
    assert described(workspace(**ruled(type="FQDN", category="Required", destination="a.com")), (), ()) == ((), ())


@pytest.mark.parametrize(
    ("rule", "word"),
    [
        ({"type": "PrivateEndpoint", "destination": {"sparkEnabled": True}}, "it is for Spark too"),
        ({"type": "ServiceTag", "destination": {"addressPrefixes": ["198.51.100.0/24"]}}, "it goes by addresses"),
        ({"type": "ServiceTag", "destination": {"serviceTag": "A", "action": "Deny"}}, "keeps from them"),
        ({"type": "Other", "destination": "x"}, "of type Other"),
        ({"type": "FQDN", "destination": "st.blob.core.windows.net"}, "is a storage account's"),
    ],
)
def test_outbound_rules_that_no_settings_describe(rule: dict[str, Any], word: str) -> None:
    assert why(**ruled(**rule)).startswith("outbound rule mine: ")
    assert word in why(**ruled(**rule))
