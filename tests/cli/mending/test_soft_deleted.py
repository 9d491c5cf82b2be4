"""What `up` does where something soft-deleted holds a name, by `onSoftDeleted`."""

from __future__ import annotations

from typing import Any

import pytest

from azmlflow.cli.azure.errors import ArmError
from azmlflow.cli.pulumi.changes import OnChange, Outcome
from azmlflow.cli.pulumi.deployment import Resource
from azmlflow.infra.plan.tags import ownership
from azmlflow.infra.settings.settings import Settings
from tests.cli.desk import GROUP_ID, SUBSCRIPTION, WORKSPACE, WORKSPACE_ID, Desk
from tests.cli.wire import Response

PLACE = f"/subscriptions/{SUBSCRIPTION}/providers"
NAMES = Settings.from_mapping({"azmlflow:registry": "own"}).names("local", SUBSCRIPTION)
VAULT_ID = f"{GROUP_ID}/providers/Microsoft.KeyVault/vaults/{NAMES.key_vault}"
DELETED_VAULT = f"{PLACE}/Microsoft.KeyVault/locations/westeurope/deletedVaults/{NAMES.key_vault}"
DELETED_WORKSPACE = f"{PLACE}/Microsoft.MachineLearningServices/locations/westeurope/deletedWorkspaces/{WORKSPACE}"
VAULT_URN = "urn:pulumi:local::azmlflow::azmlflow:index:MlflowWorkspace$azure-native:keyvault:Vault::mlflow-vault"
OURS = ownership("azmlflow", "local")


def settings(desk: Desk, word: str, *lines: str) -> None:
    more = "".join(f"  azmlflow:{line}\n" for line in lines)
    desk.settings(text=f"config:\n  azmlflow:cloud: local\n  azmlflow:onSoftDeleted: {word}\n{more}")


def bury(desk: Desk, *, vault: bool = True, workspace: bool = True, **properties: Any) -> None:
    if vault:
        desk.arm.put(DELETED_VAULT, properties={"tags": OURS, "vaultId": VAULT_ID, **properties})
    if workspace:
        desk.arm.put(DELETED_WORKSPACE, properties={"workspaceId": WORKSPACE_ID})


@pytest.fixture
def recoverable(desk: Desk) -> Desk:
    """A desk whose Azure takes what is recovered, and what is purged, from what is soft-deleted."""
    write, delete = desk.arm.write, desk.arm.delete

    def recover(path: str, document: dict[str, Any], query: str) -> Any:
        if path == WORKSPACE_ID:
            desk.arm.documents.pop(DELETED_WORKSPACE.lower(), None)
        if path == VAULT_ID:
            desk.arm.documents.pop(DELETED_VAULT.lower(), None)
        return write(path, document, query)

    def purge(path: str, query: str) -> Any:
        if path == WORKSPACE_ID and query == "forceToPurge=true":
            desk.arm.documents.pop(DELETED_WORKSPACE.lower(), None)
        return delete(path, query)

    desk.arm.write = recover  # type: ignore[method-assign]
    desk.arm.delete = purge  # type: ignore[method-assign]
    return desk


def test_by_default_up_stops_and_names_the_commands(desk: Desk) -> None:
    bury(desk)
    done = desk.run("up")
    assert done.code == 1
    assert str(NAMES.key_vault) in done.err
    assert WORKSPACE in done.err
    assert "next: azmlflow down --stack local" in done.err
    assert "onSoftDeleted" in done.err
    assert desk.stack.calls == ["create"]


def test_purge_frees_the_names_and_goes_on(recoverable: Desk) -> None:
    settings(recoverable, "purge")
    bury(recoverable)
    done = recoverable.run("up")
    assert done.code == 0
    assert recoverable.arm.calls == [f"DELETE {WORKSPACE_ID}?forceToPurge=true", f"POST {DELETED_VAULT}/purge"]
    assert recoverable.stack.calls == ["create", "up"]
    assert f"purging the soft-deleted workspace {WORKSPACE} ..." in done.err
    assert f"purging the soft-deleted key vault {NAMES.key_vault} ..." in done.err


def lists_no_deleted_workspaces(desk: Desk) -> None:
    """Have Azure not tell of them: there may be one, or none."""
    listing = desk.arm.list

    def none(path: str) -> Any:
        if path.endswith("/deletedWorkspaces"):
            raise ArmError(404, "NotFound", "there is no such list", path)
        return listing(path)

    desk.arm.list = none  # type: ignore[method-assign]


def test_where_azure_lists_no_deleted_workspaces_one_is_purged_all_the_same(recoverable: Desk) -> None:
    settings(recoverable, "purge")
    lists_no_deleted_workspaces(recoverable)
    done = recoverable.run("up")
    assert done.code == 0
    assert recoverable.arm.calls == [f"DELETE {WORKSPACE_ID}?forceToPurge=true"]
    assert "soft-deleted workspace" not in done.err  # there may be none


def test_what_is_protected_is_not_purged(recoverable: Desk) -> None:
    settings(recoverable, "purge")
    bury(recoverable, purgeProtectionEnabled=True, scheduledPurgeDate="2027-01-01")
    done = recoverable.run("up")
    assert done.code == 1
    assert "purge-protected until 2027-01-01" in done.err
    assert "onSoftDeleted recover" in done.err
    assert f"[{DELETED_VAULT}]" in done.err
    assert recoverable.arm.calls == []


@pytest.mark.parametrize("word", ["purge", "recover"])
def test_a_vault_of_another_is_left_alone(recoverable: Desk, word: str) -> None:
    settings(recoverable, word)
    bury(recoverable, tags=ownership("azmlflow", "prod"))
    done = recoverable.run("up")
    assert done.code == 1
    assert "was not this stack's" in done.err
    assert f"[{DELETED_VAULT}]" in done.err
    assert "onSoftDeleted rename" in done.err
    assert recoverable.arm.calls == []


def test_recover_brings_the_vault_back_and_takes_it_over(recoverable: Desk) -> None:
    settings(recoverable, "recover")
    bury(recoverable, workspace=False)
    done = recoverable.run("up")
    assert done.code == 0
    assert f"bringing back key vault {NAMES.key_vault} ..." in done.err
    assert "bringing back workspace" not in done.err
    assert recoverable.arm.calls == [f"PUT {GROUP_ID}", f"PUT {VAULT_ID}"]
    group, vault = (recoverable.arm.documents[each.lower()] for each in (GROUP_ID, VAULT_ID))
    assert (group["location"], group["tags"], vault["location"], vault["tags"]) == (
        *("westeurope", OURS),
        *("westeurope", OURS),
    )
    # Microsoft, "Vaults - Create Or Update": a recovery too has to name the tenant and the SKU.
    assert vault["properties"] == {
        "createMode": "recover",
        "tenantId": "t1",
        "sku": {"family": "A", "name": "standard"},
    }
    assert [each.id for each in recoverable.stack.imported] == [GROUP_ID, VAULT_ID]
    assert recoverable.stack.calls == ["create", "import", "up"]


def test_a_group_that_stands_is_not_written_again(recoverable: Desk) -> None:
    """A PUT would take away tags that others gave it."""
    settings(recoverable, "recover")
    bury(recoverable, workspace=False)
    recoverable.arm.put(GROUP_ID, tags=OURS)
    assert recoverable.run("up").code == 0
    assert recoverable.arm.calls == [f"PUT {VAULT_ID}"]


def test_recover_makes_what_a_workspace_stands_on_first(recoverable: Desk) -> None:
    settings(recoverable, "recover", "registry: own", "locks: true")  # these stand on it, not the workspace
    bury(recoverable, vault=False)
    stack, up = recoverable.stack, recoverable.stack.up

    def made(on_change: OnChange | None = None, targets: Any = (), *, without: Any = ()) -> Outcome:
        if targets:
            recoverable.arm.put(GROUP_ID, tags=OURS)
        return up(on_change, targets, without=without)

    stack.up = made  # type: ignore[method-assign]
    respond, put = recoverable.arm.respond, list[str]()

    def heard(request: Any) -> Response:
        put.extend([request.url] if request.method == "PUT" else [])
        return respond(request)

    recoverable.arm.respond = heard  # type: ignore[method-assign]
    done = recoverable.run("up")
    # Later versions have no such property (azure-ai-ml, arm_templates/workspace_base.json).
    assert [url.partition("api-version=")[2] for url in put] == ["2023-08-01-preview"]
    assert done.code == 0
    assert f"bringing back workspace {WORKSPACE}, as Azure kept it: artifacts are in its storage account" in done.err
    first, taken, then = stack.calls[1:]
    assert {each.rpartition("::")[2] for each in first.split()[1:]} == {
        *("mlflow", "mlflow-group", "mlflow-storage", "mlflow-vault", "mlflow-logs", "mlflow-insights"),
        "mlflow-registry",
    }
    assert (taken, then) == ("import", "up")
    assert recoverable.arm.calls == [f"PUT {WORKSPACE_ID}"]
    body = recoverable.arm.documents[WORKSPACE_ID.lower()]
    assert body["properties"]["allowRecoverSoftDeletedWorkspace"] is True
    assert body["properties"]["keyVault"] == VAULT_ID
    assert body["properties"]["containerRegistry"].endswith(f"/registries/{NAMES.container_registry}")
    assert body["tags"] == OURS
    assert body["location"] == "westeurope"
    assert body["identity"]["type"] == "SystemAssigned"
    assert WORKSPACE_ID in [each.id for each in stack.imported]


@pytest.mark.parametrize("vault", [True, False], ids=["vault", "workspace"])
@pytest.mark.parametrize("state", ["Failed", "Canceled"])
def test_what_fails_to_come_back_is_told(recoverable: Desk, state: str, *, vault: bool) -> None:
    settings(recoverable, "recover")
    bury(recoverable, vault=vault, workspace=not vault)
    write = recoverable.arm.write

    def fail(path: str, document: dict[str, Any], query: str) -> Any:
        document.setdefault("properties", {})["provisioningState"] = state
        return write(path, document, query)

    recoverable.arm.write = fail  # type: ignore[method-assign]
    done = recoverable.run("up")
    assert (done.code, f"it did not come back: its state is {state}" in done.err) == (1, True)
    assert "import" not in recoverable.stack.calls


def test_what_is_on_its_way_back_is_waited_for(recoverable: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    settings(recoverable, "recover")
    bury(recoverable, workspace=False)
    write, get, looks = recoverable.arm.write, recoverable.arm.get, [0]

    def begin(path: str, document: dict[str, Any], query: str) -> Any:
        if path == VAULT_ID:
            document["properties"]["provisioningState"] = "RegisteringDns"
        return write(path, document, query)

    def look(path: str) -> Any:
        looks[0] += path == VAULT_ID
        if looks[0] == 3:
            recoverable.arm.documents[VAULT_ID.lower()]["properties"]["provisioningState"] = "Succeeded"
        return get(path)

    monkeypatch.setattr(recoverable.arm, "write", begin)
    monkeypatch.setattr(recoverable.arm, "get", look)
    assert recoverable.run("up").code == 0
    assert looks[0] >= 3
    assert VAULT_ID in [each.id for each in recoverable.stack.imported]


def test_rename_takes_another_salt_and_writes_it_down(desk: Desk) -> None:
    settings(desk, "rename")
    bury(desk)
    assert desk.run("up").code == 0
    text = (desk.root / "Pulumi.local.yaml").read_text()
    assert "azmlflow:salt: '2'" in text.replace('"', "'")
    assert desk.arm.calls == []


def test_rename_of_a_stack_that_was_deleted_elsewhere_loses_nothing(desk: Desk) -> None:
    """Its outputs go on naming the workspace that is gone."""
    settings(desk, "rename")
    desk.stand()
    bury(desk)
    assert desk.run("up").code == 0


def test_rename_goes_on_until_a_name_is_free(desk: Desk) -> None:
    settings(desk, "rename", "salt: x")
    for salt in ("x", "x-2"):
        names = Settings.from_mapping({"azmlflow:salt": salt}).names("local", SUBSCRIPTION)
        desk.arm.put(f"{PLACE}/Microsoft.KeyVault/locations/westeurope/deletedVaults/{names.key_vault}", properties={})
    assert desk.run("up").code == 0
    assert "azmlflow:salt: x-3" in (desk.root / "Pulumi.local.yaml").read_text().replace('"', "")


def test_a_name_that_the_settings_fix_is_not_renamed(desk: Desk) -> None:
    settings(desk, "rename", f"keyVault: {NAMES.key_vault}")
    bury(desk, workspace=False)
    done = desk.run("up")
    assert (done.code, "no other name is taken" in done.err) == (1, True)
    assert "the settings name it: azmlflow:keyVault [" in done.err
    assert f"[{desk.root / 'Pulumi.local.yaml'}]" in done.err
    assert "next: azmlflow down --stack local    (purges it; or azmlflow set onSoftDeleted recover)" in done.err
    assert "salt" not in (desk.root / "Pulumi.local.yaml").read_text()


def test_a_workspace_that_the_settings_name_is_not_renamed(desk: Desk) -> None:
    """Its vault follows from the salt, but another vault frees no workspace."""
    settings(desk, "rename", f"workspace: {WORKSPACE}")
    bury(desk, vault=False)
    done = desk.run("up")
    assert (done.code, "the settings name it: azmlflow:workspace [" in done.err) == (1, True)
    assert "salt" not in (desk.root / "Pulumi.local.yaml").read_text()


@pytest.mark.parametrize("fixed", [f"workspace: {WORKSPACE}", f"keyVault: {NAMES.key_vault}"])
def test_a_name_that_is_fixed_and_free_stays_when_the_other_one_is_held(desk: Desk, fixed: str) -> None:
    settings(desk, "rename", fixed)
    vault = fixed.startswith("workspace")
    bury(desk, vault=vault, workspace=not vault)
    done = desk.run("up")
    assert done.code == 0, done.err
    assert "other names are taken, by azmlflow:salt 2" in done.err


def test_when_all_salts_are_held_the_command_that_frees_a_name_is_told(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings(desk, "rename")
    get, asked = desk.arm.get, set[str]()

    def held(path: str) -> dict[str, Any] | None:
        if "/deletedVaults/" not in path:
            return get(path)
        asked.add(path)
        return {"id": path, "properties": {"tags": OURS}}

    monkeypatch.setattr(desk.arm, "get", held)
    done = desk.run("up")
    assert (done.code, "error: soft-deleted, as is what 20 other salts name: key vault " in done.err) == (1, True)
    assert len(asked) == 21  # its own name, and 20 others
    assert f"[{desk.root / 'Pulumi.local.yaml'}]" in done.err
    assert "next: azmlflow down --stack local    (purges it)" in done.err
    assert "salt" not in (desk.root / "Pulumi.local.yaml").read_text()


def test_a_stack_of_which_parts_stand_is_not_renamed(desk: Desk) -> None:
    settings(desk, "rename")
    group = "azure-native:resources:ResourceGroup"
    urn = f"urn:pulumi:local::azmlflow::azmlflow:index:MlflowWorkspace${group}::mlflow-group"
    desk.stack.there = True
    desk.stack.held = type(desk.stack.held)((Resource(urn, group, GROUP_ID, {"tags": OURS}),))
    desk.arm.put(GROUP_ID, tags=OURS)
    bury(desk)
    done = desk.run("up")
    held = f"key vault {NAMES.key_vault}, workspace {WORKSPACE}; other parts of the stack stand under names like it ["
    assert (done.code, held in done.err) == (1, True)
    assert "next: azmlflow set onSoftDeleted recover --stack local\n" in done.err


@pytest.mark.parametrize("word", ["purge", "recover", "rename"])
def test_nothing_soft_deleted_is_nothing_to_meet(desk: Desk, word: str) -> None:
    settings(desk, word)
    desk.stand_whole()
    assert desk.run("up").code == 0
    assert desk.arm.calls == []


@pytest.mark.parametrize(
    ("word", "says"), [("purge", "purges it"), ("recover", "brings back"), ("rename", "other names")]
)
def test_doctor_tells_what_up_would_do(desk: Desk, word: str, says: str) -> None:
    settings(desk, word)
    bury(desk)
    checks = desk.run("doctor", "-o", "json").json()["checks"]
    found = next(each for each in checks if each["name"] == "soft-deleted")
    assert (found["status"], says in found["says"]) == ("warning", True)


def without_vault(desk: Desk, word: str) -> Desk:
    """A stack that stands but for its vault, which somebody deleted."""
    settings(desk, word)
    desk.stand_whole()
    bury(desk, workspace=False)
    return desk


def test_of_a_standing_stack_too_up_stops_and_advises_nothing_that_removes_it(desk: Desk) -> None:
    done = without_vault(desk, "fail").run("up")
    assert (done.code, desk.arm.calls) == (1, [])
    assert str(NAMES.key_vault) in done.err
    assert "azmlflow set onSoftDeleted recover, then azmlflow up" in done.err
    assert "azmlflow down" not in done.err
    (found,) = (each for each in desk.run("doctor", "-o", "json").json()["checks"] if each["name"] == "soft-deleted")
    assert (found["status"], str(NAMES.key_vault) in found["says"]) == ("failed", True)


def test_of_a_standing_stack_the_vault_comes_back_and_nothing_else_is_touched(recoverable: Desk) -> None:
    assert without_vault(recoverable, "recover").run("up").code == 0
    assert recoverable.arm.calls == [f"PUT {GROUP_ID}", f"PUT {VAULT_ID}"]
    assert VAULT_ID in [each.id for each in recoverable.stack.imported]


def test_of_a_standing_stack_the_vault_is_purged_and_never_the_workspace(recoverable: Desk) -> None:
    assert without_vault(recoverable, "purge").run("up").code == 0
    assert recoverable.arm.calls == [f"POST {DELETED_VAULT}/purge"]


@pytest.mark.parametrize(
    ("word", "calls"),
    [("purge", [f"POST {DELETED_VAULT}/purge"]), ("recover", [f"PUT {GROUP_ID}", f"PUT {VAULT_ID}"])],
)
def test_a_workspace_that_stands_is_not_touched_where_azure_lists_no_deleted_ones(
    recoverable: Desk, word: str, calls: list[str]
) -> None:
    without_vault(recoverable, word)
    lists_no_deleted_workspaces(recoverable)
    assert recoverable.run("up").code == 0
    assert recoverable.arm.calls == calls


def test_a_given_group_is_not_made(recoverable: Desk) -> None:
    given = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP_ID.rpartition('/')[2]}"
    settings(recoverable, "recover", f"group: {given}")
    without = f"{GROUP_ID}/providers/Microsoft.KeyVault/vaults/"
    bury(recoverable, workspace=False)
    recoverable.run("up")
    assert f"PUT {GROUP_ID}" not in recoverable.arm.calls
    assert [call.partition(without)[0] for call in recoverable.arm.calls if without in call][:1] == ["PUT "]


def test_a_standing_stack_with_its_vault_asks_nothing_of_what_is_soft_deleted(desk: Desk) -> None:
    settings(desk, "recover")
    desk.arm.put(VAULT_ID, type="Microsoft.KeyVault/vaults")
    desk.stand_whole(Resource(VAULT_URN, "azure-native:keyvault:Vault", VAULT_ID))
    bury(desk)
    assert desk.run("up").code == 0
    assert desk.arm.calls == []


def test_a_stack_on_a_given_vault_may_lack_its_workspace_alone(desk: Desk) -> None:
    vault = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-shared/providers/Microsoft.KeyVault/vaults/kv-shared"
    desk.arm.put(vault, type="Microsoft.KeyVault/vaults", location="westeurope", properties={})
    settings(desk, "fail", f"vault: {vault}")
    bury(desk, vault=False)
    done = desk.run("up")
    assert (done.code, desk.stack.calls) == (1, ["create"])
    assert f"workspace {WORKSPACE}" in done.err
    assert "onSoftDeleted" in done.err


def test_a_standing_stack_on_a_given_vault_lacks_nothing(desk: Desk) -> None:
    vault = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-shared/providers/Microsoft.KeyVault/vaults/kv-shared"
    desk.arm.put(vault, type="Microsoft.KeyVault/vaults", location="westeurope", properties={})
    settings(desk, "recover", f"vault: {vault}")
    desk.stand_whole()
    asked: list[str] = []
    listing = desk.arm.list

    def listed(path: str) -> Any:
        asked.append(path)
        return listing(path)

    desk.arm.list = listed  # type: ignore[method-assign]
    desk.run("up")
    assert not [path for path in asked if "deleted" in path.lower()]
