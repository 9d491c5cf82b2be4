"""The matrix, its explanations and drift, on tenants small enough to judge by eye; and the cost of a large one."""

from __future__ import annotations

import time

import pytest
from benchmarks.tenant import SCOPE, tenant

from azmlflow.rbac.facts import Facts
from azmlflow.rbac.operations import OPERATIONS, UnknownOperation
from azmlflow.rbac.operations import WORKSPACE as WORKSPACE_TYPE
from azmlflow.rbac.patterns import PermissionBlock, permits
from azmlflow.rbac.records import DenyAssignment, RoleAssignment, RoleDefinition
from azmlflow.rbac.report.access import (
    COLUMNS,
    DELETED,
    UNNAMED,
    UNREAD,
    WhoIsWho,
    explain,
    find_operation,
    matrix,
    narrowest_role,
)
from azmlflow.rbac.report.differences import Declared, Drift
from azmlflow.rbac.report.drift import find_drift, merged
from azmlflow.rbac.report.subjects import STORAGE
from azmlflow.rbac.roles import built_in_role, least_persona, persona

SUB = "/subscriptions/10ca1000-0000-4000-8000-000000000002"
GROUP = f"{SUB}/resourceGroups/rg"
WORKSPACE = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/mlw"
ALICE, BOB, CAROL, INNER, OUTER, GONE, OWN = (f"{letter * 8}-0000-4000-8000-000000000001" for letter in "abcdef1")
NAMES = {
    ALICE: ("User", "alice@local.test"),
    BOB: ("User", "bob@local.test"),
    CAROL: ("User", "carol@local.test"),
    INNER: ("Group", "inner"),
    OUTER: ("Group", "outer"),
    OWN: ("ServicePrincipal", "mlw"),
}
DIRECTORY = WhoIsWho(NAMES)
TRACKER = RoleDefinition("role-tracker", "Tracker", persona("tracker").permissions)
OWNER = built_in_role("Owner").definition()
READER = RoleDefinition("role-storage", "Blob reader", (PermissionBlock(data_actions=("Microsoft.Storage/*",)),))
ROLES = (TRACKER, OWNER, READER)


def given(who: str, role: RoleDefinition, at: str = WORKSPACE, condition: str | None = None) -> RoleAssignment:
    return RoleAssignment(f"{at}/{who[:1]}-{role.name}", who, role.id, at, condition)


def tenant_of(*assignments: RoleAssignment, **more: object) -> Facts:
    memberships = {ALICE: [INNER], INNER: [OUTER]}
    return Facts(assignments, ROLES, memberships=memberships, management_groups={SUB: ()}, **more)  # type: ignore[arg-type]


def verdicts(facts: Facts, who: str, directory: WhoIsWho = DIRECTORY) -> dict[str, str]:
    table = matrix(facts, WORKSPACE, directory, also=[who])
    row = next(row for row in table.rows if row.object_id == who)
    return {column.operation.name: cell.verdict for column, cell in zip(table.columns, row.cells, strict=True)}


def test_every_mlflow_operation_has_one_column() -> None:
    names = [column.operation.name for column in COLUMNS]
    assert len(names) == len(set(names)) == 23
    assert {each.name for each in OPERATIONS} < set(names)
    assert list(dict.fromkeys(column.group for column in COLUMNS)) == [
        *("view", "track", "delete", "register", "submit", "deploy", "score", "operate", "administer"),
    ]


def test_a_nested_group_carries_its_role_and_says_so() -> None:
    facts = tenant_of(given(OUTER, TRACKER))
    assert verdicts(facts, ALICE)["write_run"] == "allowed"
    assert verdicts(facts, ALICE)["delete_models"] == "refused"
    assert verdicts(facts, BOB)["write_run"] == "refused"
    told = explain(ALICE, find_operation("write_run"), WORKSPACE, facts)
    assert (told.verdict, told.decisions[0].through) == ("allowed", OUTER)
    assert (told.persona, told.role) == (None, None)


def test_an_operation_is_allowed_only_if_all_of_its_actions_are() -> None:
    told = explain(ALICE, find_operation("stage_models"), WORKSPACE, tenant_of(given(ALICE, TRACKER)))
    assert told.verdict == "refused"
    assert {each.verdict for each in told.decisions} == {"refused"}
    half = explain(ALICE, find_operation("delete_restore_run"), WORKSPACE, tenant_of(given(ALICE, TRACKER)))
    assert [each.verdict for each in half.decisions] == ["allowed", "refused"]
    assert half.verdict == "refused"


def test_a_condition_is_never_a_yes() -> None:
    assert verdicts(tenant_of(given(ALICE, OWNER, condition="@Resource")), ALICE)["grant_access"] == "unknown"


def test_everybody_keeps_a_row_and_is_marked() -> None:
    facts = tenant_of(given(GONE, TRACKER), given(OUTER, TRACKER), given(BOB, TRACKER), unread_groups=[OUTER])
    rows = {row.object_id: row for row in matrix(facts, WORKSPACE, DIRECTORY, also=[CAROL.upper()]).rows}
    assert set(rows) == {ALICE, INNER, OUTER, BOB, GONE, CAROL}
    assert rows[GONE].notes == (DELETED,)
    assert rows[OUTER].notes == (UNREAD,)
    assert "GroupMember.Read.All" in UNREAD
    # Carol may be in the group that cannot be read; Bob has his own.
    assert verdicts(facts, CAROL)["write_run"] == "unknown"
    assert verdicts(facts, BOB)["write_run"] == "allowed"


def test_a_directory_that_may_not_be_read_deletes_nobody() -> None:
    facts = tenant_of(given(GONE, TRACKER))
    rows = matrix(facts, WORKSPACE, WhoIsWho({}, readable=False)).rows
    assert {row.notes for row in rows} == {(UNNAMED,)}
    assert {row.name for row in rows} == {row.object_id for row in rows}


def test_rows_say_what_everybody_is_and_stand_in_order() -> None:
    """The directory knows best; else the assignment says, or the group that holds or is held."""
    asked, unread = "99999999-0000-4000-8000-000000000001", "88888888-0000-4000-8000-000000000001"
    facts = Facts(
        (
            RoleAssignment("1", BOB.upper(), TRACKER.id, WORKSPACE, principal_type="Group"),
            RoleAssignment("2", GONE.upper(), TRACKER.id, WORKSPACE, principal_type="ServicePrincipal"),
            RoleAssignment("3", CAROL, TRACKER.id, WORKSPACE),
        ),
        ROLES,
        memberships={ALICE: [INNER.upper()], INNER: [OUTER.upper()]},
        management_groups={SUB: ()},
        unread_groups=[unread.upper()],
    )
    people = WhoIsWho(
        {
            ALICE: ("User", "alice@local.test"),
            BOB: ("User", "Bob@local.test"),
            OWN: ("User", "alice@local.test"),
            INNER: ("Group", ""),
        }
    )
    rows = matrix(facts, WORKSPACE, people, also=[OWN, asked, unread]).rows
    assert [(row.type, row.name, row.object_id) for row in rows] == [
        ("User", "alice@local.test", OWN),
        ("User", "alice@local.test", ALICE),
        ("User", "Bob@local.test", BOB),
        ("Group", unread, unread),
        ("Group", INNER, INNER),
        ("ServicePrincipal", GONE, GONE),
        ("Unknown", asked, asked),
        ("Unknown", CAROL, CAROL),
    ]


def test_one_action_that_a_deny_blocks_is_enough_to_be_blocked() -> None:
    stop = (PermissionBlock(actions=(f"{WORKSPACE_TYPE}/assets/stage/write",)),)
    deny = DenyAssignment("d", "lock", GROUP, (BOB,), (), stop)
    told = explain(BOB, find_operation("stage_models"), WORKSPACE, tenant_of(denies=[deny]))
    assert [each.cause for each in told.decisions] == ["no-assignment", "no-assignment", "denied"]
    assert (told.blocked, told.persona, told.role) == (True, None, None)


def test_the_least_persona_and_the_narrowest_role() -> None:
    assert least_persona(persona("operator").actions) == "operator"
    assert least_persona([f"{WORKSPACE_TYPE}/read"]) == "operator"  # five actions; a viewer has seven
    assert least_persona(["a/b"]) is None
    # Of those that let it, User Access Administrator and Owner among them: as few of the matrix's actions, and first.
    assert (
        narrowest_role(["Microsoft.Authorization/roleAssignments/write"]) == "Role Based Access Control Administrator"
    )
    assert narrowest_role(["a/b"]) == "Owner" or narrowest_role(["a/b"]) == "Contributor"


def test_what_would_let_it() -> None:
    def remedy(operation: str, facts: Facts) -> tuple[bool, str | None, str | None]:
        told = explain(BOB, find_operation(operation), WORKSPACE, facts)
        return told.blocked, told.persona, told.role

    assert remedy("write_run", tenant_of()) == (False, "tracker", None)
    assert remedy("operate-computes", tenant_of()) == (False, "operator", None)
    for operation in ("delete_experiment", "grant_access"):
        blocked, nobody, role = remedy(operation, tenant_of())
        assert not blocked
        assert nobody is None
        assert role is not None
        allowed = [
            permits(built_in_role(role).permissions, action, False)[0] for action in find_operation(operation).actions
        ]
        assert all(allowed)
    deny = DenyAssignment("d", "lock", GROUP, (BOB,), (), (PermissionBlock(actions=("*",)),))
    assert remedy("write_run", tenant_of(given(BOB, TRACKER), denies=[deny])) == (True, None, None)


def test_an_unknown_operation_lists_them_all() -> None:
    around = "deploy_models, have_endpoint_keys, score_models, "
    around += "operate_computes, change_computes, change_workspace, grant_access"
    with pytest.raises(UnknownOperation, match=rf"'write_runs'; there are: .*write_run, .*submit_job, {around}$"):
        find_operation("write_runs")
    assert find_operation(" Write-Run ") is find_operation("write_run")


# --- drift ---------------------------------------------------------------------------------------------------------


def declared(who: str, at: str = WORKSPACE, *, ended: bool = False) -> Declared:
    return Declared(who, "tracker", ((at, TRACKER.id),), TRACKER.permissions, ended)


def drift(facts: Facts, *grants: Declared, directory: WhoIsWho = DIRECTORY) -> Drift:
    return find_drift(facts, WORKSPACE, GROUP, grants, directory, own=frozenset({OWN}))


def sorts(found: Drift) -> list[tuple[str, str]]:
    return [(each.sort, each.principal_id) for each in found.findings]


def test_what_is_declared_and_there_is_no_drift() -> None:
    assert drift(tenant_of(given(ALICE, TRACKER)), declared(ALICE)) == Drift((), (), ())
    assert sorts(drift(tenant_of(given(ALICE, TRACKER, GROUP)), declared(ALICE, GROUP))) == []


@pytest.mark.parametrize(
    ("facts", "grants", "expected"),
    [
        (tenant_of(), [declared(ALICE)], [("missing", ALICE)]),
        (tenant_of(given(ALICE, TRACKER, condition="c")), [declared(ALICE)], [("missing", ALICE)]),
        (tenant_of(given(BOB, TRACKER)), [], [("undeclared", BOB)]),
        (tenant_of(given(BOB, OWNER, GROUP)), [], [("undeclared", BOB)]),
        (tenant_of(given(OUTER, TRACKER)), [declared(ALICE)], [("missing", ALICE), ("undeclared", OUTER)]),
        (tenant_of(given(ALICE, TRACKER)), [declared(ALICE, ended=True)], [("expired", ALICE)]),
        (tenant_of(given(ALICE, TRACKER), given(ALICE, OWNER)), [declared(ALICE)], [("wider", ALICE)]),
        (tenant_of(given(ALICE, TRACKER), given(ALICE, TRACKER, GROUP)), [declared(ALICE)], [("wider", ALICE)]),
        (tenant_of(given(GONE, TRACKER)), [], [("orphaned", GONE)]),
        (tenant_of(given(GONE, READER, f"{WORKSPACE}/computes/c")), [], [("orphaned", GONE)]),
        (tenant_of(given(BOB, READER)), [], []),
        (tenant_of(RoleAssignment("a", BOB, "role-gone", WORKSPACE)), [], [("undeclared", BOB)]),
    ],
)
def test_drift_of_each_sort(facts: Facts, grants: list[Declared], expected: list[tuple[str, str]]) -> None:
    found = drift(facts, *grants)
    assert sorts(found) == expected
    assert all(each.next.startswith(("azmlflow ", "az ")) for each in found.findings)


def test_an_orphan_that_is_declared_is_revoked_not_deleted() -> None:
    (found,) = drift(tenant_of(given(GONE, TRACKER)), declared(GONE)).findings
    assert (found.sort, found.next) == ("orphaned", f"azmlflow revoke {GONE}")


def test_what_a_role_lost_or_gained_is_drift() -> None:
    changed = PermissionBlock(actions=(*persona("viewer").actions, f"{WORKSPACE_TYPE}/models/delete"))
    facts = Facts([given(ALICE, TRACKER)], [RoleDefinition(TRACKER.id, "Tracker", (changed,))])
    found = drift(facts, declared(ALICE))
    assert sorts(found) == [("missing", ALICE), ("wider", ALICE)]
    assert "write_run" in found.findings[0].operations
    assert found.findings[1].operations == ("delete_models",)


def test_what_a_stack_cannot_declare_is_told_and_is_no_drift() -> None:
    facts = tenant_of(given(BOB, OWNER, SUB), given(OWN, OWNER, GROUP), given(GONE, OWNER, SUB))
    found = drift(facts)
    assert found.findings == ()
    assert len(found.outside) == 3


def test_without_the_directory_drift_says_what_it_could_not_look_into() -> None:
    found = drift(tenant_of(given(GONE, TRACKER)), directory=WhoIsWho({}, readable=False))
    assert sorts(found) == [("undeclared", GONE)]
    assert len(found.unchecked) == 1


STORE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/st"
BLOB_READER, BLOB_WRITER, FILE_READER = (
    built_in_role(name).definition()
    for name in ("Storage Blob Data Reader", "Storage Blob Data Contributor", "Storage File Data Privileged Reader")
)


def drift_of_data(*assignments: RoleAssignment, ended: bool = False) -> Drift:
    """What differs on the storage account from the one grant there: Alice is a viewer."""
    roles = (BLOB_READER, FILE_READER)
    viewer = Declared(
        ALICE,
        "viewer",
        tuple((STORE, role.id) for role in roles),
        tuple(block for role in roles for block in role.permissions),
        ended,
    )
    facts = Facts(
        assignments,
        [BLOB_READER, BLOB_WRITER, FILE_READER, OWNER, TRACKER],
        management_groups={SUB: ()},
    )
    return find_drift(facts, STORE, GROUP, [viewer], DIRECTORY, own=frozenset({OWN}), subject=STORAGE)


def test_drift_on_the_storage_account_of_each_sort() -> None:
    held = (given(ALICE, BLOB_READER, STORE), given(ALICE, FILE_READER, STORE))
    assert drift_of_data(*held) == Drift((), (), ())
    # What opens no data is not asked about here: the workspace's roles, an owner's right to manage the account.
    assert drift_of_data(*held, given(BOB, TRACKER, GROUP), given(BOB, OWNER, STORE)).findings == ()

    lost = drift_of_data(held[0]).findings[0]
    assert (lost.sort, lost.principal_id, lost.next) == ("missing", ALICE, "azmlflow up")
    assert lost.what.endswith(f"gives 'Storage File Data Privileged Reader' at {STORE}")

    wider = drift_of_data(*held, given(ALICE, BLOB_WRITER, STORE)).findings
    assert [(each.sort, each.operations) for each in wider] == [("wider", ("write_blobs", "delete_blobs"))]
    other = drift_of_data(*held, given(BOB, BLOB_READER, GROUP)).findings
    assert [(each.sort, each.principal_id, each.operations) for each in other] == [("undeclared", BOB, ("read_blobs",))]
    assert sorts(drift_of_data(*held, given(GONE, BLOB_WRITER, f"{STORE}/blobServices/default/containers/c"))) == [
        ("orphaned", GONE)
    ]
    assert sorts(drift_of_data(*held, ended=True)) == [("expired", ALICE), ("expired", ALICE)]
    given_by_azure = drift_of_data(*held, given(OWN, BLOB_WRITER, STORE))
    assert given_by_azure.findings == ()
    assert len(given_by_azure.outside) == 1


def test_what_two_comparisons_tell_is_told_once() -> None:
    orphan = given(GONE, OWNER, GROUP)
    found = merged([drift(tenant_of(orphan)), drift_of_data(orphan)])
    assert sorts(found) == [("missing", ALICE), ("orphaned", GONE)]


# --- size ----------------------------------------------------------------------------------------------------------


def test_a_whole_large_tenant_is_judged_and_each_pattern_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """4,000 assignments, 500 definitions, 1,000 principals, 23 operations: roles are judged once for each action."""
    from azmlflow.rbac import index

    judged: list[str] = []

    def counting(permissions: tuple[PermissionBlock, ...], action: str, data: bool) -> object:
        judged.append(action)
        return permits(permissions, action, data)

    monkeypatch.setattr(index, "permits", counting)
    facts = tenant(4000)
    people = WhoIsWho({}, readable=False)
    before = time.process_time()
    table = matrix(facts, SCOPE, people)
    spent = time.process_time() - before
    assert len(table.columns) == 23
    assert len(table.rows) >= 1000
    assert len(judged) == len(set(judged)) * len({each.role_definition_id for each in facts.assignments})
    assert spent < 5, "a second on an idle core (benchmarks/access.py); far more means a change of its order"
    assert {cell.verdict for row in table.rows for cell in row.cells} >= {"allowed", "refused"}


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("viewer", {"view"}),
        ("tracker", {"view", "track"}),
        ("registrar", {"view", "register"}),
        ("submitter", {"view", "track", "submit"}),
        ("operator", {"operate"}),
    ],
)
def test_a_persona_fills_its_columns(name: str, full: set[str]) -> None:
    """None of them shows half of a group that is its own, as if something were missing."""
    allowed = set(persona(name).actions)
    has = {column.group: True for column in COLUMNS}
    for column in COLUMNS:
        has[column.group] &= allowed.issuperset(column.operation.actions)
    assert {group for group, all_of_it in has.items() if all_of_it} == full
