"""Personas and built-in roles: exact lists by hand, and every persona and role on every operation by the table."""

from __future__ import annotations

import json
import re
import uuid

import pytest

from azmlflow.rbac import builtin
from azmlflow.rbac.evaluate import evaluate
from azmlflow.rbac.facts import Facts
from azmlflow.rbac.operations import OPERATIONS, WORKSPACE, operation
from azmlflow.rbac.patterns import match
from azmlflow.rbac.records import RoleAssignment, RoleDefinition
from azmlflow.rbac.roles import (
    PERSONAS,
    UnknownPersona,
    UnknownRole,
    built_in_role,
    combined,
    custom_role_guid,
    custom_role_name,
    least_persona,
    persona,
    union,
)
from tests.rbac.expected import ALLOWED, DATA, PERSONA_ACTIONS, REQUIRED

GROUP = "/subscriptions/10ca1000-0000-4000-8000-000000000002/resourceGroups/rg1"
SCOPE = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/ws"
# As Azure publishes them: github.com/iann0036/iam-dataset, azure/built-in-roles-raw.json, 2026-08-22.
PUBLISHED = {
    each["roleName"]: each for each in json.loads((DATA / "built-in-roles.json").read_text(encoding="utf-8"))["roles"]
}
WHO = "aaaaaaaa-0000-4000-8000-000000000001"


def facts(name: str) -> Facts:
    """One principal that holds the persona or built-in role of that name at the workspace; `nobody` holds none."""
    if name == "nobody":
        return Facts()
    if name in PERSONA_ACTIONS:
        definition = RoleDefinition(custom_role_guid(name, GROUP), name, persona(name).permissions)
    else:
        definition = built_in_role(name).definition()
    return Facts([RoleAssignment("a", WHO, definition.id, SCOPE)], [definition])


def test_personas_hold_exactly_these_actions() -> None:
    assert {each.name: {*each.actions} for each in PERSONAS} == PERSONA_ACTIONS
    for each in PERSONAS:
        assert len(each.actions) == len(set(each.actions))
        assert not [action for action in each.actions if "*" in action]
        assert each.summary


def test_storage_roles_exist_and_follow_what_the_persona_writes() -> None:
    roles = {each.name: each.storage_roles for each in PERSONAS}
    reader = ("Storage Blob Data Reader", "Storage File Data Privileged Reader")
    writer = ("Storage Blob Data Contributor", "Storage File Data Privileged Contributor")
    assert roles == {
        "viewer": reader, "tracker": writer, "registrar": writer, "submitter": writer, "deployer": reader,
        "scorer": (), "operator": (),
    }  # fmt: skip
    for name in {*reader, *writer}:
        assert built_in_role(name).permissions[0].data_actions


@pytest.mark.parametrize("name", sorted(ALLOWED))
@pytest.mark.parametrize("operation", REQUIRED)
def test_the_expected_table(name: str, operation: str) -> None:
    decisions = [evaluate(WHO, action, SCOPE, facts(name)) for action in REQUIRED[operation]]
    assert all(decision.allowed for decision in decisions) == (operation in ALLOWED[name])


def test_the_table_covers_every_persona() -> None:
    assert {each.name for each in PERSONAS} < set(ALLOWED)


def test_no_persona_may_change_access_or_read_keys() -> None:
    forbidden = [
        "Microsoft.Authorization/roleAssignments/write",
        f"{WORKSPACE}/listKeys/action",
        f"{WORKSPACE}/listStorageAccountKeys/action",
        f"{WORKSPACE}/datastores/listsecrets/action",
        f"{WORKSPACE}/listNotebookAccessToken/action",
        f"{WORKSPACE}/write",
        f"{WORKSPACE}/delete",
        f"{WORKSPACE}/computes/write",
    ]
    for each in PERSONAS:
        assert not [action for action in forbidden if evaluate(WHO, action, SCOPE, facts(each.name)).allowed]


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_built_in_role_is_what_azure_publishes(name: str) -> None:
    published, role = PUBLISHED[name], built_in_role(name)
    assert (role.id, role.description) == (published["name"], published["description"])
    blocks = [
        {
            "actions": [*block.actions],
            "notActions": [*block.not_actions],
            "dataActions": [*block.data_actions],
            "notDataActions": [*block.not_data_actions],
            "condition": block.condition,
            "conditionVersion": None,
        }
        for block in role.permissions
    ]
    assert blocks == published["permissions"]


@pytest.mark.parametrize(
    ("name", "guid"),
    [
        # Microsoft, "Azure built-in roles".
        ("Owner", "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"),
        ("Contributor", "b24988ac-6180-42a0-ab88-20f7382dd24c"),
        ("Reader", "acdd72a7-3385-48ef-bd42-f606fba81ae7"),
        ("User Access Administrator", "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9"),
        ("AzureML Data Scientist", "f6c7c914-8db3-469d-8ca1-694a8f32e121"),
        ("AzureML Compute Operator", "e503ece1-11d0-4e8e-8e2c-7a6c3bf38815"),
        ("AzureML Metrics Writer (preview)", "635dd51f-9968-44d3-b7fb-6d9a6bd613ae"),
        ("Storage Blob Data Contributor", "ba92f5b4-2d11-453d-a403-e96b0029c9fe"),
        ("Role Based Access Control Administrator", "f58310d9-a9f6-439a-9e8d-f62e7b41a168"),
        ("Managed Identity Operator", "f1a07417-d97a-45cb-824c-7a7467783830"),
        ("Key Vault Administrator", "00482a5a-887f-4fb3-b363-3b7fe8e74483"),
    ],
)
def test_built_in_roles_have_azures_guids(name: str, guid: str) -> None:
    role = built_in_role(name)
    assert role.id == guid
    assert role.definition_id("s") == f"/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/{guid}"


def test_all_of_azures_roles_are_known() -> None:
    roles = list(builtin.every())
    assert len(roles) == len({each.id for each in roles}) == len({each.name for each in roles}) == 928
    empty = 0
    for each in roles:
        assert str(uuid.UUID(each.id)) == each.id
        assert builtin.of_guid(each.id.upper()) == builtin.named(each.name) == each
        patterns = [
            pattern
            for block in each.permissions
            for pattern in (*block.actions, *block.not_actions, *block.data_actions, *block.not_data_actions)
        ]
        empty += not patterns
        assert all(match(pattern, pattern) is not None for pattern in patterns)
    assert empty == 4  # Azure's own services have them
    assert builtin.of_guid("11111111-1111-4111-8111-111111111111") is builtin.named("No such role") is None


def test_a_role_that_holds_under_a_condition_only_keeps_it() -> None:
    # Microsoft, "Key Vault Data Access Administrator": it lets nobody hand out more than the vault's data roles.
    (block,) = built_in_role("Key Vault Data Access Administrator").permissions
    assert block.condition is not None and "roleAssignments/write" in block.condition
    verdict = evaluate(
        WHO, "Microsoft.Authorization/roleAssignments/write", SCOPE, facts("Key Vault Data Access Administrator")
    )
    assert (verdict.verdict, verdict.cause) == ("unknown", "condition")


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("traker", "tracker"), ("Viewer", "viewer"), ("registar", "registrar"), ("submission", "submitter")],
)
def test_an_unknown_persona_names_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(UnknownPersona) as caught:
        persona(name)
    assert f"unknown persona '{name}'; did you mean '{nearest}'?" in str(caught.value)
    assert str(caught.value).endswith("There are: viewer, tracker, registrar, submitter, deployer, scorer, operator")


def test_a_persona_like_none_is_not_guessed_at() -> None:
    with pytest.raises(UnknownPersona, match=r"unknown persona 'zzz'\. There are"):
        persona("zzz")
    with pytest.raises(UnknownRole, match="did you mean 'Contributor'"):
        built_in_role("Contributer")
    with pytest.raises(UnknownRole, match="did you mean 'Storage Blob Data Owner'"):  # of several that are like it
        built_in_role("Storage Blob Data Ovner")


def test_custom_roles_are_named_by_persona_and_group() -> None:
    name = custom_role_name("tracker", GROUP)
    assert re.fullmatch(r"azmlflow tracker \(rg1-[0-9a-f]{8}\)", name)
    assert custom_role_name("tracker", GROUP.upper()).lower() == name.lower()
    assert custom_role_name("tracker", GROUP.replace("000002", "000003")) != name


def test_custom_role_guids_never_change() -> None:
    # Written down: a project that stands finds its roles by this GUID.
    assert custom_role_guid("tracker", GROUP) == "7e613ea6-af5e-5b3f-a674-d977e200a9f2"
    assert custom_role_guid("tracker", f"{GROUP.upper()}/") == custom_role_guid("tracker", GROUP)
    guids = {custom_role_guid(each.name, group) for each in PERSONAS for group in (GROUP, f"{GROUP}0")}
    assert len(guids) == 2 * len(PERSONAS)


def test_a_strict_tracker_has_no_jobs_write_and_nobody_else_loses_it() -> None:
    loose, strict = persona("tracker"), persona("tracker", strict_tracker=True)
    assert {*loose.actions} - {*strict.actions} == {f"{WORKSPACE}/jobs/write"}
    assert persona("submitter", strict_tracker=True) == persona("submitter")
    assert combined("tracker", strict_tracker=True) == (strict,)
    assert combined("tracker") == (loose,)
    allowed = {each.name for each in OPERATIONS if {*each.actions} <= {*strict.actions}}
    assert allowed == ALLOWED["tracker"]


def test_a_combination_is_everything_of_its_parts_once() -> None:
    parts = combined("tracker+registrar, tracker")
    assert [each.name for each in parts] == ["tracker", "registrar"]
    whole = union(parts)
    assert whole.name == "tracker+registrar"
    assert {*whole.actions} == {*persona("tracker").actions, *persona("registrar").actions}
    assert len(whole.actions) == len({*whole.actions})
    assert whole.storage_roles == persona("tracker").storage_roles
    assert whole.summary == f"{parts[0].summary}; {parts[1].summary}"
    assert whole.nearest == "AzureML Data Scientist"
    assert union(combined("tracker+operator")).nearest == "AzureML Data Scientist + AzureML Compute Operator"
    assert union(combined("viewer")) is persona("viewer")
    with pytest.raises(UnknownPersona, match="did you mean 'registrar'"):
        combined("tracker+registar")


def test_the_least_persona() -> None:
    assert least_persona(operation("read_runs").actions) == "viewer"
    assert least_persona(operation("write_run").actions) == "tracker"
    assert least_persona(operation("submit_job").actions) == "submitter"
    assert least_persona(operation("delete_experiment").actions) is None
