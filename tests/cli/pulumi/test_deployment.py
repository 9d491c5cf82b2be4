"""Pulumi's state, read from the file backend's own form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.pulumi.deployment import (
    Resource,
    State,
    Written,
    checkpoint_path,
    cleared,
    fault_of,
    is_clear,
    read_checkpoint,
    read_state,
    unprotected,
    without,
    write_checkpoint,
)

GROUP = "azure-native:resources:ResourceGroup"
RESOURCES: list[dict[str, Any]] = [
    {"urn": "urn:s", "type": "pulumi:pulumi:Stack", "outputs": {"trackingUri": "azureml://x"}},
    {"urn": "urn:p", "type": "pulumi:providers:azure-native", "custom": True, "id": "p"},
    {"urn": "urn:c::mlflow", "type": "azmlflow:index:MlflowWorkspace", "custom": False},
    {
        "urn": "urn:r::group",
        "type": GROUP,
        "custom": True,
        "id": "/subscriptions/x",
        "inputs": {"key": {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}},
        "parent": "urn:c::mlflow",
    },
]
DEPLOYMENT = {
    "resources": RESOURCES,
    "pending_operations": [{"resource": {"urn": "urn:v::vault", "type": "t:m:V", "custom": True}, "type": "creating"}],
}


def test_a_state() -> None:
    state = read_state(DEPLOYMENT)
    assert [(r.name, r.kind, r.id, r.inputs) for r in state.resources] == [
        ("group", "ResourceGroup", "/subscriptions/x", {"key": "[secret]"})
    ]
    assert [c.name for c in state.components] == ["mlflow"]
    assert state.outputs == {"trackingUri": "azureml://x"}
    assert [(p.resource.name, p.operation) for p in state.pending] == [("vault", "creating")]
    assert state.has("urn:c::mlflow")
    assert state.has("urn:r::group")
    assert not state.has("urn:v::vault")


def test_a_checkpoint(tmp_path: Path) -> None:
    path = checkpoint_path(tmp_path, "azmlflow", "local")
    assert read_checkpoint(path) is None
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"version": 3, "checkpoint": {"stack": "local", "latest": DEPLOYMENT}}))
    assert read_checkpoint(path) == read_state(DEPLOYMENT)
    path.write_text(json.dumps({"version": 3, "checkpoint": {"stack": "local"}}))
    assert read_checkpoint(path) == read_state(None)


WHOLE = {
    **DEPLOYMENT,
    "manifest": {"version": "v3.259.0"},
    "secrets_providers": {"type": "passphrase", "state": {"salt": "v1:x"}},
    "metadata": {},
}


@pytest.mark.parametrize(
    ("latest", "known"),
    [
        (WHOLE, True),
        ({**WHOLE, "snippets": []}, True),
        ({**WHOLE, "snippets": [{"id": "x"}]}, False),
        ({**WHOLE, "extensions": {"x": {}}}, False),
        ({**WHOLE, "metadata": {"integrity_error": {"version": "x"}}}, False),
        ({**WHOLE, "secrets_providers": {"type": "cloud", "state": {"url": "azurekeyvault://x"}}}, False),
        (DEPLOYMENT, False),
    ],
)
def test_a_checkpoint_as_its_file_has_it(tmp_path: Path, latest: dict[str, object], known: bool) -> None:
    path = tmp_path / "local.json"
    path.write_text(json.dumps({"version": 3, "checkpoint": {"latest": latest}}))
    state = read_checkpoint(path)
    assert state is not None
    written = Written(tuple(RESOURCES), "v1:x")
    assert state.written == (written if known else None)
    assert "v1:x" not in repr(state)


def test_a_torn_checkpoint_names_the_command_that_mends_it(tmp_path: Path) -> None:
    path = tmp_path / "local.json"
    path.write_text("{")
    with pytest.raises(CliError) as caught:
        read_checkpoint(path)
    assert str(caught.value.next).startswith("azmlflow local repair")
    assert caught.value.where == str(path)


def test_of_a_resource_all_is_read_that_others_ask_for() -> None:
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
    entry = {
        "urn": "urn:pulumi:local::shop::a:b:Vault::mlflow-vault",
        "type": "azure-native:keyvault:Vault",
        "custom": True,
        "id": "/v",
        "inputs": {"sku": "standard"},
        "outputs": {"uri": "https://v", "key": secret},
        "parent": "urn:p",
        "external": True,
        "protect": True,
    }
    bare = {"urn": "", "type": "Bare", "custom": True}
    full, least = read_state({"resources": [entry, bare]}).resources
    assert full == Resource(
        urn="urn:pulumi:local::shop::a:b:Vault::mlflow-vault",
        type="azure-native:keyvault:Vault",
        id="/v",
        inputs={"sku": "standard"},
        outputs={"uri": "https://v", "key": "[secret]"},
        parent="urn:p",
        external=True,
        protected=True,
    )
    assert (full.name, full.kind) == ("mlflow-vault", "Vault")
    assert least == Resource(urn="", type="Bare", id="", inputs={}, outputs={}, parent="", external=False)
    assert (least.name, least.kind, least.protected) == ("", "Bare", False)


def test_a_stack_without_outputs_has_none() -> None:
    assert read_state({"resources": [{"urn": "urn:s", "type": "pulumi:pulumi:Stack"}]}).outputs == {}
    assert read_state({"resources": None, "pending_operations": None}) == State()


def test_what_azure_alone_says_of_a_workspace_is_no_input_of_an_import() -> None:
    """Sent with a later change of the workspace, a rule that the settings took away would come again."""
    token = "azure-native:machinelearningservices:Workspace"
    network = {"isolationMode": "AllowInternetOutbound", "status": {"status": "Active"}, "outboundRules": {"r": {}}}
    before = {
        "resources": [
            {"urn": "a", "type": token, "inputs": {"location": "x", "managedNetwork": network}},
            {"urn": "b", "type": "azmlflow:index:MlflowWorkspace"},
            {"urn": "c", "type": "t:t:T", "inputs": {"managedNetwork": network}},
        ]
    }
    first, *others = cleared(before)["resources"]
    assert first["inputs"] == {"location": "x", "managedNetwork": {"isolationMode": "AllowInternetOutbound"}}
    assert others == before["resources"][1:]
    assert not is_clear(State((Resource("a", token, "/x", {"managedNetwork": network}),)))
    assert is_clear(State((Resource("a", token, "/x", first["inputs"]), Resource("c", "t:t:T"))))


def test_the_engine_may_delete_what_is_unprotected_and_nothing_else() -> None:
    before = {"secrets": "x", "resources": [{"urn": "a", "protect": True}, {"urn": "b", "protect": True}, {"urn": "c"}]}
    assert unprotected(before, ["a"]) == {
        "secrets": "x",
        "resources": [{"urn": "a", "protect": False}, {"urn": "b", "protect": True}, {"urn": "c"}],
    }
    assert unprotected({"resources": None}, ["a"]) == {"resources": []}
    assert before["resources"][0] == {"urn": "a", "protect": True}


def test_what_is_forgotten_leaves_no_trace_in_what_depended_on_it() -> None:
    after = without(
        {
            "manifest": 1,
            "resources": [
                {"urn": "group", "id": "/g", "importID": "vault"},
                {"urn": "vault", "id": "/v", "dependencies": ["group"]},
                {
                    "urn": "workspace",
                    "id": "/w",
                    "deletedWith": "vault",
                    "dependencies": ["group", "vault"],
                    "propertyDependencies": {"keyVault": ["vault"], "group": ["group", "vault"], "none": None},
                },
                {"urn": "plain", "deletedWith": "group", "dependencies": None, "propertyDependencies": None},
            ],
        },
        ["vault"],
    )
    assert after == {
        "manifest": 1,
        "resources": [
            {"urn": "group", "id": "/g", "importID": "vault"},
            {
                "urn": "workspace",
                "id": "/w",
                "dependencies": ["group"],
                "propertyDependencies": {"keyVault": [], "group": ["group"], "none": []},
            },
            {"urn": "plain", "deletedWith": "group", "dependencies": [], "propertyDependencies": {}},
        ],
    }
    assert without({"resources": None}, ["vault"]) == {"resources": []}


GOOD = {"urn": "u", "type": "t"}


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("{", "it is not JSON"),
        ("[" * 100_000, "it is not JSON"),
        ("[]", "it holds no state"),
        ("{}", "it holds no state"),
        ('{"checkpoint": []}', "it holds no state"),
        ('{"checkpoint": {"latest": []}}', "it holds no state"),
        ({"resources": {}}, "its resources are no list"),
        ({"pending_operations": 1}, "its pending operations are no list"),
        ({"resources": [GOOD, {"urn": "u"}]}, "one of its resources has no name or no type"),
        ({"resources": [{"urn": "u", "type": ""}]}, "one of its resources has no name or no type"),
        ({"resources": [{"type": "t"}]}, "one of its resources has no name or no type"),
        ({"resources": ["text"]}, "one of its resources has no name or no type"),
        ({"pending_operations": [{"resource": {"urn": "u"}}]}, "one of its resources has no name or no type"),
        ({"pending_operations": ["text"]}, "one of its resources has no name or no type"),
        ({"pending_operations": [{"resource": GOOD, "type": "creating"}]}, None),
        ({"resources": [GOOD], "pending_operations": None}, None),
        ('{"checkpoint": {"latest": null}}', None),
        ('{"checkpoint": {}}', None),
    ],
)
def test_a_damaged_state_says_what_is_wrong_with_it(content: object, fault: str | None, tmp_path: Path) -> None:
    path = tmp_path / "local.json"
    text = content if isinstance(content, str) else json.dumps({"checkpoint": {"latest": content}})
    path.write_text(text, encoding="utf-8")
    assert fault_of(path) == fault


def test_a_state_that_is_a_folder_says_so_in_the_systems_words(tmp_path: Path) -> None:
    assert fault_of(tmp_path) == "Is a directory"


def test_a_file_backend_keeps_a_state_where_pulumi_does() -> None:
    # pulumi pkg/backend/diy/store.go: `.pulumi/stacks/<project>/<stack>.json`
    assert checkpoint_path(Path("/b"), "shop", "dev") == Path("/b/.pulumi/stacks/shop/dev.json")


def test_an_empty_state_is_written_as_the_engine_would(tmp_path: Path) -> None:
    assert write_checkpoint(tmp_path, "p", "dev")
    assert (tmp_path / ".pulumi/meta.yaml").read_text() == "version: 1\n"
    path = tmp_path / ".pulumi/stacks/p/dev.json"
    assert json.loads(path.read_text()) == {"version": 3, "checkpoint": {"stack": "organization/p/dev"}}
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_checkpoint(path) == State()


def test_a_backend_that_has_just_begun_is_used_and_one_of_another_layout_left(
    tmp_path: Path,
) -> None:
    """The workspaces of a fleet begin one backend side by side: its folder is there before what tells its layout."""
    (tmp_path / ".pulumi/stacks/p").mkdir(parents=True)
    assert write_checkpoint(tmp_path, "p", "dev")
    assert (tmp_path / ".pulumi/meta.yaml").exists()
    old = tmp_path / "old"
    (old / ".pulumi/stacks").mkdir(parents=True)
    (old / ".pulumi/stacks/prod.json").write_text("{}")
    assert not write_checkpoint(old, "p", "dev")
    assert [path.name for path in (old / ".pulumi").rglob("*.*")] == ["prod.json"]
