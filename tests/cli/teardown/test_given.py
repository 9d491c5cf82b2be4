"""A stack in a group that is another's: only what is the stack's goes; nothing of others is touched, or in the way."""

from __future__ import annotations

import pytest

from azmlflow.cli.azure.errors import ArmError
from azmlflow.cli.teardown import Limits, Owner, Removal, plan_group, stack, steps
from azmlflow.cli.teardown.removal import Left
from tests.cli.desk import SUBSCRIPTION, FakeArm
from tests.cli.wire import Response

GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/theirs"
ML = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces"
STORAGE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts"
LOCKS = "providers/Microsoft.Authorization/locks"
OURS, MINE, ACCOUNT = Owner("azmlflow", "dev"), f"{ML}/mine", f"{STORAGE}/stmine"
TAGS = {"azmlflow-project": "azmlflow", "azmlflow-stack": "dev"}
KNOWN = frozenset((MINE.lower(), ACCOUNT.lower()))
ENDPOINT = f"{GROUP}/providers/Microsoft.Network/privateEndpoints/theirs"
LIMITS = Limits(holder=OURS, known=KNOWN, given=True, home=MINE)


def theirs(arm: FakeArm | None = None) -> FakeArm:
    """A group with a workspace and an account of ours, and the same of others."""
    arm = arm or FakeArm()
    arm.put(GROUP, location="westeurope", tags={"team": "blue"})
    for id_, type_ in (
        (ML, "Microsoft.MachineLearningServices/workspaces"),
        (STORAGE, "Microsoft.Storage/storageAccounts"),
    ):
        short = "mine" if id_ == ML else "stmine"
        arm.put(f"{id_}/{short}", type=type_, tags=TAGS, properties={})
        arm.put(f"{id_}/other", type=type_, tags={}, properties={})
    arm.put(f"{ML}/other/jobs/run", properties={"status": "Running"})
    return arm


def removal(arm: FakeArm, limits: Limits = LIMITS) -> Removal:
    opened = arm.open()
    return Removal(opened, plan_group(opened, GROUP, limits))


def test_what_is_ours_goes_and_the_group_and_what_is_anothers_stay() -> None:
    arm = theirs()
    gone = removal(arm)
    assert gone.plan.refusals == ()
    assert gone.plan.notes[0] == "resource group theirs stays, and 2 resources in it: not this stack's"
    assert [one.name for one in gone.plan.verdict.ours] == ["mine", "stmine"]
    for _ in steps.take(gone):
        pass
    assert steps.left(gone) == ((), ())
    standing = {key for key in arm.documents if key.startswith(GROUP.lower())}
    assert standing == {each.lower() for each in (GROUP, f"{ML}/other", f"{ML}/other/jobs/run", f"{STORAGE}/other")}
    assert [
        call for call in arm.calls if call.startswith("DELETE") and "/mine" not in call and "/stmine" not in call
    ] == []


def test_a_group_that_has_nothing_of_others_stays_all_the_same() -> None:
    arm = theirs()
    for id_ in (f"{ML}/other", f"{STORAGE}/other"):
        del arm.documents[id_.lower()]
    assert removal(arm).plan.notes[0] == "resource group theirs stays: not this stack's"


def test_tags_alone_do_not_prove_it() -> None:
    arm = theirs()
    arm.put(f"{STORAGE}/copied", type="Microsoft.Storage/storageAccounts", tags=TAGS)
    assert f"{STORAGE}/copied" not in [one.id for one in removal(arm).plan.verdict.ours]
    arm.put(ACCOUNT, type="Microsoft.Storage/storageAccounts", tags={})
    assert [one.name for one in removal(arm).plan.verdict.ours] == ["mine"], "nor does the state alone"


def test_jobs_and_locks_of_others_are_not_in_the_way_and_ours_are() -> None:
    arm = theirs()
    arm.put(f"{STORAGE}/other/{LOCKS}/keep", properties={"level": "CanNotDelete"})
    assert removal(arm).plan.refusals == ()
    arm.put(f"{MINE}/jobs/run", properties={"status": "Running"})
    arm.put(f"{GROUP}/{LOCKS}/keep", properties={"level": "CanNotDelete"})
    whys = [each.why for each in removal(arm).plan.refusals]
    assert whys == ["lock `locks/keep` is not azmlflow's", "running jobs: run"]


def test_what_others_in_the_group_use_of_ours_stops_it() -> None:
    arm = theirs()
    arm.put(
        MINE, type="Microsoft.MachineLearningServices/workspaces", tags=TAGS, properties={"storageAccount": ACCOUNT}
    )
    assert removal(arm).plan.refusals == (), "our own use is no other's"
    linked = {"storageAccount": ACCOUNT.upper()}
    arm.put(f"{ML}/other", type="Microsoft.MachineLearningServices/workspaces", tags={}, properties=linked)
    arm.put(f"{ML}/other/datastores/shared", properties={"accountName": "stmine"})
    with_endpoint = {"privateEndpointConnections": [{"properties": {"privateEndpoint": {"id": ENDPOINT}}}]}
    arm.put(ACCOUNT, type="Microsoft.Storage/storageAccounts", tags=TAGS, properties=with_endpoint)
    used = "storageAccounts/stmine is used by"
    # Each of this double's subscriptions has the same things.
    assert list(dict.fromkeys(each.why for each in removal(arm).plan.refusals)) == [
        f"{used} workspace `other` in the same group",
        f"{used} datastore `shared` of workspace `other` in the same group",
        f"{used} private endpoint `theirs` in the same group",
    ]


def test_even_a_group_with_our_tags_is_not_deleted_where_it_is_given() -> None:
    arm = theirs()
    arm.put(GROUP, location="westeurope", tags=TAGS)
    for _ in steps.take(removal(arm)):
        pass
    assert arm.get(GROUP) is not None


def test_what_would_not_go_is_told() -> None:
    arm = theirs()
    gone = removal(arm)
    assert Left("storage account", "stmine", ACCOUNT) in steps.left(gone)[0]


class Stubborn(FakeArm):
    """The account is refused for so many times, as what another stands on is."""

    def __init__(self, status: int, times: int) -> None:
        super().__init__()
        self.status, self.times, self.tried = status, times, 0

    def delete(self, path: str, query: str) -> Response:
        if path == ACCOUNT:
            self.tried += 1
            if self.tried <= self.times:
                raise ArmError(self.status, "StillInUse", "not yet", path)
        return super().delete(path, query)


@pytest.mark.parametrize("status", [400, 409])
def test_what_another_stands_on_is_tried_again_after_it(status: int) -> None:
    arm = theirs(Stubborn(status, 3))
    assert stack.delete_ours(removal(arm))
    assert arm.get(ACCOUNT) is None
    assert (arm.get(MINE), arm.get(f"{STORAGE}/other") is not None) == (None, True)


def test_but_not_for_ever() -> None:
    arm = Stubborn(409, 9)
    theirs(arm)
    with pytest.raises(ArmError, match="StillInUse"):
        stack.delete_ours(removal(arm))
    assert arm.tried == 4


def test_what_may_not_be_deleted_is_not_tried_again() -> None:
    arm = Stubborn(403, 1)
    theirs(arm)
    with pytest.raises(ArmError, match="StillInUse"):
        stack.delete_ours(removal(arm))
    assert arm.tried == 1


@pytest.mark.parametrize(
    ("tags", "known", "way"),
    [
        ({}, (ACCOUNT, MINE), "if it is yours: az tag update --operation Merge --resource-id {id} --tags {marks}"),
        ({}, (MINE,), "move or delete it; then type the command again"),
        ({}, None, "move or delete it, or azmlflow down --resource-group theirs --unmanaged"),
        (
            {"azmlflow-project": "azmlflow", "azmlflow-stack": "prod"},
            (ACCOUNT, MINE),
            "move or delete it, or remove it with its own stack; then type the command again",
        ),
    ],
)
def test_of_what_is_in_the_way_in_a_group_of_ones_own_it_is_said_what_to_do(
    tags: dict[str, str], known: tuple[str, ...] | None, way: str
) -> None:
    arm = FakeArm()
    arm.put(GROUP, location="westeurope", tags=TAGS)
    arm.put(ACCOUNT, type="Microsoft.Storage/storageAccounts", tags=tags)
    limits = Limits(holder=OURS, known=None if known is None else frozenset(each.lower() for each in known))
    (refused,) = plan_group(arm.open(), GROUP, limits).refusals
    marks = "azmlflow-project=azmlflow azmlflow-stack=dev"
    assert (refused.id, refused.next) == (ACCOUNT, way.format(id=ACCOUNT, marks=marks))
