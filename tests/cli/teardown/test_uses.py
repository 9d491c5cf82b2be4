"""What others use of a group: workspaces linked to its parts, datastores on its account, Application Insights on its
logs; and the rights that a removal takes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from azmlflow.cli.azure.errors import ArmError
from azmlflow.cli.teardown import Limits, plan_group
from azmlflow.cli.teardown.ownership import Resource
from azmlflow.cli.teardown.uses import Sight, find_uses
from tests.cli.desk import SUBSCRIPTION, FakeArm
from tests.cli.teardown.test_looks import GROUP, KNOWN, OURS, STORAGE, TAGS, WORKSPACE, ours

OTHER = "00000000-0000-4000-8000-00000000000b"
LOGS = f"{GROUP}/providers/Microsoft.OperationalInsights/workspaces/log"
NEAR = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/near/providers"
FAR = f"/subscriptions/{OTHER}/resourceGroups/far/providers"
ML, INSIGHTS = "Microsoft.MachineLearningServices/workspaces", "Microsoft.Insights/components"


class Tenant(FakeArm):
    """Two subscriptions; lists of a type in one of them."""

    hidden: str = ""

    def list(self, path: str) -> Iterable[dict[str, Any]]:
        if self.hidden and path.endswith(self.hidden):
            raise ArmError(403, "AuthorizationFailed", "no", path)
        if path == "/subscriptions":
            return [{"id": f"/subscriptions/{each}", "subscriptionId": each} for each in (SUBSCRIPTION, OTHER)]
        parts = path.split("/")
        if len(parts) == 6 and parts[3] == "providers":
            type_ = f"/providers/{parts[4]}/{parts[5]}/".lower()
            found = [(key, doc) for key, doc in self.documents.items() if key.startswith(f"/subscriptions/{parts[2]}/")]
            return [doc for key, doc in found if type_ in key and "/" not in key.partition(type_)[2]]
        return super().list(path)


def found(arm: Tenant, *there: str) -> tuple[list[tuple[str, str, str]], list[str]]:
    sight = Sight()
    resources = [Resource.of({"id": id_, "type": "/".join(id_.split("/")[6:8])}) for id_ in there]
    uses = find_uses(arm.open(), GROUP, resources, sight)
    return [(each.user, each.resource, each.what) for each in uses], sight.unseen


def test_a_workspace_elsewhere_that_is_linked_to_what_goes() -> None:
    arm = Tenant()
    arm.put(f"{NEAR}/{ML}/ws2", properties={"storageAccount": STORAGE.upper(), "keyVault": f"{NEAR}/x"})
    arm.put(f"{FAR}/{ML}/ws3", properties={"storageAccount": STORAGE})
    arm.put(WORKSPACE, properties={"storageAccount": STORAGE})
    assert found(arm, STORAGE)[0] == [
        (f"{NEAR}/{ML}/ws2", STORAGE, "workspace `ws2` in another group"),
        (f"{FAR}/{ML}/ws3", STORAGE, "workspace `ws3` in another group"),
    ]
    assert found(arm, WORKSPACE)[0] == []
    assert found(arm) == ([], [])


def test_a_datastore_elsewhere_on_the_account() -> None:
    arm = Tenant()
    arm.put(f"{NEAR}/{ML}/ws2", properties={})
    arm.put(f"{NEAR}/{ML}/ws2/datastores/shared", properties={"accountName": "ST"})
    arm.put(f"{NEAR}/{ML}/ws2/datastores/own", properties={"accountName": "stother"})
    what = "datastore `shared` of workspace `ws2` in another group"
    assert found(arm, STORAGE)[0] == [(f"{NEAR}/{ML}/ws2", STORAGE, what)]
    assert found(arm, LOGS)[0] == []


def test_application_insights_elsewhere_on_the_logs() -> None:
    arm = Tenant()
    arm.put(f"{FAR}/{INSIGHTS}/appi", properties={"WorkspaceResourceId": LOGS.upper()})
    arm.put(f"{NEAR}/{INSIGHTS}/old", properties={})
    arm.put(f"{NEAR}/{INSIGHTS}/bare")
    arm.put(f"{GROUP}/providers/{INSIGHTS}/own", properties={"WorkspaceResourceId": LOGS})
    what = "Application Insights `appi` in another group"
    assert found(arm, LOGS)[0] == [(f"{FAR}/{INSIGHTS}/appi", LOGS, what)]
    assert found(arm, STORAGE)[0] == []


def test_data_elsewhere_that_a_key_in_our_vault_encrypts() -> None:
    arm = Tenant()
    vault = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv"
    account = "Microsoft.Storage/storageAccounts"
    arm.put(f"{NEAR}/{ML}/ws2", properties={"encryption": {"keyVaultProperties": {"keyVaultArmId": vault.upper()}}})
    for id_, name in ((f"{FAR}/{account}/stfar", "KV"), (f"{FAR}/{account}/stother", "kv2"), (STORAGE, "kv")):
        encryption = {"keyvaultproperties": {"keyvaulturi": f"https://{name}.vault.azure.net"}}
        arm.put(id_, properties={"encryption": encryption})
    arm.put(f"{NEAR}/{account}/plain", properties={"encryption": {}})
    assert found(arm, vault, STORAGE)[0] == [
        (f"{NEAR}/{ML}/ws2", vault, "workspace `ws2` in another group"),
        (f"{FAR}/{account}/stfar", vault, "the encryption of storage account `stfar` in another group"),
    ]


def test_a_compute_or_an_endpoint_elsewhere_that_acts_as_our_identity() -> None:
    arm = Tenant()
    identity = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-one"
    ours_in = {"identity": {"type": "UserAssigned", "userAssignedIdentities": {identity.upper(): {}}}}
    arm.put(f"{NEAR}/{ML}/ws2", properties={})
    arm.put(f"{NEAR}/{ML}/ws2/computes/cpu", **ours_in)
    arm.put(f"{NEAR}/{ML}/ws2/computes/plain")
    arm.put(f"{NEAR}/{ML}/ws2/onlineEndpoints/risk", **ours_in)
    assert found(arm, identity)[0] == [
        (f"{NEAR}/{ML}/ws2/computes/cpu", identity, "compute `cpu` of workspace `ws2` in another group"),
        (
            f"{NEAR}/{ML}/ws2/onlineEndpoints/risk",
            identity,
            "online endpoint `risk` of workspace `ws2` in another group",
        ),
    ]
    assert found(arm, STORAGE)[0] == []
    arm.hidden = "/computes"
    assert found(arm, identity)[1] == ["computes of workspace ws2"]


def test_a_private_endpoint_elsewhere_that_leads_to_what_goes() -> None:
    arm = Tenant()
    ends = "Microsoft.Network/privateEndpoints"
    azures = "/subscriptions/azures-own/resourceGroups/vnet/providers"
    near, far, own, turned = f"{NEAR}/{ends}/a", f"{FAR}/{ends}/b", f"{GROUP}/providers/{ends}/own", f"{NEAR}/{ends}/no"
    connections: list[dict[str, Any]] = [
        {"properties": {"privateEndpoint": {"id": id_}}} for id_ in (near, own, far, f"{azures}/{ends}/managed")
    ]
    state = {"status": "Rejected"}
    connections += [
        {"properties": {"privateEndpoint": {"id": turned}, "privateLinkServiceConnectionState": state}},
        {"properties": {}},
    ]
    arm.put(STORAGE, properties={"privateEndpointConnections": connections})
    uses, unseen = found(arm, STORAGE)
    assert uses == [
        (near, STORAGE, "private endpoint `a` in another group"),
        (far, STORAGE, "private endpoint `b` in another group"),
    ]
    assert unseen == ["private endpoint managed, which leads to st, of subscription azures-own"]


def test_what_may_not_be_seen_is_told_once() -> None:
    arm = Tenant()
    arm.hidden = f"/{INSIGHTS}"
    assert found(arm, LOGS, STORAGE) == (
        [],
        [f"Application Insights in subscription {SUBSCRIPTION}", f"Application Insights in subscription {OTHER}"],
    )
    arm.hidden = "/subscriptions"
    assert found(arm, LOGS)[1] == ["subscriptions other than its own"]


# Microsoft, "Azure Resource Manager resource group and resource deletion": what is in a group takes no right of its
# own.
WHOLE = "Microsoft.Resources/subscriptions/resourceGroups/delete"
ENDPOINTS = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/delete"
PURGE, LOCKS = "Microsoft.MachineLearningServices/workspaces/delete", "Microsoft.Authorization/locks/delete"


@pytest.mark.parametrize(
    ("given", "lacks"),
    [
        (False, [WHOLE, LOCKS, PURGE, ENDPOINTS]),
        (True, [PURGE, "Microsoft.Storage/storageAccounts/delete", LOCKS, ENDPOINTS]),
    ],
)
def test_the_rights_that_a_removal_takes(given: bool, lacks: list[str]) -> None:
    arm = ours(Tenant(), tags={} if given else TAGS)
    arm.put(f"{GROUP}/providers/Microsoft.Authorization/permissions/1", actions=["*/read"], notActions=[])
    limits = Limits(holder=OURS, known=KNOWN, stop_endpoints=True, given=given, home=WORKSPACE if given else "")
    (refused,) = plan_group(arm.open(), GROUP, limits).refusals
    head, _, told = refused.why.partition("you lack ")
    assert head == "you may not do all that it takes: "
    assert sorted(told.split(", ")) == sorted(lacks)


def test_a_running_job_and_logs_take_rights_too() -> None:
    arm = ours(Tenant(), locked=False)
    arm.put(LOGS, type="Microsoft.OperationalInsights/workspaces", tags=TAGS)
    arm.put(f"{WORKSPACE}/jobs/run", properties={"status": "Running"})
    allowed = [WHOLE, PURGE, ENDPOINTS, "*/read"]
    arm.put(f"{GROUP}/providers/Microsoft.Authorization/permissions/1", actions=allowed, notActions=[])
    known = KNOWN | {LOGS.lower()}
    limits = Limits(holder=OURS, known=known, stop_endpoints=True, cancel_jobs=True)
    (refused,) = plan_group(arm.open(), GROUP, limits).refusals
    assert sorted(refused.why.partition("you lack ")[2].split(", ")) == [
        "Microsoft.MachineLearningServices/workspaces/jobs/cancel/action",
        "Microsoft.OperationalInsights/workspaces/delete",
    ]
