"""azure-native's functions."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from azmlflow.localazure.plugin.client.calls import ArmError, NotSignedIn
from azmlflow.localazure.plugin.client.client import Arm
from azmlflow.localazure.plugin.functions import invoke
from azmlflow.localazure.plugin.schema.ids import BadId
from azmlflow.localazure.plugin.schema.types import NotServed, catalogue


def _token(claims: dict[str, Any]) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{payload}.sig"


def _invoke(arm: Arm, function: str, **args: Any) -> dict[str, Any]:
    return invoke(arm, catalogue(), "S", f"azure-native:{function}", args)


def test_who_am_i(arm: Arm, credential: Any, azure: Any) -> None:
    credential.token = _token({"oid": "object", "tid": "tenant", "appid": "app"})
    assert _invoke(arm, "authorization:getClientConfig") == {
        "clientId": "app",
        "objectId": "object",
        "tenantId": "tenant",
        "subscriptionId": "S",
    }
    # azure-native asks for a token of Microsoft Graph's (auth_getclientconfig.go).
    assert credential.scopes == ["https://graph.microsoft.com/.default"]
    assert azure.sent == []


def test_a_person_has_no_application(arm: Arm, credential: Any) -> None:
    credential.token = _token({"oid": "object", "tid": "tenant", "upn": "a@b"})
    assert _invoke(arm, "authorization:getClientConfig")["clientId"] == ""


def test_a_token_that_is_none_is_named(arm: Arm, credential: Any) -> None:
    credential.token = "opaque"
    with pytest.raises(NotSignedIn, match="not a JSON Web Token"):
        _invoke(arm, "authorization:getClientConfig")


def test_a_token_for_an_endpoint(arm: Arm, credential: Any) -> None:
    assert _invoke(arm, "authorization:getClientToken", endpoint="https://vault.azure.net/") == {
        "token": "secret-token"
    }
    _invoke(arm, "authorization:getClientToken")
    assert credential.scopes == ["https://vault.azure.net/.default", "https://management.azure.com/.default"]


def test_keys_are_listed_by_post(arm: Arm, azure: Any) -> None:
    azure.scripted.append(lambda _: (200, {}, {"keys": [{"keyName": "key1", "value": "v"}]}))
    found = _invoke(arm, "storage:listStorageAccountKeys", resourceGroupName="g", accountName="a", expand="kerb")
    assert found == {"keys": [{"keyName": "key1", "value": "v"}]}
    (sent,) = azure.sent
    assert (sent.method, sent.body) == ("POST", None)
    assert sent.path == "/subscriptions/S/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a/listKeys"
    assert sent.query == {"api-version": "2024-01-01", "$expand": "kerb"}


def test_what_is_asked_beside_the_path_is_sent_where_it_belongs(arm: Arm, azure: Any) -> None:
    azure.scripted.append(lambda _: (200, {}, {"secretsType": "Sas"}))
    place = {"resourceGroupName": "g", "workspaceName": "w", "name": "d"}
    name = "machinelearningservices:listDatastoreSecrets"
    assert _invoke(arm, name, **place, expirableSecret=True) == {"secretsType": "Sas"}
    _invoke(arm, name, **place)
    _invoke(arm, "storage:listStorageAccountKeys", resourceGroupName="g", accountName="a")
    assert [sent.body for sent in azure.sent] == [{"expirableSecret": True}, None, None]
    assert [set(sent.query) for sent in azure.sent] == [{"api-version"}] * 3


def test_a_switch_in_a_query_is_written_as_azure_reads_it(arm: Arm, azure: Any) -> None:
    azure.scripted.append(lambda _: (200, {}, {"keys": []}))
    for given in (True, False, 5, "Kerb"):
        _invoke(arm, "storage:listStorageAccountKeys", resourceGroupName="g", accountName="a", expand=given)
    assert [sent.query["$expand"] for sent in azure.sent] == ["true", "false", "5", "Kerb"]


def test_a_resource_that_shows_no_id_has_the_one_it_was_asked_by(arm: Arm, azure: Any) -> None:
    azure.scripted.append(lambda _: (200, {}, {"name": "a"}))
    found = _invoke(arm, "storage:getStorageAccount", resourceGroupName="g", accountName="a")
    assert found["id"] == "/subscriptions/S/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a"


def test_a_token_without_a_person_or_tenant_says_neither(arm: Arm, credential: Any) -> None:
    credential.token = _token({"appid": "app"})
    who = _invoke(arm, "authorization:getClientConfig")
    assert who == {"clientId": "app", "objectId": "", "tenantId": "", "subscriptionId": "S"}


def test_a_resource_is_got_as_its_type_gives_it(arm: Arm, azure: Any) -> None:
    answer = {"id": "/I/a", "name": "a", "properties": {"supportsHttpsTrafficOnly": True}}
    azure.scripted.append(lambda _: (200, {}, answer))
    assert _invoke(arm, "storage:getStorageAccount", resourceGroupName="g", accountName="a") == {
        "id": "/I/a",
        "name": "a",
        "enableHttpsTrafficOnly": True,
        "azureApiVersion": "2024-01-01",
    }


def test_getting_what_is_not_there_is_an_error(arm: Arm) -> None:
    with pytest.raises(ArmError) as caught:
        _invoke(arm, "keyvault:getVault", resourceGroupName="g", vaultName="v")
    assert str(caught.value) == 'Status=404 Code="ResourceNotFound" Message="not there"'


def test_a_missing_argument_is_named(arm: Arm) -> None:
    with pytest.raises(BadId, match="'vaultName'"):
        _invoke(arm, "keyvault:getVault", resourceGroupName="g")


def test_an_unserved_function_is_named(arm: Arm) -> None:
    with pytest.raises(NotServed, match="compute:listSkus"):
        _invoke(arm, "compute:listSkus")
