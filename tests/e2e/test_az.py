"""What azmlflow tells people to type into az is typed into an unmodified azure-cli, on the embedded Azure.

As it is told there: behind `azmlflow run`, by somebody who never typed `az login`.

azure-cli is a gigabyte, so no test installs it: AZ names it, or it is on PATH, or this is skipped.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from string import Template

import pytest

from tests.e2e.estate import Done, Estate, make_estate
from tests.e2e.typed import AZ

_AZ = os.environ.get("AZ") or shutil.which("az")

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(_AZ is None, reason="no az: name one by AZ (python -m venv x; x/bin/pip install azure-cli)"),
]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    """A stack that stands."""
    estate = make_estate(tmp_path_factory.mktemp("az") / "project")
    estate.azmlflow("up")
    yield estate
    estate.azmlflow("local", "stop")


def test_az_works_at_once_and_all_that_is_told_of_it_when_typed(desk: Estate) -> None:
    told = desk.azmlflow("roles", "tracker", "--output", "json").out
    (desk.folder / "tracker.json").write_text(told)
    outputs = desk.outputs()
    scope = f"/subscriptions/{outputs['subscriptionId']}/resourceGroups/{outputs['resourceGroup']}"
    (vault,) = _az(desk, ["az", "keyvault", "list", "--query", "[].id"]).json()
    known = {
        "GROUP": outputs["resourceGroup"],
        "WORKSPACE": outputs["workspaceName"],
        "ACCOUNT": outputs["storageAccount"],
        "STORAGE": f"{scope}/providers/Microsoft.Storage/storageAccounts/{outputs['storageAccount']}",
        "VAULT": vault,
        "KEYS": vault.rpartition("/")[2],
        "IDENTITY": f"{scope}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-typed",
        "LOCK": f"{scope}/providers/Microsoft.Authorization/locks/typed",
        "REGISTRY": "crtyped1",
        "PERSON": "alice@local.test",
    }
    # What an answer of one line tells the next ones.
    learnt: dict[str, tuple[str, Callable[[Done], str]]] = {
        "az ad app create": ("APPLICATION", lambda done: str(done.json()["appId"])),
        "az role assignment create": ("ASSIGNMENT", lambda done: str(done.json()["id"])),
        "az role definition create": ("ROLE", lambda done: str(done.json()["name"])),
    }
    wrong = []
    for row in AZ:
        words = [Template(word).safe_substitute(known) for word in shlex.split(row.line)]
        try:
            done = _az(desk, words)
        except AssertionError as fault:  # it failed: the lines after it are typed all the same
            wrong.append(str(fault))
            continue
        if Template(row.says).substitute(known) not in done.out + done.err:
            wrong.append(f"{row.line}\n{done.out}\n{done.err}")
        for begins, (name, read) in learnt.items():
            if row.line.startswith(begins):
                known[name] = read(done)
    assert "\n\n".join(wrong) == ""


def test_az_is_signed_in_as_whoever_the_command_runs_as(desk: Estate) -> None:
    for who in ("alice@local.test", "bob@local.test"):
        shown = _az(desk, ["az", "ad", "signed-in-user", "show"], "--as", who).json()
        assert shown["userPrincipalName"] == who
    listed = desk.command(
        "azmlflow", "run", "--without-stack", "--as", "bob@local.test", "--", str(_AZ), "group", "list"
    )
    assert json.loads(listed.out) == []


def test_az_names_a_resource_by_its_type(desk: Estate) -> None:
    """It leaves the place of a parent empty: `providers/NAMESPACE//workspaces/NAME`."""
    outputs = desk.outputs()
    named = ["-g", outputs["resourceGroup"], "-n", outputs["workspaceName"]]
    type_ = ["--resource-type", "Microsoft.MachineLearningServices/workspaces"]
    shown = _az(desk, ["az", "resource", "show", *named, *type_]).json()
    assert shown["name"] == outputs["workspaceName"]
    tagged = _az(desk, ["az", "resource", "tag", *named, *type_, "--tags", "kept=yes", "--is-incremental"]).json()
    assert tagged["tags"] == {**shown["tags"], "kept": "yes"}


def test_az_asks_in_versions_of_its_own(desk: Estate) -> None:
    """Registries, their regions, shares, private endpoints and templates: versions that Azure's index has not yet; and
    a preview of a vault's data plane."""
    group = desk.outputs()["resourceGroup"]
    account = desk.outputs()["storageAccount"]
    _az(desk, ["az", "acr", "create", "-n", "crversions", "-g", group, "--sku", "Premium"])
    assert "crversions" in _az(desk, ["az", "acr", "list", "--query", "[].name"]).json()
    _az(desk, ["az", "acr", "replication", "create", "-r", "crversions", "-l", "northeurope"])
    regions = _az(desk, ["az", "acr", "replication", "list", "-r", "crversions", "--query", "[].location"]).json()
    assert sorted(regions) == ["northeurope", "westeurope"]
    _az(desk, ["az", "storage", "share-rm", "create", "--storage-account", account, "-g", group, "-n", "share"])
    assert _az(desk, ["az", "network", "private-endpoint", "list", "-g", group]).json() == []
    assert _az(desk, ["az", "deployment", "group", "list", "-g", group]).json() == []
    _az(desk, ["az", "acr", "delete", "-n", "crversions", "-g", group, "--yes"])
    (vault,) = _az(desk, ["az", "keyvault", "list", "--query", "[]"]).json()
    mine = _az(desk, ["az", "ad", "signed-in-user", "show", "--query", "id"]).json()
    officer = ["--role", "Key Vault Crypto Officer", "--assignee-object-id", mine, "--scope", vault["id"]]
    _az(desk, ["az", "role", "assignment", "create", "--assignee-principal-type", "User", *officer])
    made = _az(desk, ["az", "keyvault", "key", "create", "--vault-name", vault["name"], "-n", "versions"]).json()
    turned = _az(desk, ["az", "keyvault", "key", "rotate", "--vault-name", vault["name"], "-n", "versions"]).json()
    assert turned["key"]["kid"] != made["key"]["kid"]


def _az(desk: Estate, words: list[str], *options: str) -> Done:
    command = ["azmlflow", "run", "--without-stack", *options, "--", str(Path(str(_AZ)).absolute()), *words[1:]]
    return desk.command(*command)
