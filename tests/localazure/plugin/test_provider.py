"""The provider's verbs against a little ARM: what azure-native does, and the engine relies on."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from pulumi.provider.experimental import provider as base

from azmlflow.localazure.plugin.client.calls import ArmError
from azmlflow.localazure.plugin.client.client import Arm
from azmlflow.localazure.plugin.provider import (
    AzureProvider,
    DiffRequest,
    Misconfigured,
    UpdateRequest,
)
from azmlflow.localazure.plugin.schema.types import NotServed
from azmlflow.localazure.plugin.schema.unknown import UNKNOWN
from azmlflow.localazure.plugin.schema.values import plain_map, wrap_map
from azmlflow.localazure.plugin.writes import AlreadyExists, InitFailed

GROUP, VAULT = "azure-native:resources:ResourceGroup", "azure-native:keyvault:Vault"
ACCOUNT, ASSIGNMENT = "azure-native:storage:StorageAccount", "azure-native:authorization:RoleAssignment"
SUBSCRIPTION = "00000000-0000-0000-0000-00000000000a"
GROUP_ID = f"/subscriptions/{SUBSCRIPTION}/resourcegroups/g"
VAULT_ID = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v"
VAULT_INPUTS = {"resourceGroupName": "g", "vaultName": "v", "location": "x", "properties": {"tenantId": "t"}}
POLICY = {"tenantId": "t", "objectId": "o", "permissions": {"secrets": ["get"]}}


def _urn(token: str, name: str = "thing") -> str:
    return f"urn:pulumi:dev::project::{token}::{name}"


Warned = list[tuple[str, str]]


@pytest.fixture
def warned() -> Warned:
    """What the engine was warned of: URNs and texts."""
    return []


@pytest.fixture
def provider(arm: Arm, warned: Warned) -> AzureProvider:
    """A provider signed in to the little ARM."""
    return AzureProvider(lambda: arm, lambda: None, SUBSCRIPTION, lambda urn, text: warned.append((urn, text)))


def _create(provider: AzureProvider, token: str, inputs: dict[str, Any], preview: bool = False) -> base.CreateResponse:
    return asyncio.run(provider.create(base.CreateRequest(_urn(token), wrap_map(inputs), 0, preview)))


def _update(
    provider: AzureProvider,
    token: str,
    old: dict[str, Any],
    new: dict[str, Any],
    state: dict[str, Any] | None = None,
    *,
    preview: bool = False,
) -> dict[str, Any]:
    request = UpdateRequest(_urn(token), "/id", wrap_map(state or {}), wrap_map(new), 0, [], preview)
    request.old_inputs = wrap_map(old)
    return plain_map(asyncio.run(provider.update(request)).properties)


def _check(
    provider: AzureProvider, token: str, new: dict[str, Any], old: dict[str, Any] | None = None
) -> tuple[dict[str, Any], list[str]]:
    request = base.CheckRequest(_urn(token), wrap_map(old or {}), wrap_map(new), b"seed")
    answer = asyncio.run(provider.check(request))
    return plain_map(answer.inputs or {}), [fault.reason for fault in answer.failures or []]


def _diff(
    provider: AzureProvider,
    token: str,
    old: dict[str, Any],
    new: dict[str, Any],
    state: dict[str, Any] | None = None,
) -> base.DiffResponse:
    request = DiffRequest(_urn(token), "/id", wrap_map(state or {}), wrap_map(new), [])
    request.old_inputs = wrap_map(old)
    return asyncio.run(provider.diff(request))


def _read(
    provider: AzureProvider, token: str, identifier: str, state: dict[str, Any], inputs: dict[str, Any]
) -> base.ReadResponse:
    return asyncio.run(provider.read(base.ReadRequest(_urn(token), identifier, wrap_map(state), wrap_map(inputs))))


# check


def test_check_fills_in_name_location_and_version(provider: AzureProvider, azure: Any) -> None:
    azure.documents[GROUP_ID] = {"id": GROUP_ID, "location": "northeurope"}
    inputs, faults = _check(provider, VAULT, {"resourceGroupName": "g", "properties": {"tenantId": "t"}})
    assert faults == ["missing required property 'properties.sku'"]
    assert inputs["vaultName"].startswith("thing") and inputs["__createBeforeDelete"] is True
    assert (inputs["location"], inputs["azureApiVersion"]) == ("northeurope", "2024-11-01")


def test_the_old_location_and_then_the_stacks_setting_come_before_the_groups(
    provider: AzureProvider, azure: Any
) -> None:
    async def configured() -> base.CheckResponse:
        await provider.configure(
            base.ConfigureRequest(
                {"azure-native:config:location": "uksouth"}, {}, accept_secrets=True, accept_resources=True
            )
        )
        return await provider.check(base.CheckRequest(_urn(GROUP), {}, wrap_map({}), b"s"))

    assert plain_map(asyncio.run(configured()).inputs or {})["location"] == "uksouth"
    assert (
        _check(provider, VAULT, {"resourceGroupName": "g"}, {"location": "old", "vaultName": "v"})[0]["location"]
        == "old"
    )
    assert azure.sent == []


def test_the_location_is_unknown_while_the_group_is(provider: AzureProvider, azure: Any) -> None:
    inputs, _ = _check(provider, VAULT, {"resourceGroupName": UNKNOWN, "properties": {"tenantId": "t"}})
    assert inputs["location"] is UNKNOWN
    assert azure.sent == []


def test_what_has_no_region_gets_none_and_what_cannot_be_told_is_not_said(provider: AzureProvider, azure: Any) -> None:
    for group in (GROUP_ID, GROUP_ID[:-1] + "h"):
        azure.documents[group] = {"id": group, **({"location": "x"} if group == GROUP_ID else {})}
    role = {"scope": GROUP_ID, "principalId": "p", "roleDefinitionId": "r", "resourceGroupName": "g"}
    assert "location" not in _check(provider, ASSIGNMENT, role)[0]
    assert azure.sent == []
    told: dict[Any, Any] = {"g": "x", "h": None, "gone": None, None: None}
    for name, location in (*told.items(), *told.items()):
        asked = {"resourceGroupName": name, "properties": {"tenantId": "t"}}
        assert _check(provider, VAULT, asked)[0].get("location") == location, name
    assert sum(each.path.lower() == GROUP_ID.lower() for each in azure.sent) == 1, "a group stays where it is"


def test_a_resource_inside_components_is_its_own_type_and_name(provider: AzureProvider) -> None:
    urn = f"urn:pulumi:dev::project::azmlflow:index:MlflowWorkspace$azmlflow:index:Inner${GROUP}::odd::name"
    answer = asyncio.run(provider.check(base.CheckRequest(urn, {}, wrap_map({"location": "x"}), b"seed")))
    assert plain_map(answer.inputs or {})["resourceGroupName"].startswith("odd::name")


def test_check_names_what_is_missing(provider: AzureProvider) -> None:
    _, faults = _check(provider, ASSIGNMENT, {"scope": "/subscriptions/s", "principalId": UNKNOWN})
    assert faults == ["missing required property 'roleDefinitionId'"]


def test_a_type_that_is_not_served_is_refused(provider: AzureProvider) -> None:
    with pytest.raises(NotServed, match="compute:VirtualMachine"):
        _check(provider, "azure-native:compute:VirtualMachine", {})


def test_what_a_type_does_not_have_is_not_refused_and_not_sent(provider: AzureProvider, azure: Any) -> None:
    inputs, faults = _check(provider, GROUP, {"resourceGroupName": "g", "location": "x", "colour": "blue"})
    assert (faults, inputs["colour"]) == ([], "blue")
    _create(provider, GROUP, inputs)
    assert azure.sent[1].body == {"location": "x"}


# diff


def test_no_difference(provider: AzureProvider) -> None:
    answer = _diff(provider, VAULT, VAULT_INPUTS, VAULT_INPUTS)
    assert (answer.changes, answer.replaces, answer.detailed_diff) == (False, [], {})


def test_what_the_program_ignores_is_no_change(provider: AzureProvider) -> None:
    new = {**VAULT_INPUTS, "tags": {"a": "b"}}
    request = DiffRequest(_urn(VAULT), VAULT_ID, wrap_map({}), wrap_map(new), ["tags"])
    request.old_inputs = wrap_map(VAULT_INPUTS)
    assert not asyncio.run(provider.diff(request)).changes
    assert _diff(provider, VAULT, VAULT_INPUTS, new).changes


def test_a_change_in_place(provider: AzureProvider) -> None:
    answer = _diff(provider, VAULT, VAULT_INPUTS, {**VAULT_INPUTS, "properties": {"tenantId": "u"}})
    assert (answer.changes, answer.replaces, answer.diffs) == (True, [], ["properties"])
    assert answer.detailed_diff["properties.tenantId"].kind is base.PropertyDiffKind.UPDATE
    assert not answer.delete_before_replace


@pytest.mark.parametrize(("made_up", "deletes_first"), [(False, True), (True, False)])
def test_a_change_of_name_replaces(provider: AzureProvider, made_up: bool, deletes_first: bool) -> None:
    old = {**VAULT_INPUTS, **({"__createBeforeDelete": True} if made_up else {})}
    answer = _diff(provider, VAULT, old, {**VAULT_INPUTS, "vaultName": "w"})
    assert answer.replaces == ["vaultName"]
    assert answer.detailed_diff["vaultName"].kind is base.PropertyDiffKind.UPDATE_REPLACE
    assert answer.delete_before_replace is deletes_first


# create


def test_create_looks_puts_and_reads_back(provider: AzureProvider, azure: Any) -> None:
    answer = _create(provider, VAULT, VAULT_INPUTS)
    assert azure.methods() == ["GET", "PUT", "GET"]
    assert answer.resource_id == VAULT_ID
    # A vault without access policies is refused by Azure: unset, they are sent empty.
    assert azure.sent[1].body == {"location": "x", "properties": {"tenantId": "t", "accessPolicies": []}}
    state = plain_map(answer.properties)
    assert state["properties"]["provisioningState"] == "Succeeded"
    assert (state["name"], state["azureApiVersion"]) == ("v", "2024-11-01")


def test_create_refuses_what_exists(provider: AzureProvider, azure: Any) -> None:
    _create(provider, GROUP, {"resourceGroupName": "g", "location": "x"})
    with pytest.raises(AlreadyExists, match=f"cannot create already existing resource '{GROUP_ID}'"):
        _create(provider, GROUP, {"resourceGroupName": "g", "location": "x"})
    assert azure.methods() == ["GET", "PUT", "GET", "GET"]


def test_a_preview_asks_nothing_and_promises_only_what_it_knows(provider: AzureProvider, azure: Any) -> None:
    answer = _create(provider, VAULT, {**VAULT_INPUTS, "location": UNKNOWN}, preview=True)
    promised = plain_map(answer.properties)
    assert not answer.resource_id
    assert promised["location"] is UNKNOWN and promised["properties"] is UNKNOWN and promised["name"] is UNKNOWN
    assert azure.sent == []


def test_a_refused_create_leaves_nothing_in_the_state(provider: AzureProvider, azure: Any) -> None:
    azure.scripted.append(
        lambda sent: (409, {}, {"error": {"code": "Taken", "message": "taken"}}) if sent.method == "PUT" else None
    )
    with pytest.raises(ArmError, match="taken"):
        _create(provider, VAULT, VAULT_INPUTS)


def _failing_put(left: bool) -> Any:
    def script(sent: Any) -> Any:
        if sent.method == "PUT":
            return 201, {"Azure-AsyncOperation": "/operation", "Retry-After": "0"}, {"id": sent.path}
        if sent.path == "/operation":
            script.started = True  # type: ignore[attr-defined]
            return 200, {}, {"status": "Failed", "error": {"code": "Quota", "message": "No cores."}}
        if left and getattr(script, "started", False):
            return 200, {}, {"id": sent.path, "name": "v", "properties": {"provisioningState": "Failed"}}
        return None

    return script


def test_a_create_that_failed_after_its_acceptance_goes_into_the_state(provider: AzureProvider, azure: Any) -> None:
    azure.scripted.append(_failing_put(left=True))
    with pytest.raises(InitFailed, match="No cores") as caught:
        _create(provider, VAULT, VAULT_INPUTS)
    assert caught.value.resource_id == VAULT_ID
    assert caught.value.properties["properties"] == {"provisioningState": "Failed"}


def test_a_create_that_failed_and_left_nothing_does_not(provider: AzureProvider, azure: Any) -> None:
    azure.scripted.append(_failing_put(left=False))
    with pytest.raises(ArmError, match="No cores"):
        _create(provider, VAULT, VAULT_INPUTS)


def test_the_state_has_the_id_as_azure_writes_it(provider: AzureProvider, azure: Any) -> None:
    """Its letters' case is Azure's own."""
    azure.scripted.append(
        lambda _: (200, {}, {"id": VAULT_ID.upper(), "name": "v"}) if "PUT" in azure.methods()[:-1] else None
    )
    assert _create(provider, VAULT, VAULT_INPUTS).resource_id == VAULT_ID.upper()


@pytest.mark.parametrize(("shown", "identifier"), [({"id": VAULT_ID.upper()}, VAULT_ID.upper()), (None, VAULT_ID)])
def test_what_failed_is_kept_by_the_id_that_azure_shows_or_that_was_asked_for(
    provider: AzureProvider, azure: Any, shown: dict[str, Any] | None, identifier: str
) -> None:
    failing = _failing_put(left=False)

    def script(sent: Any) -> Any:
        if sent.method == "GET" and getattr(failing, "started", False) and sent.path != "/operation":
            return (200, {}, shown) if shown else (403, {}, {"error": {"code": "AuthorizationFailed", "message": "no"}})
        return failing(sent)

    azure.scripted.append(script)
    with pytest.raises(InitFailed, match="No cores") as caught:
        _create(provider, VAULT, VAULT_INPUTS)
    assert caught.value.resource_id == identifier


@pytest.mark.parametrize(("given", "sent"), [({"skipValidation": True}, {"skipValidation": "true"}), ({}, {})])
def test_a_datastores_inputs_that_azure_takes_in_the_query_go_there(
    provider: AzureProvider, azure: Any, given: dict[str, Any], sent: dict[str, str]
) -> None:
    names = {"resourceGroupName": "g", "workspaceName": "w", "name": "d", "properties": {"datastoreType": "AzureBlob"}}
    _create(provider, "azure-native:machinelearningservices:Datastore", {**names, **given})
    (put,) = (each for each in azure.sent if each.method == "PUT")
    assert {name: value for name, value in put.query.items() if name != "api-version"} == sent
    assert "skipValidation" not in put.body


@pytest.mark.parametrize(("timeout", "seconds"), [(0, 7200), (90, 90)])  # azure-native's own, or the program's
def test_how_long_azure_may_take_is_said_by_the_program_or_two_hours(
    provider: AzureProvider, azure: Any, timeout: float, seconds: float
) -> None:
    def script(sent: Any) -> Any:
        if sent.method == "PUT":
            return 201, {"Azure-AsyncOperation": "/operation", "Retry-After": "30"}, {"id": sent.path}
        return (200, {}, {"status": "Running"}) if sent.path == "/operation" else None

    azure.scripted.append(script)
    request = base.CreateRequest(_urn(VAULT), wrap_map(VAULT_INPUTS), timeout, False)
    with pytest.raises(ArmError, match=f"not done after {seconds} seconds"):
        asyncio.run(provider.create(request))
    assert seconds - 60 <= azure.now <= seconds + 60
    azure.documents[VAULT_ID.lower()], begun = {"id": VAULT_ID, "properties": {"accessPolicies": []}}, azure.now
    update = UpdateRequest(_urn(VAULT), VAULT_ID, wrap_map(VAULT_INPUTS), wrap_map(VAULT_INPUTS), timeout, [], False)
    update.old_inputs = wrap_map(VAULT_INPUTS)
    with pytest.raises(InitFailed, match=f"not done after {seconds} seconds"):
        asyncio.run(provider.update(update))
    assert seconds - 60 <= azure.now - begun <= seconds + 60


def test_creates_overlap(provider: AzureProvider, azure: Any) -> None:
    """Both PUTs must be under way at once, or the barrier breaks."""
    both = threading.Barrier(2, timeout=60)
    azure.scripted.append(lambda sent: both.wait() and None if sent.method == "PUT" else None)

    async def two() -> None:
        requests = [
            base.CreateRequest(_urn(GROUP), wrap_map({"resourceGroupName": name, "location": "x"}), 0, preview=False)
            for name in "ab"
        ]
        await asyncio.gather(*(provider.create(request) for request in requests))

    asyncio.run(two())
    assert len(azure.documents) == 2


def test_a_missing_subscription_is_named(arm: Arm) -> None:
    with pytest.raises(Misconfigured, match="azure-native:subscriptionId"):
        _create(AzureProvider(lambda: arm, lambda: None), GROUP, {"resourceGroupName": "g"})


# update


def test_update_puts_the_whole_and_keeps_what_the_program_leaves_to_others(provider: AzureProvider, azure: Any) -> None:
    _create(provider, VAULT, VAULT_INPUTS)
    azure.documents[VAULT_ID.lower()]["properties"]["accessPolicies"] = [POLICY]
    state = _update(provider, VAULT, VAULT_INPUTS, {**VAULT_INPUTS, "tags": {"a": "b"}})
    assert azure.sent[-2].body == {
        "location": "x",
        "tags": {"a": "b"},
        "properties": {"tenantId": "t", "accessPolicies": [POLICY]},
    }
    assert state["tags"] == {"a": "b"}


ACCOUNT_INPUTS = {
    "resourceGroupName": "g",
    "accountName": "a",
    "location": "x",
    "kind": "StorageV2",
    "sku": {"name": "Standard_LRS"},
}
OPEN = {"bypass": "AzureServices", "defaultAction": "Allow", "ipRules": [], "virtualNetworkRules": []}
CLOSED = {**OPEN, "defaultAction": "Deny"}


def test_network_rules_that_the_program_does_not_name_go_back_to_the_default(
    provider: AzureProvider, azure: Any
) -> None:
    """Whatever closed them: the state has them, since Azure always shows them (provider.go,
    restoreDefaultInputsForRemovedProperties)."""
    for old in (ACCOUNT_INPUTS, {**ACCOUNT_INPUTS, "networkRuleSet": CLOSED}):
        azure.sent.clear()
        _update(provider, ACCOUNT, old, ACCOUNT_INPUTS, {"networkRuleSet": CLOSED})
        (put,) = (sent for sent in azure.sent if sent.method == "PUT")
        assert put.body["properties"]["networkAcls"] == OPEN


def test_network_rules_that_the_program_names_or_azure_does_not_show_are_sent_as_they_are(
    provider: AzureProvider, azure: Any
) -> None:
    _update(provider, ACCOUNT, ACCOUNT_INPUTS, {**ACCOUNT_INPUTS, "networkRuleSet": CLOSED}, {"networkRuleSet": OPEN})
    assert azure.sent[-2].body["properties"]["networkAcls"] == CLOSED
    _update(provider, ACCOUNT, {**ACCOUNT_INPUTS, "networkRuleSet": CLOSED}, ACCOUNT_INPUTS, {})
    assert "networkAcls" not in azure.sent[-2].body.get("properties", {})


def test_an_input_that_says_a_default_becomes_what_azure_shows_of_it(provider: AzureProvider, azure: Any) -> None:
    """azure-native's provider.go, removeDefaults: where the state has just what it would put back by itself."""
    said, shown = {"defaultAction": "Allow"}, {**CLOSED, "bypass": "None"}
    account = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a"
    azure.documents[account.lower()] = {"id": account, "properties": {"networkAcls": shown}}
    for before, rules in ((OPEN, shown), (CLOSED, {**said, "bypass": "None"})):
        state = {"networkRuleSet": before}
        read = _read(provider, ACCOUNT, account, state, {**ACCOUNT_INPUTS, "networkRuleSet": said})
        assert plain_map(read.inputs or {})["networkRuleSet"] == rules, before


def test_an_update_that_cannot_see_what_it_must_keep_changes_nothing(provider: AzureProvider, azure: Any) -> None:
    with pytest.raises(ArmError, match="ResourceNotFound"):
        _update(provider, VAULT, VAULT_INPUTS, VAULT_INPUTS)
    assert azure.methods() == ["GET"]


def _failing_read(azure: Any) -> None:
    """After a PUT, no GET is answered with a resource any more."""
    azure.scripted.append(
        lambda sent: (
            (403, {}, {"error": {"code": "AuthorizationFailed", "message": "may not read"}})
            if sent.method == "GET" and azure.documents
            else None
        )
    )


def test_a_create_whose_read_fails_is_kept_with_a_warning(provider: AzureProvider, azure: Any, warned: Warned) -> None:
    _failing_read(azure)
    answer = _create(provider, GROUP, {"resourceGroupName": "g", "location": "x"})
    assert answer.resource_id == GROUP_ID
    assert plain_map(answer.properties)["properties"] == {"provisioningState": "Succeeded"}
    ((urn, text),) = warned
    assert urn == _urn(GROUP)
    assert "may not read" in text


def test_a_create_whose_read_is_empty_is_kept_as_azure_showed_it_first(
    provider: AzureProvider, azure: Any, warned: Warned
) -> None:
    """Kept as nothing, a group has no name, and what stands in it has none either: no later `up` gets past that."""
    azure.scripted.append(lambda sent: (200, {}, {}) if sent.method == "GET" and azure.documents else None)
    answer = _create(provider, GROUP, {"resourceGroupName": "g", "location": "x"})
    assert answer.resource_id == GROUP_ID
    assert plain_map(answer.properties)["properties"] == {"provisioningState": "Succeeded"}
    assert "it is empty" in warned[0][1]


MANGLED = {"id": 5, "name": "g", "type": "T/t", "location": "x", "tags": ["a"], "properties": []}


@pytest.mark.parametrize("polled", [False, True], ids=["answer", "poll"])
def test_what_azure_took_is_kept_by_its_id_alone_if_its_answer_is_mangled_and_its_read_fails(
    provider: AzureProvider, azure: Any, polled: bool
) -> None:
    """It may stand, so it goes into the state, unfinished; nothing of the answer does, which nobody could read then."""
    _failing_read(azure)

    def mangled(sent: Any) -> Any:
        if sent.method == "GET" and sent.path == "/operation":
            return 200, {}, MANGLED
        if sent.method != "PUT":
            return None
        azure.documents[sent.path.lower()] = MANGLED
        return (202, {"Location": "/operation"}, {}) if polled else (201, {}, MANGLED)

    azure.scripted.insert(0, mangled)
    inputs = {"resourceGroupName": "g", "location": "x"}
    for write in (lambda: _create(provider, GROUP, inputs), lambda: _update(provider, GROUP, {}, inputs)):
        azure.documents.clear()
        with pytest.raises(InitFailed, match=r"id, tags, properties.*may not read") as caught:
            write()
        assert caught.value.resource_id == GROUP_ID
        assert not {"id", "name", "location", "tags", "properties"} & caught.value.properties.keys()


def test_a_mangled_answer_is_nothing_where_the_read_after_it_shows_the_resource(
    provider: AzureProvider, azure: Any, warned: Warned
) -> None:
    def mangled(sent: Any) -> Any:
        if sent.method != "PUT":
            return None
        azure.documents[sent.path.lower()] = {"id": sent.path, "name": "g", "location": "x", "properties": {}}
        return 201, {}, MANGLED

    azure.scripted.append(mangled)
    answer = _create(provider, GROUP, {"resourceGroupName": "g", "location": "x"})
    assert (answer.resource_id, plain_map(answer.properties)["name"], warned) == (GROUP_ID, "g", [])


def test_an_update_whose_read_fails_is_kept_with_a_warning(provider: AzureProvider, azure: Any, warned: Warned) -> None:
    _failing_read(azure)
    state = _update(provider, GROUP, {}, {"resourceGroupName": "g", "location": "x", "tags": {"a": "b"}})
    assert state["tags"] == {"a": "b"}
    assert [urn for urn, _ in warned] == [_urn(GROUP)]


def test_a_previewed_update_keeps_what_stays(provider: AzureProvider, azure: Any) -> None:
    state = {"name": "v", "location": "x", "properties": {"tenantId": "t", "vaultUri": "https://v"}}
    promised = _update(provider, VAULT, VAULT_INPUTS, {**VAULT_INPUTS, "tags": {"a": "b"}}, state, preview=True)
    assert promised["properties"] == state["properties"]
    assert promised["tags"] == {"a": "b"}
    assert azure.sent == []


# read


def test_what_is_gone_reads_as_gone(provider: AzureProvider) -> None:
    assert _read(provider, VAULT, VAULT_ID, {}, VAULT_INPUTS).resource_id == ""


def test_a_404_that_is_not_azures_word_for_gone_fails_the_refresh(provider: AzureProvider, azure: Any) -> None:
    """So does Azure's for role definitions (pulumi/pulumi-azure#840)."""
    azure.scripted.append(
        lambda _: (404, {}, {"error": {"code": "RoleDefinitionDoesNotExist", "message": "it does not exist."}})
    )
    with pytest.raises(ArmError) as caught:
        _read(provider, VAULT, VAULT_ID, {}, VAULT_INPUTS)
    assert str(caught.value) == 'Status=404 Code="RoleDefinitionDoesNotExist" Message="it does not exist."'


def test_access_policies_that_others_gave_are_no_drift(provider: AzureProvider, azure: Any) -> None:
    created = _create(provider, VAULT, VAULT_INPUTS)
    azure.documents[VAULT_ID.lower()]["properties"]["accessPolicies"] = [POLICY]
    answer = _read(provider, VAULT, VAULT_ID, plain_map(created.properties), VAULT_INPUTS)
    assert plain_map(answer.inputs) == VAULT_INPUTS
    assert plain_map(answer.properties)["properties"]["accessPolicies"] == [POLICY]


def test_access_policies_of_the_programs_own_do_drift(provider: AzureProvider, azure: Any) -> None:
    inputs = {**VAULT_INPUTS, "properties": {"tenantId": "t", "accessPolicies": [POLICY]}}
    created = _create(provider, VAULT, inputs)
    azure.documents[VAULT_ID.lower()]["properties"]["accessPolicies"] = []
    answer = _read(provider, VAULT, VAULT_ID, plain_map(created.properties), inputs)
    assert plain_map(answer.inputs)["properties"] == {"tenantId": "t", "accessPolicies": []}


def test_a_refresh_keeps_the_id_that_the_state_has(provider: AzureProvider) -> None:
    _create(provider, VAULT, VAULT_INPUTS)
    assert _read(provider, VAULT, VAULT_ID.upper(), {}, VAULT_INPUTS).resource_id == VAULT_ID.upper()


def test_a_refresh_without_drift_changes_no_input(provider: AzureProvider) -> None:
    created = _create(provider, VAULT, VAULT_INPUTS)
    answer = _read(provider, VAULT, VAULT_ID, plain_map(created.properties), VAULT_INPUTS)
    assert plain_map(answer.inputs) == VAULT_INPUTS
    assert plain_map(answer.properties) == plain_map(created.properties)


def test_a_refresh_shows_drift_in_the_inputs(provider: AzureProvider, azure: Any) -> None:
    created = _create(provider, VAULT, VAULT_INPUTS)
    azure.documents[VAULT_ID.lower()]["tags"] = {"by": "hand"}
    answer = _read(provider, VAULT, VAULT_ID, plain_map(created.properties), VAULT_INPUTS)
    assert plain_map(answer.inputs) == {**VAULT_INPUTS, "tags": {"by": "hand"}}


def test_what_azure_alone_changes_is_no_drift(provider: AzureProvider, azure: Any) -> None:
    created = _create(provider, VAULT, VAULT_INPUTS)
    azure.documents[VAULT_ID.lower()]["properties"] |= {"provisioningState": "Updating", "vaultUri": "https://v"}
    answer = _read(provider, VAULT, VAULT_ID, plain_map(created.properties), VAULT_INPUTS)
    assert plain_map(answer.inputs) == VAULT_INPUTS
    assert plain_map(answer.properties)["properties"]["vaultUri"] == "https://v"


def test_an_import_takes_its_inputs_from_the_id_and_the_answer(provider: AzureProvider) -> None:
    _create(provider, VAULT, VAULT_INPUTS)
    answer = _read(provider, VAULT, VAULT_ID.lower(), {}, {})
    assert answer.resource_id == VAULT_ID.lower()
    # Without lists and objects that are empty (convert/responseToSdkInputs.go): the vault's access policies are.
    inputs = plain_map(answer.inputs)
    assert inputs == VAULT_INPUTS
    state = plain_map(answer.properties)
    assert not _diff(provider, VAULT, inputs, {**inputs, "azureApiVersion": "2024-11-01"}, state).changes
    assert _diff(provider, VAULT, inputs, {**inputs, "azureApiVersion": "other"}, state).diffs == ["azureApiVersion"]


# delete, invoke, cancel


def test_delete_and_delete_again(provider: AzureProvider, azure: Any) -> None:
    _create(provider, VAULT, VAULT_INPUTS)
    for _ in range(2):
        asyncio.run(provider.delete(base.DeleteRequest(_urn(VAULT), VAULT_ID, {}, 0)))
    assert azure.documents == {}
    assert dict(azure.sent[-1].query) == {"api-version": "2024-11-01"}


def test_a_function_with_unknown_arguments_waits(provider: AzureProvider, azure: Any) -> None:
    request = base.InvokeRequest("azure-native:keyvault:getVault", wrap_map({"resourceGroupName": UNKNOWN}))
    assert asyncio.run(provider.invoke(request)).return_value == {}
    assert azure.sent == []


def test_cancel_stops_the_client(arm: Arm) -> None:
    stopped = threading.Event()
    asyncio.run(AzureProvider(lambda: arm, stopped.set, SUBSCRIPTION).cancel())
    assert stopped.is_set()


def test_it_keeps_no_secrets_and_says_what_a_preview_knows(provider: AzureProvider) -> None:
    answer = asyncio.run(provider.configure(base.ConfigureRequest({}, {}, accept_secrets=True, accept_resources=True)))
    assert (answer.accept_secrets, answer.supports_preview) == (False, True)


def test_a_location_that_nobody_names_is_missing(provider: AzureProvider) -> None:
    async def script() -> base.CheckResponse:
        await provider.configure(base.ConfigureRequest({}, {}, accept_secrets=True, accept_resources=True))
        return await provider.check(base.CheckRequest(_urn(GROUP), {}, wrap_map({"resourceGroupName": "g"}), b"seed"))

    assert "location" not in plain_map(asyncio.run(script()).inputs or {})


def test_a_fault_is_the_resources_and_no_single_propertys(provider: AzureProvider) -> None:
    request = base.CheckRequest(_urn(GROUP), {}, wrap_map({"resourceGroupName": "g" * 91, "location": "x"}), b"seed")
    (failure,) = asyncio.run(provider.check(request)).failures or []
    assert failure.property == ""


def test_an_engine_that_sends_no_old_inputs_has_the_state_compared(provider: AzureProvider) -> None:
    state = {"location": "x", "tags": {"a": "1"}}
    request = base.DiffRequest(_urn(GROUP), "/id", wrap_map(state), wrap_map({**state, "tags": {"a": "2"}}), [])
    assert asyncio.run(provider.diff(request)).diffs == ["tags"]


def test_what_differs_is_told_as_inputs(provider: AzureProvider) -> None:
    answer = _diff(provider, GROUP, {"location": "x", "tags": {"a": "1"}}, {"location": "x", "tags": {"a": "2"}})
    assert [each.input_diff for each in (answer.detailed_diff or {}).values()] == [True]


def test_what_is_gone_has_neither_state_nor_inputs(provider: AzureProvider) -> None:
    answer = _read(provider, GROUP, GROUP_ID, {"location": "x"}, {"location": "x"})
    assert (answer.resource_id, answer.properties, answer.inputs) == ("", {}, {})
