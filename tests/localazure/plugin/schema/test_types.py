"""The table of types: complete, consistent in itself, and in the SDK's own words."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from importlib import import_module

import pytest

from azmlflow.localazure.plugin.schema.types import NotServed, catalogue

CATALOGUE = catalogue()
TOKENS = sorted(CATALOGUE.types)


def test_the_types_of_the_project_are_served() -> None:
    wanted = {
        "resources:ResourceGroup",
        "storage:StorageAccount",
        "keyvault:Vault",
        "operationalinsights:Workspace",
        "applicationinsights:Component",
        "machinelearningservices:Workspace",
        "machinelearningservices:Compute",
        "authorization:RoleDefinition",
        "authorization:RoleAssignment",
    }
    assert {f"azure-native:{name}" for name in wanted} <= set(TOKENS)
    assert len(TOKENS) == 33


@pytest.mark.parametrize("token", TOKENS)
def test_every_name_that_a_type_mentions_exists(token: str) -> None:
    kind = CATALOGUE.types[token]
    names = {*kind.inputs, *kind.outputs}
    assert {*kind.renames, *kind.nested} <= names
    assert {*kind.immutable, *kind.restored} <= {*kind.inputs, *kind.parameters}
    assert {path.split(".")[0] for path in (*kind.maintained, *kind.readOnly)} <= set(kind.inputs)
    assert not set(kind.inputs) & set(kind.outputs)
    assert set(kind.nested.values()) <= set(CATALOGUE.shapes)
    assert kind.path.startswith("/") and kind.path.count("{") == kind.path.count("}")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d(-preview)?", kind.apiVersion)


@pytest.mark.parametrize("name", sorted(CATALOGUE.shapes))
def test_shapes_name_only_shapes(name: str) -> None:
    assert set(CATALOGUE.shapes[name].nested.values()) <= set(CATALOGUE.shapes)


def _lower(names: Iterable[str]) -> set[str]:
    """Names without case and underscores: the SDK's are Python's, the table's ARM's."""
    return {name.replace("_", "").lower() for name in names}


@pytest.mark.parametrize("token", TOKENS)
def test_inputs_and_outputs_are_the_sdks_own(token: str) -> None:
    """Every argument of the SDK's class is an input here, and every property of it an output."""
    kind, (_, module, name) = CATALOGUE.types[token], token.split(":")
    resource = getattr(import_module(f"pulumi_azure_native.{module}"), name)
    plumbing = {"__self__", "resource_name", "opts", "__props__"}
    taken = set(inspect.signature(resource._internal_init).parameters) - plumbing
    assert _lower(taken) == _lower({*kind.inputs, *kind.parameters, *kind.query})
    given = {key for key, value in vars(resource).items() if isinstance(value, property)}
    assert _lower(given) - {"azureapiversion"} == _lower(kind.answered) - {"id"}


@pytest.mark.parametrize(
    ("token", "how"),
    [
        ("resources:ResourceGroup", "random"),
        ("storage:StorageAccount", "random"),
        ("machinelearningservices:Workspace", "random"),
        ("machinelearningservices:Compute", "copy"),
        ("machinelearningservices:Datastore", "copy"),
        ("storage:BlobContainer", "copy"),
        ("network:Subnet", "copy"),
        ("authorization:RoleAssignment", "uuid"),
        ("authorization:RoleDefinition", "uuid"),
        ("authorization:ManagementLockByScope", "random"),
        ("monitor:DiagnosticSetting", "random"),
    ],
)
def test_how_names_are_made_up(token: str, how: str) -> None:
    assert CATALOGUE.types[f"azure-native:{token}"].auto_name == how


def test_a_type_that_is_not_served_is_named() -> None:
    with pytest.raises(NotServed, match=r"not serve the type azure-native:compute:VirtualMachine; .* 33 types"):
        CATALOGUE.type("azure-native:compute:VirtualMachine")


def test_getters_are_found_by_their_type() -> None:
    found = CATALOGUE.getter("azure-native:keyvault:getVault")
    assert found is not None and found.token == "azure-native:keyvault:Vault"
    assert CATALOGUE.getter("azure-native:keyvault:listVaults") is None
