"""The table of resource types against what others say: the SDK that programs use, and Azure's list of api-versions."""

from __future__ import annotations

import inspect
import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient

from azmlflow.localazure.kinds import KINDS
from azmlflow.resourcetypes import table
from azmlflow.resourcetypes.table import UnknownType, find, of_token, resource_type, token_of, types, version_of

DATA = json.loads((Path(table.__file__).parents[1] / "localazure" / "data" / "api-versions.json").read_text())
AZURE = {
    name.lower(): tuple(group["versions"])
    for group in (DATA["resourceManager"], *DATA["types"])
    for name in group["types"]
}
TOKENS = sorted(token for kind in types().values() for token in kind.paths)


def sdk_class(token: str) -> Any:
    _, module, name = token.split(":")
    return getattr(import_module(f"pulumi_azure_native.{module}"), name)


def sdk_versions(token: str) -> tuple[str, tuple[str, ...]]:
    """What the docstring of the SDK's class says that it sends, and all that it says there are."""
    text = inspect.getsource(import_module(sdk_class(token).__module__))
    sent = re.search(r"Uses Azure REST API version (\S+?)\.\s", text)
    others = re.search(r"Other available API versions: (.*?)\. These", text)
    assert sent is not None, token
    return sent[1], (sent[1], *(others[1].split(", ") if others else ()))


@pytest.mark.parametrize("name", sorted(kind.name for kind in types().values()))
def test_azure_lists_every_version_of_the_table(name: str) -> None:
    assert version_of(name) in AZURE[name.lower()]


@pytest.mark.parametrize("token", TOKENS)
def test_the_table_sends_what_a_program_sends(token: str) -> None:
    """The commands, the plugin and a user's program see the same resource; and Azure takes what the program sends."""
    sent, there_are = sdk_versions(token)
    kind = of_token(token)
    assert kind.api_version == sent
    assert set(there_are) <= set(AZURE[kind.name.lower()])


@pytest.mark.parametrize("token", TOKENS)
def test_a_path_is_of_its_type(token: str) -> None:
    kind = of_token(token)
    path = kind.paths[token]
    assert path.startswith(("/subscriptions/{subscriptionId}/", "/{"))
    namespace, *rest = path.rpartition("/providers/")[2].split("/") if "/providers/" in path else ("", "", "", "", "")
    named = kind.name == "Microsoft.Resources/resourceGroups" or "/".join((namespace, *rest[::2])) == kind.name
    assert named and path.endswith("}")


@pytest.mark.parametrize("token", TOKENS)
def test_what_carries_tags_has_them_in_the_sdk(token: str) -> None:
    assert of_token(token).tagged == isinstance(vars(sdk_class(token)).get("tags"), property)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.type)
def test_azure_lists_every_kind_of_the_embedded_azure(kind: Any) -> None:
    assert AZURE[kind.type.lower()]
    extras = [extra.type if "/" in extra.type else f"{extra.type}/{extra.action}" for extra in kind.extras]
    assert [type_ for type_ in extras if type_ not in AZURE] == []


@pytest.mark.parametrize(
    ("group", "name"),
    [
        ("role_assignments", "roleAssignments"),
        ("role_definitions", "roleDefinitions"),
        ("deny_assignments", "denyAssignments"),
        ("permissions", "permissions"),
    ],
)
def test_azure_lists_what_its_own_clients_send(group: str, name: str) -> None:
    module = type(getattr(AuthorizationManagementClient(Nobody(), "s"), group)).__module__
    found = re.search(r"\.v(\d{4}_\d\d_\d\d(?:_preview)?)\.", module)
    assert found is not None and found[1].replace("_", "-") in AZURE[f"microsoft.authorization/{name}".lower()]


def test_azure_lists_what_the_resource_client_sends() -> None:
    client = ResourceManagementClient(Nobody(), "s")
    assert client._config.api_version in AZURE["microsoft.resources/resourcegroups"]


def test_versions_that_are_what_they_are_for_a_reason() -> None:
    # The first that knows conditions on a role's permissions; the stable one leaves them out.
    assert version_of("Microsoft.Authorization/roleDefinitions") == "2022-05-01-preview"


def test_a_type_is_found_in_any_case() -> None:
    account = resource_type("microsoft.STORAGE/storageaccounts")
    assert account is find("Microsoft.Storage/storageAccounts") is of_token("azure-native:storage:StorageAccount")
    assert (account.name, account.namespace, account.short_name) == (
        "Microsoft.Storage/storageAccounts",
        "Microsoft.Storage",
        "storageAccounts",
    )
    assert token_of("Microsoft.Storage/storageAccounts") == account.token == "azure-native:storage:StorageAccount"
    assert account.paths[account.token] == (
        "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Storage/storageAccounts/"
        "{accountName}"
    )


@pytest.mark.parametrize("ask", [version_of, resource_type, token_of])
def test_an_unknown_type_is_named(ask: Any) -> None:
    with pytest.raises(UnknownType, match=r"has no Microsoft\.Compute/disks$"):
        ask("Microsoft.Compute/disks")
    assert find("Microsoft.Compute/disks") is None


def test_an_unknown_token_is_named() -> None:
    with pytest.raises(UnknownType, match=r"has no azure-native:compute:Disk$"):
        of_token("azure-native:compute:Disk")
    with pytest.raises(UnknownType, match=r"no type for Microsoft\.Insights/metrics"):
        token_of("Microsoft.Insights/metrics")


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("Microsoft.MachineLearningServices/workspaces", {"forceToPurge": "true"}),
        ("Microsoft.OperationalInsights/workspaces", {"force": "true"}),
        ("Microsoft.Storage/storageAccounts", {}),
    ],
)
def test_how_a_deletion_is_for_good(name: str, query: dict[str, str]) -> None:
    assert resource_type(name).purge == query


@pytest.mark.parametrize(
    ("name", "fixed"),
    [
        ("Microsoft.Insights/components", {"location", "applicationType"}),
        ("Microsoft.Storage/storageAccounts", {"location", "isHnsEnabled"}),
        ("Microsoft.Authorization/roleAssignments", {"principalId"}),
        ("Microsoft.KeyVault/vaults", set()),
    ],
)
def test_what_is_fixed_at_creation(name: str, fixed: set[str]) -> None:
    assert set(resource_type(name).fixed) == fixed


class Nobody:
    """A credential that is never asked."""

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        raise AssertionError(scopes)
