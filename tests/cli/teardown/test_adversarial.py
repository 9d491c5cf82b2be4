"""Groups that look like ours and are not, or hold what is not: nothing foreign is ever deleted.

Each case makes a whole workspace of ours in `rg1`, then something beside it or in it, before the plan or in the middle
of the removal. Whatever the outcome, everything foreign still stands afterwards.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.teardown import Limits, Owner, plan_group, remove_group
from azmlflow.cli.teardown.ownership import marks
from azmlflow.infra.plan.tags import ownership, record
from azmlflow.localazure.core.constants import TENANT_ID
from azmlflow.rbac.roles import custom_role_guid
from tests.cli.door import Door, open_arm
from tests.cli.wire import Response
from tests.localazure.control import (
    BODIES,
    CHAIN,
    COMPUTE,
    INSIGHTS,
    LOGS,
    NETWORK,
    PRIVATE_ENDPOINT,
    RG,
    STORAGE,
    SUB,
    SUBNET,
    VAULT,
    WORKSPACE,
    Azure,
)

OURS, OTHERS = {**ownership("azmlflow", "old"), **record(CHAIN)}, ownership("azmlflow", "prod")
HOLDER = Owner("azmlflow", "old")
LOCK = "providers/Microsoft.Authorization/locks"
SENTENCE = "azmlflow stack old of project azmlflow"


@dataclass(frozen=True)
class World:
    """A cloud with our workspace in it."""

    azure: Azure
    door: Door

    def put(self, path: str, tags: dict[str, str] | None = None, body: dict[str, Any] | None = None) -> str:
        """Make something; gives its id."""
        made = {"location": "westeurope", **(body or {})}
        answer = self.azure.arm("PUT", path, {**made, **({"tags": tags} if tags else {})})
        assert answer.status in (200, 201, 202), answer
        self.azure.wait()
        return path

    def storage(self, name: str, group: str = RG, tags: dict[str, str] | None = None) -> str:
        return self.put(f"{group}/providers/Microsoft.Storage/storageAccounts/{name}", tags, BODIES[STORAGE])

    def vault(self, name: str, group: str = RG, tags: dict[str, str] | None = None) -> str:
        return self.put(f"{group}/providers/Microsoft.KeyVault/vaults/{name}", tags, BODIES[VAULT])

    def logs(self, name: str, group: str = RG, tags: dict[str, str] | None = None) -> str:
        return self.put(f"{group}/providers/Microsoft.OperationalInsights/workspaces/{name}", tags, BODIES[LOGS])

    def group(self, name: str, tags: dict[str, str] | None = None) -> str:
        return self.put(f"{SUB}/resourceGroups/{name}", tags)

    def managed(self, path: str) -> str:
        """Have it managed by something in another group: the lists tell of it."""
        collection = "resources"
        document = self.azure.cloud.store.get(collection, path.lower())
        assert document is not None
        manager = f"{SUB}/resourceGroups/other/providers/Microsoft.Databricks/workspaces/dbw"
        self.azure.cloud.store.put(collection, path.lower(), {**document, "managedBy": manager})
        return path

    def identity(self, name: str, tags: dict[str, str]) -> str:
        return self.put(f"{RG}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}", tags)

    def lock(self, at: str, notes: str = "", level: str = "CanNotDelete", name: str = "keep") -> str:
        body = {"properties": {"level": level, "notes": notes}}
        path = f"{at}/{LOCK}/{name}"
        assert self.azure.arm("PUT", path, body, api="2020-05-01").status in (200, 201)
        return path

    def retag(self, path: str, tags: dict[str, str]) -> str:
        assert self.azure.arm("PATCH", path, {"tags": tags}).status in (200, 202)
        self.azure.wait()
        return path

    def bury(self, name: str, group: str, tags: dict[str, str] | None = None) -> str:
        """A vault, soft-deleted; gives the id of its soft-deleted form."""
        vault = self.vault(name, group, tags)
        assert self.azure.arm("DELETE", vault).status in (200, 202, 204)
        self.azure.wait()
        return f"{SUB}/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults/{name}"

    def midway(self, method: str, end: str, act: Callable[[], object]) -> None:
        """Have something happen right before the first request of a method whose path ends so."""

        def watch(asked: str, path: str) -> None:
            if asked == method and path.endswith(end):
                self.door.before.remove(watch)
                act()

        self.door.before.append(watch)

    def stands(self, id_: str) -> bool:
        status = self.azure.arm("GET", id_).status
        assert status in (200, 404), id_
        return status == 200


@pytest.fixture
def world(azure: Azure) -> World:
    azure.make(*(path for path in CHAIN if path != COMPUTE), tags=OURS)
    azure.make(COMPUTE)
    return World(azure, Door(azure))


# What each makes, and gives the ids of what must stand afterwards. Here the removal must be refused.
REFUSED: dict[str, Callable[[World], list[str]]] = {
    "a storage account without tags": lambda w: [w.storage("theirs1")],
    "a storage account of another stack": lambda w: [w.storage("theirs1", tags=OTHERS)],
    "another stack's vault": lambda w: [w.vault("kv-prod", tags=OTHERS)],
    "a vault adopted by our workspace's users": lambda w: [w.vault("kv-adopted")],
    "the same stack of another project": lambda w: [w.storage("theirs1", tags=ownership("other", "old"))],
    "tags whose value differs in case": lambda w: [w.storage("theirs1", tags=ownership("azmlflow", "Old"))],
    "tags whose value has a suffix": lambda w: [w.storage("theirs1", tags=ownership("azmlflow", "old2"))],
    "half of our tags": lambda w: [w.storage("theirs1", tags={"azmlflow-project": "azmlflow"})],
    "tags handed down by a policy": lambda w: [w.storage("theirs1", tags=OURS)],
    "an identity with tags handed down": lambda w: [w.identity("id-boris", OURS)],
    "our storage account without its record": lambda w: [w.retag(STORAGE, ownership("azmlflow", "old"))],
    "a lock whose note ends as ours": lambda w: [w.lock(RG, f"boris needs it ({SENTENCE})", name="azmlflow"), RG],
    "a lock of another name with our note": lambda w: [w.lock(RG, SENTENCE), RG, WORKSPACE],
    "a lock of our name and note, but above the group": lambda w: [w.lock(SUB, SENTENCE, name="azmlflow"), WORKSPACE],
    "a second vault with our tags": lambda w: [w.vault("kv-two", tags=OURS)],
    "a second log workspace with our tags": lambda w: [w.logs("logs-two", tags=OURS)],
    "our vault with another stack's tags": lambda w: [w.retag(VAULT, OTHERS)],
    "our storage account without its tags": lambda w: [w.retag(STORAGE, {"team": "x"})],
    "our workspace with another stack's tags": lambda w: [w.retag(WORKSPACE, OTHERS)],
    "the group with half of its tags": lambda w: [w.retag(RG, {"azmlflow-stack": "old"}), STORAGE],
    "the group without tags": lambda w: [w.retag(RG, {"team": "x"}), STORAGE, VAULT],
    "tags whose value ends in a space": lambda w: [w.storage("theirs1", tags=ownership("azmlflow", "old "))],
    "a letter of another script in a value": lambda w: [w.storage("theirs1", tags=ownership("azmlflow", "\u043eld"))],
    "a resource that something elsewhere manages": lambda w: [w.managed(STORAGE)],
    "the group managed by something elsewhere": lambda w: [w.managed(RG), STORAGE, WORKSPACE],
    "a lock on the subscription": lambda w: [w.lock(SUB), RG, WORKSPACE],
    "a lock that only forbids writing": lambda w: [w.lock(VAULT, level="ReadOnly"), VAULT, WORKSPACE],
    "a lock on a cluster": lambda w: [w.lock(COMPUTE), COMPUTE, WORKSPACE],
    "our logs that Application Insights elsewhere uses": lambda w: [insights(w, w.group("rg2"), {}, LOGS), LOGS],
    "our account that a workspace elsewhere uses by a datastore": lambda w: [datastore(w), STORAGE],
    "our vault that a workspace elsewhere uses": lambda w: [user(w, VAULT), VAULT],
    "our workspace that is the hub of a project elsewhere": lambda w: [project(w), WORKSPACE],
    "our storage account that somebody elsewhere uses by a private endpoint": lambda w: [endpoint(w), STORAGE],
    "our vault whose key a workspace elsewhere uses": lambda w: [encrypted(w), VAULT],
    "our storage account that another of our stacks uses": lambda w: [user(w, STORAGE, tags=OURS), STORAGE],
    "a lock on the group": lambda w: [w.lock(RG), RG, WORKSPACE],
    "a lock in the group": lambda w: [w.lock(STORAGE), STORAGE, WORKSPACE],
    "a lock whose note names a like stack": lambda w: [w.lock(RG, "azmlflow stack old of project azmlflow2"), RG],
    "a lock whose note only begins as ours": lambda w: [w.lock(RG, "azmlflow stack old"), RG],
}
# Here it must go through, and these must stand.
SPARED: dict[str, Callable[[World], list[str]]] = {
    "a group whose name has ours as its beginning": lambda w: [w.storage("theirs1", w.group("rg10"))],
    "a group whose name is ours with a suffix": lambda w: [w.group("rg1-prod", OURS)],
    "a group whose name is ours without its end": lambda w: [w.group("rg", OURS)],
    "a group of another stack": lambda w: [w.storage("theirs1", w.group("rg2", OTHERS), OTHERS)],
    "our tags in another group": lambda w: [w.storage("theirs1", w.group("rg2", OURS), OURS)],
    "a soft-deleted vault of another group": lambda w: [w.bury("kv-dead", w.group("rg2"))],
    "a soft-deleted vault of a like group": lambda w: [w.bury("kv-dead", w.group("rg10"), OURS)],
    "a soft-deleted vault of ours, untagged": lambda w: [w.bury("kv-dead", RG)],
    "a soft-deleted vault with tags handed down": lambda w: [w.bury("kv-boris", RG, OURS)],
    "a soft-deleted vault of another stack in our group": lambda w: [w.bury("kv-dead", RG, OTHERS)],
    "the storage account that our workspace uses, in another group": lambda w: [linked_elsewhere(w)],
    "a role of ours that is assignable elsewhere, too": lambda w: [shared_role(w)],
    "a workspace elsewhere with a vault of its own": lambda w: [user(w)],
    "a lock on another group": lambda w: [w.lock(w.group("rg2"))],
    "somebody's own role on another group": lambda w: [assigned(w, w.group("rg2"))],
    "somebody's role on the subscription": lambda w: [assigned(w, SUB)],
}
# What happens in the middle, and must stand: (method, end of the path) of the request that it comes right before.
MIDWAY: dict[str, tuple[str, str, Callable[[World], list[str]]]] = {
    "a storage account, before the purge": ("DELETE", "/old-mark", lambda w: [w.storage("theirs1")]),
    "a storage account, after the purge": ("DELETE", "/logs-one", lambda w: [w.storage("theirs1")]),
    "a vault of another stack, after the purge": ("DELETE", "/logs-one", lambda w: [w.vault("kv-p", tags=OTHERS)]),
    "one with our tags, after the purge": ("DELETE", "/logs-one", lambda w: [w.storage("theirs1", tags=OURS)]),
    "a lock on the group, after the purge": ("DELETE", "/logs-one", lambda w: [w.lock(RG), RG, STORAGE]),
    "a lock in the group, right at its deletion": ("DELETE", "/rg1", lambda w: [w.lock(STORAGE), STORAGE, RG]),
    "the group's tags change": ("DELETE", "/logs-one", lambda w: [w.retag(RG, OTHERS), STORAGE]),
    "something elsewhere comes to manage our vault": ("DELETE", "/logs-one", lambda w: [w.managed(VAULT)]),
    "a private endpoint elsewhere, after the purge": ("DELETE", "/logs-one", lambda w: [endpoint(w), STORAGE]),
    "a workspace elsewhere takes our vault, midway": (
        "DELETE",
        "/logs-one",
        lambda w: [user(w, VAULT), VAULT],
    ),
    "a job, before the purge": ("DELETE", "/old-mark", lambda w: [running(w), WORKSPACE]),
    "our vault becomes another stack's": ("DELETE", "/logs-one", lambda w: [w.retag(VAULT, OTHERS)]),
}


def linked_elsewhere(world: World) -> str:
    """A storage account of others in a group of theirs, which our workspace uses instead of one of its own."""
    theirs = world.storage("theirs1", world.group("rg2"))
    store = world.azure.cloud.store
    document = store.get("resources", WORKSPACE.lower())
    assert document is not None
    document["properties"]["storageAccount"] = theirs
    store.put("resources", WORKSPACE.lower(), document)
    store.delete("resources", STORAGE.lower())
    return theirs


def shared_role(world: World) -> str:
    """The role of our viewers, which somebody has made assignable in a group of theirs, and assigned there."""
    group = world.group("rg2")
    role = f"{SUB}/providers/Microsoft.Authorization/roleDefinitions/{custom_role_guid('viewer', RG)}"
    properties = {
        "roleName": "azmlflow viewer (rg1)",
        "type": "CustomRole",
        "permissions": [{"actions": ["*/read"]}],
        "assignableScopes": [RG, group],
    }
    assert world.azure.arm("PUT", role, {"properties": properties}, api="2022-04-01").status == 201
    assignment = f"{group}/providers/Microsoft.Authorization/roleAssignments/{world.azure.cloud.ids.guid()}"
    given = {"roleDefinitionId": role, "principalId": world.azure.who("bob@local.test").object_id}
    assert world.azure.arm("PUT", assignment, {"properties": given}, api="2022-04-01").status == 201
    return assignment


def insights(world: World, group: str, tags: dict[str, str], logs: str | None = None) -> str:
    """Application Insights in another group; its data lies in our Log Analytics, if that is given."""
    properties = {"Application_Type": "web", **({"WorkspaceResourceId": logs} if logs else {})}
    return world.put(INSIGHTS.replace(RG, group), tags, {"kind": "web", "properties": properties})


def datastore(world: World) -> str:
    """A datastore of a workspace elsewhere over our storage account."""
    theirs = f"{user(world)}/datastores/team"
    properties = {
        "datastoreType": "AzureBlob",
        "accountName": STORAGE.rsplit("/", 1)[-1],
        "containerName": "azureml",
        "credentials": {"credentialsType": "None"},
    }
    assert world.azure.arm("PUT", theirs, {"properties": properties}).status in (200, 201)
    return theirs


def user(world: World, *shared: str, tags: dict[str, str] = OTHERS) -> str:
    """A workspace in another group that uses some of ours, and else its own."""
    group = world.group("rg2", tags)
    uses = {
        "keyVault": VAULT if VAULT in shared else world.vault("kv-two", group, tags),
        "storageAccount": STORAGE if STORAGE in shared else world.storage("theirs1", group, tags),
        "applicationInsights": insights(world, group, tags),
    }
    body = {**BODIES[WORKSPACE], "properties": {**BODIES[WORKSPACE]["properties"], **uses}}
    return world.put(WORKSPACE.replace(RG, group), tags, body)


def project(world: World) -> str:
    """A project of others whose hub is our workspace."""
    theirs, store = user(world), world.azure.cloud.store
    document = store.get("resources", theirs.lower())
    assert document is not None
    document["properties"]["hubResourceId"] = WORKSPACE
    store.put("resources", theirs.lower(), document)
    return theirs


def endpoint(world: World) -> str:
    """A private endpoint of others, in a network of theirs, that leads to our storage account."""
    group = world.group("rg2")
    for path in (NETWORK, SUBNET):
        assert world.azure.arm("PUT", path.replace(RG, group), BODIES[path]).status in (200, 201)
    world.azure.wait()
    properties = {**BODIES[PRIVATE_ENDPOINT]["properties"], "subnet": {"id": SUBNET.replace(RG, group)}}
    return world.put(PRIVATE_ENDPOINT.replace(RG, group), None, {"properties": properties})


def encrypted(world: World) -> str:
    """A workspace of others whose data a key in our vault encrypts."""
    theirs, store = user(world), world.azure.cloud.store
    document = store.get("resources", theirs.lower())
    assert document is not None
    document["properties"]["encryption"] = {"status": "Enabled", "keyVaultProperties": {"keyVaultArmId": VAULT}}
    store.put("resources", theirs.lower(), document)
    return theirs


def running(world: World) -> str:
    """A job on our cluster."""
    job = f"{WORKSPACE}/jobs/train-1"
    body = {"properties": {"jobType": "Command", "command": "sleep 1000", "computeId": COMPUTE}}
    assert world.azure.arm("PUT", job, body).status in (200, 201)
    return job


def assigned(world: World, scope: str) -> str:
    """An assignment of somebody else's making."""
    return world.azure.assign("alice@local.test", "Reader", scope)


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_ours_in_the_group_stops_it_before_anything_goes(world: World, case: str) -> None:
    kept = [*REFUSED[case](world), WORKSPACE, STORAGE]
    with pytest.raises(CliError) as told:
        remove_group(open_arm(world.door), RG)
    assert told.value.next
    assert [id_ for id_ in kept if not world.stands(id_)] == []
    assert [call for call in world.door.calls if not call.startswith("GET")] == []


@pytest.mark.parametrize("case", REFUSED)
def test_nor_does_unmanaged_reach_what_is_marked_as_others(world: World, case: str) -> None:
    kept = REFUSED[case](world)
    marked = any(word in case for word in ("stack", "project", "value", "half", "lock", "manage", "uses", "hub"))
    with contextlib.suppress(CliError):
        remove_group(open_arm(world.door), RG, Limits(unmanaged=True))
        assert not marked
    if marked:
        assert [id_ for id_ in kept if not world.stands(id_)] == []


@pytest.mark.parametrize("case", SPARED)
def test_what_is_outside_the_group_is_spared(world: World, case: str) -> None:
    kept = SPARED[case](world)
    remove_group(open_arm(world.door), RG)
    assert [id_ for id_ in kept if not world.stands(id_)] == []
    assert not world.stands(RG)


@pytest.mark.parametrize("case", MIDWAY)
def test_what_comes_after_the_plan_is_spared(world: World, case: str) -> None:
    method, end, act = MIDWAY[case]
    kept: list[str] = []
    plan = plan_group(open_arm(world.door), RG)
    if end == "/old-mark":
        kept += act(world)
    else:
        world.midway(method, end, lambda: kept.extend(act(world)))
    with pytest.raises(CliError):
        remove_group(open_arm(world.door), RG, plan=plan)
    assert kept
    assert [id_ for id_ in kept if not world.stands(id_)] == []


@pytest.mark.parametrize("written", ["RG1", "Rg1"])
def test_the_groups_name_in_another_case_is_the_same_group(world: World, written: str) -> None:
    other = world.storage("theirs1", world.group("rg10"))
    assert remove_group(open_arm(world.door), f"{SUB}/resourceGroups/{written}").left == ()
    assert not world.stands(RG)
    assert world.stands(other)


def test_a_stack_deletes_only_what_its_state_or_settings_name(world: World) -> None:
    known = frozenset(path.lower() for path in CHAIN if path != INSIGHTS)
    limits = Limits(holder=HOLDER, known=known)
    with pytest.raises(CliError, match="not in its state or settings"):
        remove_group(open_arm(world.door), RG, limits)
    assert world.stands(INSIGHTS)
    assert remove_group(open_arm(world.door), RG, Limits(holder=HOLDER, known=known | {INSIGHTS.lower()})).left == ()


def test_a_stack_does_not_take_another_stacks_group(world: World) -> None:
    limits = Limits(holder=Owner("azmlflow", "prod"), known=frozenset(path.lower() for path in CHAIN))
    with pytest.raises(CliError, match="belongs to stack old of project azmlflow"):
        remove_group(open_arm(world.door), RG, limits)
    assert world.stands(STORAGE)


@pytest.mark.parametrize("tags", [{**OURS, "Azmlflow-Stack": "prod"}, {**OURS, "AZMLFLOW-PROJECT": "other"}])
def test_tags_that_differ_in_the_case_of_their_name_prove_nothing(tags: dict[str, str]) -> None:
    assert Owner.of(tags) is None
    assert not HOLDER.owns(tags)
    assert "" not in marks(tags)  # marked all the same: no `--unmanaged` reaches it
    assert Owner.of({**OURS, "Azmlflow-Stack": "old"}) == HOLDER


@pytest.mark.parametrize("unmanaged", [False, True])
def test_types_that_no_plan_knows_are_refused(world: World, unmanaged: bool) -> None:
    """Such as Azure may have tomorrow; here they are put into the list of the group's resources."""
    unknown = f"{RG}/providers/Contoso.Quantum/annealers/q1"
    real = world.door.send

    def send(request: Any, **options: Any) -> Response:
        answer = real(request, **options)
        if request.method == "GET" and urlsplit(request.url).path.lower() == f"{RG}/resources".lower():
            listed = [*answer.json()["value"], {"id": unknown, "type": "Contoso.Quantum/annealers", "tags": OTHERS}]
            answer.content = json.dumps({"value": listed}).encode()
        return answer

    world.door.send = send  # type: ignore[method-assign]
    with pytest.raises(CliError, match="annealers/q1 belongs to stack prod"):
        remove_group(open_arm(world.door), RG, Limits(unmanaged=unmanaged))
    assert world.stands(WORKSPACE)


def test_our_own_lock_is_dropped(world: World) -> None:
    world.lock(RG, SENTENCE, name="azmlflow")
    assert remove_group(open_arm(world.door), RG).left == ()


def test_of_many_the_first_are_named_and_the_rest_counted(world: World) -> None:
    for number in range(25):
        world.identity(f"id-{number:02}", OURS)
    with pytest.raises(CliError) as told:
        remove_group(open_arm(world.door), RG)
    assert told.value.what.count("\n") == 21
    assert told.value.what.endswith("\n  - and 4 more")


def test_there_are_at_least_thirty() -> None:
    assert len(REFUSED) + len(SPARED) + len(MIDWAY) >= 30
    assert TENANT_ID
