"""When a program is what a state has; the entries are written by hand, as Pulumi's engine 3.259 leaves them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from azmlflow.infra.replay import differences, differing

SUBSCRIPTION, TENANT = "00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"
PREFIX = "urn:pulumi:dev::shop::"
STACK, SHOP = f"{PREFIX}pulumi:pulumi:Stack::shop-dev", f"{PREFIX}azmlflow:index:Shop::corner"
GROUP = f"{PREFIX}azmlflow:index:Shop$azure-native:resources:ResourceGroup::group"
ACCOUNT = f"{PREFIX}azmlflow:index:Shop$azure-native:storage:StorageAccount::account"
PROVIDER = f"{PREFIX}pulumi:providers:azure-native::default_3_29_0"
SPARE = f"{PREFIX}azure-native:resources:ResourceGroup::spare"
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:a:b"}
ENTRIES: dict[str, dict[str, Any]] = {
    PROVIDER: {
        "urn": PROVIDER,
        "custom": True,
        "id": "ed6d",
        "type": "pulumi:providers:azure-native",
        "inputs": {"__internal": {}, "version": "3.29.0"},
        "outputs": {"version": "3.29.0"},
        "created": "2026-11-27T07:15:40Z",
    },
    STACK: {
        "urn": STACK,
        "custom": False,
        "type": "pulumi:pulumi:Stack",
        "outputs": {"name": "rg", "where": SUBSCRIPTION},
        "sourcePosition": "project:///a.py#1",
        "stackTrace": [{"sourcePosition": "project:///a.py#1"}],
    },
    SHOP: {
        "urn": SHOP,
        "custom": False,
        "type": "azmlflow:index:Shop",
        "outputs": {"name": "rg"},
        "parent": STACK,
        "protect": True,
    },
    GROUP: {
        "urn": GROUP,
        "custom": True,
        "id": "/subscriptions/s/resourceGroups/rg",
        "type": "azure-native:resources:ResourceGroup",
        "inputs": {"azureApiVersion": "2024-03-01", "location": "westeurope", "resourceGroupName": "rg"},
        "outputs": {"name": "rg", "key": SECRET},
        "parent": SHOP,
        "protect": True,  # the component's
        "provider": f"{PROVIDER}::ed6d",
        "propertyDependencies": {"location": [], "resourceGroupName": None},
        "modified": "2026-11-27T07:15:40Z",
    },
    SPARE: {
        "urn": SPARE,
        "custom": True,
        "id": "/subscriptions/s/resourceGroups/spare",
        "type": "azure-native:resources:ResourceGroup",
        "inputs": {"azureApiVersion": "2024-03-01", "resourceGroupName": "spare"},
        "parent": STACK,
        "provider": f"{PROVIDER}::ed6d",
        "propertyDependencies": {"resourceGroupName": []},
    },
    ACCOUNT: {
        "urn": ACCOUNT,
        "custom": True,
        "id": "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/a",
        "type": "azure-native:storage:StorageAccount",
        "inputs": {
            "azureApiVersion": "2024-01-01",
            "location": "westeurope",  # which the provider has added
            "resourceGroupName": "rg",
            "properties": {"kept": 1, "theirs": "set by others"},
        },
        "outputs": {"name": "a"},
        "parent": SHOP,
        "dependencies": [GROUP, SPARE],
        "provider": f"{PROVIDER}::ed6d",
        "propertyDependencies": {"resourceGroupName": [GROUP], "properties": []},
        "additionalSecretOutputs": ["primaryKey"],
        "retainOnDelete": True,
        "deletedWith": GROUP,
        "ignoreChanges": ["properties.theirs"],
        "replaceOnChanges": ["kind"],
    },
}
OPTIONS: dict[str, Any] = {
    "additional_secret_outputs": ["primaryKey"],
    "ignore_changes": ["properties.theirs"],
    "protect": False,
    "replace_on_changes": ["kind"],
    "retain_on_delete": True,
}


SECRET_INPUT = object()
NOTHING = pulumi.ResourceOptions()


class Resource(pulumi.CustomResource):
    name: pulumi.Output[str]
    key: pulumi.Output[str]

    def __init__(self, type_: str, name: str, inputs: dict[str, Any], opts: pulumi.ResourceOptions) -> None:
        options = pulumi.ResourceOptions.merge(pulumi.ResourceOptions(version="3.29.0"), opts)
        super().__init__(type_, name, {**inputs, "name": None, "key": None}, options)


class Shop(pulumi.ComponentResource):
    def __init__(self, inputs: dict[str, Any], options: dict[str, Any], told: dict[str, Any]) -> None:
        super().__init__("azmlflow:index:Shop", "corner", None, pulumi.ResourceOptions(protect=True))
        mine = pulumi.ResourceOptions(parent=self)
        place = {"resourceGroupName": "rg", "location": "westeurope"}
        self.group = Resource("azure-native:resources:ResourceGroup", "group", place, mine)
        spare = Resource("azure-native:resources:ResourceGroup", "spare", {"resourceGroupName": "spare"}, NOTHING)
        inputs = {k: pulumi.Output.secret({"kept": 1}) if v is SECRET_INPUT else v for k, v in inputs.items()}
        given = {"resourceGroupName": self.group.name, "properties": {"kept": 1, "theirs": "ours"}, **inputs}
        known: dict[str, Any] = {"deleted_with": self.group, "depends_on": [spare], **OPTIONS, **options}
        theirs = pulumi.ResourceOptions.merge(mine, pulumi.ResourceOptions(**known))
        Resource("azure-native:storage:StorageAccount", "account", given, theirs)
        self.register_outputs({"name": self.group.name, **told})


def program(
    inputs: dict[str, Any] | None = None, told: dict[str, Any] | None = None, *, keys: bool = False, **options: Any
) -> Callable[[], None]:
    def declare() -> None:
        client = pulumi.runtime.invoke(
            "azure-native:authorization:getClientConfig", {}, pulumi.InvokeOptions(version="3.29.0")
        )
        shop = Shop(inputs or {}, options, told or {})
        pulumi.export("name", shop.group.name)
        if keys:
            pulumi.export("key", shop.group.key)
        pulumi.export("where", client.value["subscriptionId"])

    return declare


def found(
    entries: list[dict[str, Any]], declare: Callable[[], None] | None = None, config: dict[str, Any] | None = None
) -> tuple[str, ...]:
    return differences(
        config or {},
        entries,
        project="shop",
        stack="dev",
        subscription=SUBSCRIPTION,
        tenant=TENANT,
        program=declare or program(),
    )


def written(urn: str = "", /, **changes: Any) -> list[dict[str, Any]]:
    """The entries, one of them changed; `...` takes a field away."""
    entries = copy.deepcopy(ENTRIES)
    for name, value in changes.items():
        entries[urn] = {key: old for key, old in entries[urn].items() if key != name}
        if value is not ...:
            entries[urn][name] = value
    return list(entries.values())


def test_a_program_is_what_its_state_has() -> None:
    assert found(written()) == ()


@pytest.mark.parametrize(
    ("urn", "changes"),
    [
        (GROUP, {"created": "2020-01-01T00:00:00Z", "modified": ...}),
        (GROUP, {"sourcePosition": "project:///b.py#2", "stackTrace": []}),
        (GROUP, {"protect": True, "taint": False, "initErrors": [], "aliases": None, "delete": False}),
        (ACCOUNT, {"dependencies": [SPARE, GROUP]}),
        (ACCOUNT, {"id": "/other", "outputs": {}}),  # nothing is made of them here
    ],
)
def test_what_says_when_where_and_nothing_is_no_difference(urn: str, changes: dict[str, Any]) -> None:
    assert found(written(urn, **changes)) == ()


@pytest.mark.parametrize(
    ("urn", "field", "value"),
    [
        (GROUP, "urn", f"{PREFIX}azmlflow:index:Shop$azure-native:resources:ResourceGroup::old"),
        (GROUP, "custom", False),
        (GROUP, "delete", True),
        (GROUP, "type", "azure-native:resources:Group"),
        (GROUP, "inputs", ...),
        (GROUP, "inputs", {"azureApiVersion": "2024-03-01", "location": "northeurope", "resourceGroupName": "rg"}),
        (GROUP, "inputs", {"azureApiVersion": "2023-01-01", "location": "westeurope", "resourceGroupName": "rg"}),
        (GROUP, "inputs", {"azureApiVersion": "2024-03-01", "location": "westeurope"}),
        (GROUP, "inputs", {**ENTRIES[GROUP]["inputs"], "tags": {}}),
        (GROUP, "inputs", {**ENTRIES[GROUP]["inputs"], "tags": SECRET}),
        (GROUP, "parent", STACK),
        (GROUP, "protect", ...),
        (GROUP, "taint", True),
        (GROUP, "external", True),
        (GROUP, "dependencies", [SHOP]),
        (GROUP, "initErrors", ["it did not start"]),
        (GROUP, "provider", f"{PREFIX}pulumi:providers:azure-native::default_3_28_0::ed6d"),
        (GROUP, "provider", f"{PROVIDER}::another"),
        (GROUP, "propertyDependencies", {"location": [SHOP], "resourceGroupName": []}),
        (GROUP, "pendingReplacement", True),
        (GROUP, "additionalSecretOutputs", ["name"]),
        (GROUP, "aliases", [f"{PREFIX}azure-native:resources:ResourceGroup::group"]),
        (GROUP, "customTimeouts", {"create": 60}),
        (GROUP, "importID", "/subscriptions/s/resourceGroups/rg"),
        (GROUP, "retainOnDelete", True),
        (GROUP, "deletedWith", SHOP),
        (GROUP, "replaceWith", [SHOP]),
        (GROUP, "ignoreChanges", ["tags"]),
        (GROUP, "hideDiff", ["tags"]),
        (GROUP, "replaceOnChanges", ["tags"]),
        (GROUP, "replacementTrigger", "1"),
        (GROUP, "refreshBeforeUpdate", True),
        (GROUP, "viewOf", SHOP),
        (GROUP, "resourceHooks", {"OnError": ["again"]}),
        (GROUP, "extensionRef", "x"),
        (GROUP, "snippetID", "x"),
        (GROUP, "whatPulumiHasNextYear", 1),
        (ACCOUNT, "inputs", {**ENTRIES[ACCOUNT]["inputs"], "properties": {"kept": 2, "theirs": "x"}}),
        (ACCOUNT, "inputs", {**ENTRIES[ACCOUNT]["inputs"], "properties": {"kept": 1, "theirs": "x", "more": 1}}),
        (ACCOUNT, "protect", True),
        (ACCOUNT, "dependencies", ...),
        (ACCOUNT, "dependencies", [GROUP]),
        (ACCOUNT, "additionalSecretOutputs", ...),
        (ACCOUNT, "retainOnDelete", ...),
        (ACCOUNT, "deletedWith", ...),
        (ACCOUNT, "ignoreChanges", ...),
        (ACCOUNT, "replaceOnChanges", ...),
        (ACCOUNT, "propertyDependencies", ...),
        (SHOP, "outputs", {"name": "other"}),
        (SHOP, "outputs", ...),
        (SHOP, "inputs", {"size": 1}),
        (SHOP, "protect", ...),
        (STACK, "outputs", {"name": "rg", "where": "00000000-0000-4000-8000-00000000000c"}),
        (STACK, "outputs", {"name": "rg", "where": SUBSCRIPTION, "more": 1}),
        (STACK, "outputs", {"name": SECRET, "where": SUBSCRIPTION}),
        (PROVIDER, "id", "another"),
        (PROVIDER, "inputs", {"__internal": {}, "version": "3.28.0"}),
        (PROVIDER, "inputs", {"__internal": {}, "version": "3.29.0", "location": "westeurope"}),
        (PROVIDER, "protect", True),
    ],
)
def test_each_other_field_of_an_entry_is_a_difference(urn: str, field: str, value: object) -> None:
    assert found(written(urn, **{field: value})) != ()


@pytest.mark.parametrize("urn", list(ENTRIES))
def test_an_entry_that_is_missing_or_there_twice_is_a_difference(urn: str) -> None:
    entries = written()
    assert found([each for each in entries if each["urn"] != urn])
    assert found([*entries, ENTRIES[urn]])


def test_what_the_program_does_not_declare_is_a_difference() -> None:
    more = {**ENTRIES[GROUP], "urn": f"{PREFIX}azure-native:resources:ResourceGroup::more"}
    other = {**ENTRIES[PROVIDER], "urn": f"{PREFIX}pulumi:providers:azure-native::default_3_28_0"}
    component = {"urn": f"{PREFIX}azmlflow:index:Shop::more", "type": "azmlflow:index:Shop"}
    for each in (more, other, component):
        assert found([*written(), each]) == (f"{each['urn']} is not declared",)


@pytest.mark.parametrize(
    "declare",
    [
        program({"kind": "x"}),
        program({"properties": {"kept": 2}}),
        program({"properties": {"kept": "1"}}),
        program({"properties": SECRET_INPUT}),
        program({"location": "northeurope"}),
        program(told={"size": 1}),
        program(additional_secret_outputs=["primaryKey", "name"]),
        program(custom_timeouts=pulumi.CustomTimeouts(create="5m")),
        program(delete_before_replace=True, replace_on_changes=["sku"]),
        program(ignore_changes=["properties.theirs", "kind"]),
        program(ignore_changes=["properties.theirs", "tags[0]"]),
        program(import_="/subscriptions/s"),
        program(protect=True),
        program(retain_on_delete=False),
        program(plugin_download_url="https://example.com"),
        program(version="3.28.0"),
    ],
)
def test_each_other_word_of_a_program_is_a_difference(declare: Callable[[], None]) -> None:
    assert found(written(), declare) != ()


def test_what_says_only_how_a_change_is_made_is_no_difference() -> None:
    alias = pulumi.Alias(name="old")
    assert found(written(), program(delete_before_replace=True, aliases=[alias])) == ()


def test_a_setting_of_the_provider_is_its_input() -> None:
    config = {"azure-native:location": "westeurope"}
    assert found(written(), config=config) == (f"{PROVIDER} differs in inputs",)
    inputs = {**ENTRIES[PROVIDER]["inputs"], "location": "westeurope"}
    assert found(written(PROVIDER, inputs=inputs), config=config) == ()


def test_what_is_asked_of_the_cloud_may_have_changed() -> None:
    def asks() -> None:
        program()()
        place = {"resourceGroupName": "rg", "workspaceName": "w", "name": "m"}
        version = pulumi.InvokeOptions(version="3.29.0")
        pulumi.runtime.invoke("azure-native:machinelearningservices:getModelContainer", place, version)

    assert found(written(), asks) == ("the program asks azure-native:machinelearningservices:getModelContainer",)


def test_a_secret_of_the_cloud_stays_one() -> None:
    for value in ("", SECRET):
        assert found(written(STACK, outputs={**ENTRIES[STACK]["outputs"], "key": value}), program(keys=True)) != ()


def test_a_secret_differs_though_its_cipher_is_the_same() -> None:
    one = {"urn": GROUP, "inputs": {"properties": [SECRET]}, "type": "t"}
    assert differing(one, copy.deepcopy(one)) == ("inputs",)
    assert differing({**one, "inputs": {"a": 1}}, {**one, "inputs": {"a": 1}}) == ()
