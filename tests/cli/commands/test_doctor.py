"""`doctor`: every check with a good and a bad answer, what is fixed, and what stops an `up`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ServiceRequestError

from azmlflow.cli import checks
from azmlflow.cli.azure.caller import SignedIn, read_claims
from azmlflow.cli.azure.errors import ArmError
from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.checks.machine import judge_packages
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.pulumi import engine
from azmlflow.infra.plan.tags import ownership
from azmlflow.infra.settings.settings import Settings
from tests.cli.desk import GROUP_ID, SUBSCRIPTION, WORKSPACE, WORKSPACE_ID, Desk

PLACE = f"/subscriptions/{SUBSCRIPTION}"
NAMES = Settings.from_mapping({}).names("local", SUBSCRIPTION)
LOCATIONS = f"{PLACE}/providers/Microsoft.MachineLearningServices/locations/westeurope"
CLUSTER = "config:\n  azmlflow:cloud: local\n  azmlflow:clusters: [{name: cpu, vmSize: Standard_DS3_v2, maxNodes: 4}]\n"
ENGINE = engine.Engine(Path("/opt/pulumi"), "3.259.0", "built")


@pytest.fixture(autouse=True)
def engine_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "present", lambda _environment: ENGINE)


def asked(desk: Desk, *words: str) -> dict[str, dict[str, Any]]:
    """The checks of `azmlflow doctor`, by name."""
    done = desk.run("doctor", "-o", "json", *words)
    document = done.json()
    assert document["ok"] is (done.code == 0)
    return {entry["name"]: entry for entry in document["checks"]}


def test_all_is_well(desk: Desk) -> None:
    found = asked(desk)
    assert list(found) == [check.name for check in checks.CHECKS]
    assert {entry["status"] for name, entry in found.items() if name != "plugin"} <= {"ok", "skipped"}
    assert found["credentials"]["says"].startswith("signed in as developer@local.test")
    assert desk.stack.calls == []
    assert desk.arm.calls == []


def test_every_check_is_a_record_of_its_own() -> None:
    names = [check.name for check in checks.CHECKS]
    assert len(set(names)) == len(names)
    for check in checks.CHECKS:
        assert check.question.endswith("?"), check.name
        assert "{" not in check.fix.format(stack="prod")


def test_no_engine(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "present", lambda _environment: None)
    done = desk.run("doctor")
    assert done.code == 1
    assert "no Pulumi engine" in done.out
    assert "next: make engine" in done.err


def test_nobody_is_signed_in_and_nothing_else_is_asked_of_the_cloud(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(_self: object) -> SignedIn:
        raise CliError("nobody is signed in", next="az login")

    monkeypatch.setattr(checks.Situation, "caller", property(nobody))
    found = asked(desk)
    assert (found["credentials"]["status"], found["credentials"]["fix"]) == ("failed", "az login")
    assert found["engine"]["status"] == "ok"
    assert {entry["says"] for name, entry in found.items() if name in CLOUD} == {"not asked: it needs `credentials`"}
    assert [name for name, entry in found.items() if entry["status"] == "failed"] == ["credentials"]


CLOUD = ("subscription", "providers", "region", "quota", "names", "soft-deleted", "rights", "locks", "standing")


def on_azure(desk: Desk, monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    """The stack is on Azure, with its state in a backend of the user's own."""
    (desk.root / "Pulumi.local.yaml").write_text("config:\n  azmlflow:location: westeurope\n")
    for name in ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_BACKEND_URL"):
        desk.environment.pop(name, None)
    desk.environment.update(variables)


def test_the_first_cause_alone_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Backend, secrets, sign-in, rights: in this order, and what comes after a fault is not asked."""
    on_azure(desk, monkeypatch)
    desk.stack.unread = CliError("Pulumi is told no backend", next="export PULUMI_BACKEND_URL=X")
    desk.stack.locked = CliError("under another passphrase", next="export PULUMI_CONFIG_PASSPHRASE_FILE=FILE")
    desk.stack.there = True
    found = asked(desk)
    assert [name for name, entry in found.items() if entry["status"] == "failed"] == ["backend"]
    assert (found["backend"]["says"], found["backend"]["fix"]) == (
        "Pulumi is told no backend",
        "export PULUMI_BACKEND_URL=X",
    )
    assert {found[name]["says"] for name in ("secrets", "credentials", "rights")} == {"not asked: it needs `backend`"}
    desk.stack.unread = None
    found = asked(desk)
    assert [name for name, entry in found.items() if entry["status"] == "failed"] == ["secrets"]
    assert found["credentials"]["says"] == "not asked: it needs `secrets`"
    desk.stack.locked = None
    found = asked(desk)
    assert [name for name, entry in found.items() if entry["status"] == "failed"] == []


@pytest.mark.parametrize(
    ("variables", "status"),
    [
        ({"PULUMI_BACKEND_URL": "azblob://state"}, "failed"),
        ({"PULUMI_BACKEND_URL": "azblob://state", "PULUMI_CONFIG_PASSPHRASE": ""}, "ok"),
        ({"PULUMI_BACKEND_URL": "file:///state", "PULUMI_CONFIG_PASSPHRASE_FILE": "/x"}, "ok"),
        ({"PULUMI_BACKEND_URL": "https://pulumi.contoso.com"}, "ok"),
        ({}, "ok"),
    ],
)
def test_a_new_state_needs_a_passphrase(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], status: str
) -> None:
    on_azure(desk, monkeypatch, **variables)
    found = asked(desk)["secrets"]
    assert found["status"] == status
    assert str(found["fix"]).startswith("export PULUMI_CONFIG_PASSPHRASE_FILE=") is (status == "failed")


def test_a_key_of_a_vault_needs_no_passphrase(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    on_azure(desk, monkeypatch, PULUMI_BACKEND_URL="azblob://state")
    path = desk.root / "Pulumi.local.yaml"
    path.write_text(f"secretsprovider: azurekeyvault://kv.vault.azure.net/keys/k\n{path.read_text()}")
    assert asked(desk)["secrets"]["status"] == "ok"


def test_the_cloud_cannot_be_asked(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from azmlflow.cli.commands.stack import doctor

    taken = CliError("port 1 is taken", next="azmlflow local start --port 2")
    monkeypatch.setattr(doctor, "_visit", lambda _session: taken)
    found = asked(desk)
    assert found["credentials"]["status"] == "failed"
    assert "port 1 is taken" in found["credentials"]["says"]
    assert found["credentials"]["fix"] == "azmlflow local start --port 2"
    assert found["subscription"] == {**found["subscription"], "status": "skipped", "fix": None}
    assert "needs `credentials`" in found["subscription"]["says"]
    assert found["engine"]["status"] == "ok"
    done = desk.run("doctor")
    assert (done.code, done.err.count("port 1 is taken")) == (1, 1)


@pytest.mark.parametrize(
    ("document", "words", "fix"),
    [
        (None, "is not visible", "azmlflow run --without-stack -- az account list --all"),
        (
            {"state": "Disabled", "tenantId": "t1"},
            "is Disabled",
            "azmlflow run --without-stack -- az account list --all",
        ),
        ({"state": "Enabled", "tenantId": "t2"}, "trusts tenant t2", "az login --tenant t2"),
    ],
)
def test_a_subscription_that_will_not_do(desk: Desk, document: dict[str, Any] | None, words: str, fix: str) -> None:
    desk.arm.subscription = document  # type: ignore[assignment]
    found = asked(desk)["subscription"]
    assert (found["status"], words in found["says"], found["fix"]) == ("failed", True, fix)


def test_a_provider_is_registered_by_fix(desk: Desk) -> None:
    path = f"{PLACE}/providers/Microsoft.KeyVault"
    desk.arm.put(path, registrationState="NotRegistered")
    found = asked(desk)["providers"]
    assert (found["status"], found["safe"]) == ("failed", True)
    assert "az provider register --namespace Microsoft.KeyVault" in found["fix"]
    assert desk.run("up").code == 1
    assert "up" not in desk.stack.calls
    asked(desk, "--fix")
    assert desk.arm.asked[-1][0] == f"{path}/register"


def test_a_provider_that_is_not_there_is_not_taken_for_a_registered_one(desk: Desk) -> None:
    get = desk.arm.get

    def without(path: str) -> dict[str, Any] | None:
        if path == f"{PLACE}/providers/Microsoft.KeyVault":
            raise ArmError(404, "InvalidResourceNamespace", "The resource namespace is invalid.", path)
        return get(path)

    desk.arm.get = without  # type: ignore[method-assign]
    found = asked(desk)
    assert found["providers"]["status"] == "failed"
    assert found["providers"]["says"] == "this cloud has no resource provider Microsoft.KeyVault"
    assert found["region"]["says"] == "westeurope does not offer Microsoft.KeyVault/vaults"


def test_a_region_without_a_type(desk: Desk) -> None:
    offered = {"resourceType": "workspaces", "locations": ["East US", "North Europe"]}
    desk.arm.put(f"{PLACE}/providers/Microsoft.MachineLearningServices", resourceTypes=[offered])
    found = asked(desk)["region"]
    assert (found["status"], found["fix"]) == ("failed", "edit Pulumi.local.yaml")
    desk.settings(text="config:\n  azmlflow:cloud: local\n  azmlflow:location: northeurope\n")
    assert asked(desk)["region"]["status"] == "ok"


@pytest.mark.parametrize(
    ("limit", "used", "status"), [(16, 0, "ok"), (15, 0, "warning"), (24, 8, "ok"), (24, 9, "warning")]
)
def test_quota_of_the_clusters_family(desk: Desk, limit: int, used: int, status: str) -> None:
    desk.settings(text=CLUSTER)
    desk.arm.put(f"{LOCATIONS}/vmSizes/a", name="STANDARD_DS3_V2", family="standardDSv2Family", vCPUs=4)
    desk.arm.documents[f"{LOCATIONS}/vmSizes/a".lower()]["name"] = "STANDARD_DS3_V2"
    usage = {"name": {"value": "standardDSv2Family"}, "limit": limit, "currentValue": used}
    desk.arm.documents[f"{LOCATIONS}/usages/a".lower()] = usage
    found = asked(desk)["quota"]
    assert found["status"] == status, found


def test_a_size_that_the_region_lacks(desk: Desk) -> None:
    desk.settings(text=CLUSTER)
    desk.arm.documents[f"{LOCATIONS}/vmSizes/a".lower()] = {"name": "STANDARD_D1", "family": "f", "vCPUs": 1}
    desk.arm.documents[f"{LOCATIONS}/usages/a".lower()] = {"name": {"value": "f"}, "limit": 1, "currentValue": 0}
    found = asked(desk)["sizes"]
    assert (found["status"], found["fix"]) == ("failed", "edit Pulumi.local.yaml")
    assert "offers no Standard_DS3_v2" in found["says"]
    done = desk.run("up")
    assert (done.code, "offers no Standard_DS3_v2" in done.err, "up" in desk.stack.calls) == (1, True, False)


def test_a_size_that_is_for_clusters_alone(desk: Desk) -> None:
    desk.settings(text="config:\n  azmlflow:cloud: local\n  azmlflow:instances: [{name: alice, vmSize: Standard_D1}]\n")
    size: Any = {"name": "STANDARD_D1", "family": "f", "vCPUs": 1, "supportedComputeTypes": ["AmlCompute"]}
    desk.arm.documents[f"{LOCATIONS}/vmSizes/a".lower()] = size
    desk.arm.documents[f"{LOCATIONS}/usages/a".lower()] = {"name": {"value": "f"}, "limit": 0, "currentValue": 0}
    assert "offers no Standard_D1 (instance alice)" in asked(desk)["sizes"]["says"]
    assert "may grow to 1 vCPUs, and 0 are free" in asked(desk)["quota"]["says"]
    size["supportedComputeTypes"].append("ComputeInstance")
    assert asked(desk)["sizes"]["status"] == "ok"


def test_a_computes_identity_is_who_the_settings_say(desk: Desk) -> None:
    robot = f"{PLACE}/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/robot"
    who = "aaaaaaaa-0000-4000-8000-000000000001"
    desk.settings(
        text=f"config:\n  azmlflow:cloud: local\n  azmlflow:clusters: [{{name: cpu, identities: {{{robot}: {who}}}}}]\n"
    )
    assert "there is no identity robot" in asked(desk)["identities"]["says"]
    desk.arm.put(robot, properties={"principalId": who.upper()})
    assert asked(desk)["identities"]["status"] == "ok"
    desk.arm.put(robot, properties={"principalId": who.replace("1", "2")})
    found = asked(desk)["identities"]
    assert (found["status"], f"not {who}" in found["says"]) == ("failed", True)


def test_a_clock_that_is_off(desk: Desk) -> None:
    for seconds, status in ((10, "ok"), (120, "warning"), (3600, "failed")):
        desk.arm.time = datetime.now(UTC) - timedelta(seconds=seconds)
        assert asked(desk)["clock"]["status"] == status


def test_names_that_others_have(desk: Desk) -> None:
    path = f"{PLACE}/providers/Microsoft.Storage/checkNameAvailability"
    desk.arm.answers[path] = {"nameAvailable": False, "message": "taken by somebody"}
    found = asked(desk)["names"]
    assert (found["status"], "taken by somebody" in found["says"]) == ("failed", True)
    # What stands in a group of ours is an earlier `up`'s.
    desk.arm.put(GROUP_ID, tags=ownership("azmlflow", "local"))
    assert asked(desk)["names"]["status"] == "ok"
    desk.arm.put(GROUP_ID, tags=ownership("azmlflow", "other"))
    assert "not this stack's" in asked(desk)["names"]["says"]
    done = desk.run("up")
    assert (done.code, "not this stack's" in done.err) == (1, True)
    assert "azmlflow:salt" in done.err


def test_soft_deleted_twins(desk: Desk) -> None:
    vault = f"{PLACE}/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults/{NAMES.key_vault}"
    desk.arm.put(vault, properties={})
    desk.arm.put(f"{LOCATIONS}/deletedWorkspaces/{WORKSPACE}", properties={})
    found = asked(desk)["soft-deleted"]
    assert (found["status"], found["fix"]) == ("failed", "azmlflow down --stack local")
    assert NAMES.key_vault in found["says"]
    assert WORKSPACE in found["says"]
    desk.arm.put(vault, properties={"purgeProtectionEnabled": True, "scheduledPurgeDate": "2027-01-01"})
    found = asked(desk)["soft-deleted"]
    assert "purge-protected until 2027-01-01" in found["says"]
    assert found["fix"].startswith("azmlflow set salt 2 --stack local")


@pytest.mark.parametrize(
    ("actions", "not_actions", "status"),
    [
        (["*"], [], "ok"),
        (["*"], ["Microsoft.Authorization/*/Write"], "warning"),
        (["*/read"], [], "failed"),
    ],
)
def test_rights(desk: Desk, actions: list[str], not_actions: list[str], status: str) -> None:
    block = {"actions": actions, "notActions": not_actions}
    desk.arm.documents[f"{PLACE}/providers/Microsoft.Authorization/permissions/1".lower()] = block
    found = asked(desk)["rights"]
    assert found["status"] == status, found


def test_locks(desk: Desk) -> None:
    desk.arm.put(GROUP_ID, tags=ownership("azmlflow", "local"))
    lock = f"{GROUP_ID}/providers/Microsoft.Authorization/locks/keep"
    for level, status in (("CanNotDelete", "warning"), ("ReadOnly", "failed")):
        desk.arm.put(lock, properties={"level": level})
        found = asked(desk)["locks"]
        assert (found["status"], found["fix"]) == (
            status,
            f"azmlflow run --without-stack -- az lock delete --ids {lock}",
        )


def test_the_stacks_own_locks_are_in_nobodys_way(desk: Desk) -> None:
    desk.arm.put(GROUP_ID, tags=ownership("azmlflow", "local"))
    lock = f"{GROUP_ID}/providers/Microsoft.Authorization/locks/azmlflow"
    ours = "azmlflow stack local of project azmlflow"
    for level, notes, status in (
        ("CanNotDelete", ours, "ok"),
        ("CanNotDelete", "mine", "warning"),
        ("ReadOnly", ours, "failed"),
    ):
        desk.arm.put(lock, properties={"level": level, "notes": notes})
        assert asked(desk)["locks"]["status"] == status


def test_a_grant_that_has_run_out(desk: Desk) -> None:
    grant = (
        "{principalId: 00000000-0000-4000-8000-0000000000a1, principalType: User, persona: viewer, until: 2020-01-01}"
    )
    desk.settings(text=f"config:\n  azmlflow:cloud: local\n  azmlflow:grants: [{grant}]\n")
    assert asked(desk)["grants"]["status"] == "warning"


def test_what_may_not_be_looked_at_is_skipped(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ArmError(403, "AuthorizationFailed", "no", "x")

    monkeypatch.setattr(desk.arm, "post", refuse)
    found = asked(desk)["names"]
    assert (found["status"], found["says"]) == ("skipped", "you may not look: no")


def test_another_config_json_shadows(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    (desk.root / "config.json").write_text("{}")
    assert asked(desk)["config.json"]["status"] == "warning"


def test_a_bundle_that_is_not_there(desk: Desk) -> None:
    desk.environment["SSL_CERT_FILE"] = "/nowhere/ca.pem"
    found = asked(desk)["certificates"]
    assert (found["status"], found["fix"]) == ("failed", "unset SSL_CERT_FILE")


@pytest.mark.parametrize(
    ("found", "status"),
    [
        ({}, "skipped"),
        ({"mlflow": "2.22.5", "azureml-mlflow": "1.62.0"}, "ok"),
        ({"mlflow-skinny": "3.15.0", "azureml-mlflow": "1.62.0"}, "warning"),
        ({"mlflow": "3.16.0", "azureml-mlflow": "1.62.0"}, "failed"),
        ({"mlflow": "2.22.5"}, "failed"),
        ({"azureml-mlflow": "1.62.0"}, "failed"),
    ],
)
def test_packages(found: dict[str, str], status: str) -> None:
    assert judge_packages(found).status == status


def test_a_pandas_that_mlflow_forbids() -> None:
    found = judge_packages({"mlflow-skinny": "2.22.5", "azureml-mlflow": "1.62", "pandas": "3.1.1"})
    assert (found.status, found.fix) == ("warning", 'pip install "pandas<3"')
    assert "MLflow 2.22.5" in found.says and "pandas 3.1.1" in found.says
    assert judge_packages({"mlflow": "2.22.5", "azureml-mlflow": "1.62", "pandas": "2.3.3"}).status == "ok"


def test_packages_of_an_interpreter(desk: Desk) -> None:
    found = asked(desk, "--python", sys.executable)["packages"]
    assert "azureml-mlflow" in found["says"]  # the toolkit's own environment has MLflow's server, not the plugin
    assert "does not run" in asked(desk, "--python", "/nowhere/python")["packages"]["says"]


def test_azmlflows_own_interpreter_is_nobodys_even_by_another_way(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    way = tmp_path / "link"
    way.symlink_to(sys.prefix)
    for prefix in (Path(sys.prefix), way):
        monkeypatch.setitem(desk.environment, "PATH", f"{prefix / 'bin'}")
        found = asked(desk)["packages"]
        assert (found["status"], "azmlflow's own" in found["says"]) == ("skipped", True)


def test_a_standing_stack_is_not_asked_again(desk: Desk) -> None:
    desk.settings()
    desk.stand_whole()
    desk.arm.put(f"{PLACE}/providers/Microsoft.KeyVault", registrationState="NotRegistered")
    assert desk.run("up").code == 0
    assert desk.arm.asked == []


def test_a_stack_whose_workspace_is_gone_is_asked_again(desk: Desk) -> None:
    """Its outputs go on naming the workspace, also when an `up` has dropped it from the state already."""
    desk.settings()
    desk.stand()
    desk.arm.put(f"{PLACE}/providers/Microsoft.KeyVault", registrationState="NotRegistered")
    done = desk.run("up")
    assert (done.code, "az provider register --namespace Microsoft.KeyVault" in done.err) == (1, True)


TRACKING = f"https://westeurope.api.azureml.ms/mlflow/v1.0{WORKSPACE_ID}/api/2.0/mlflow/experiments/search"


def test_an_mlflow_call_that_is_let_through(desk: Desk) -> None:
    desk.stand_whole()
    desk.arm.answers[TRACKING] = {"experiments": []}
    found = asked(desk)["mlflow"]
    assert (found["status"], found["says"]) == ("ok", "an MLflow call from here arrives, and is allowed")


@pytest.mark.parametrize(
    ("refusal", "says", "fix"),
    [
        (
            ("UserError", "Access to workspace was denied based on workspace private link configuration."),
            "the network, not permission:", "azmlflow reach --explain --stack local",
        ),
        (("NotReachable", "On Azure this request would not arrive: why."), "the network, not permission:", "reach"),
        (("AuthorizationFailed", "You may not."), "permission, not the network:", "azmlflow access --stack local"),
    ],
)  # fmt: skip
def test_which_of_the_two_stands_in_the_way(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, refusal: tuple[str, str], says: str, fix: str
) -> None:
    desk.stand_whole()

    def refuse(_self: object, _method: str, url: str, _question: object) -> None:
        assert url == TRACKING
        raise ArmError(403, *refusal, "")

    monkeypatch.setattr(ResourceManager, "call", refuse)
    found = asked(desk)["mlflow"]
    assert found["status"] == "failed"
    assert found["says"].startswith(says) and refusal[1] in found["says"]
    assert fix in found["fix"]


def test_a_call_that_nothing_answers(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.stand_whole()

    def silent(*_: object) -> None:
        raise ServiceRequestError("no such name")

    monkeypatch.setattr(ResourceManager, "call", silent)
    found = asked(desk)["mlflow"]
    assert "the network, not permission: the call does not arrive: no such name" in found["says"]


def test_who_a_token_is_of() -> None:
    import base64
    import json

    def token(**claims: str) -> str:
        return f"h.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.s"

    assert read_claims(token(oid="o", tid="t", upn="a@b")) == SignedIn("o", "a@b", "t")
    assert read_claims(token(oid="o", tid="t", appid="app")) == SignedIn("o", "app", "t")
    assert read_claims(token(oid="o", tid="t")) == SignedIn("o", "o", "t")
