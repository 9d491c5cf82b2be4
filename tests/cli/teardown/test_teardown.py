"""The removal of one group, against the embedded Azure: what goes, what stays, and every request of it failed."""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from azmlflow.cli.azure.errors import ForeignAnswer, MalformedAnswer, TimedOut
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.teardown import Limits, Progress, Removal, plan_group, remove_group
from azmlflow.cli.teardown.data import describing
from azmlflow.cli.teardown.ownership import WORKSPACE as ML_WORKSPACES
from azmlflow.cli.teardown.ownership import Resource
from azmlflow.cli.teardown.steps import planned
from azmlflow.infra.plan.tags import ownership, record
from tests.cli.desk import FakeArm
from tests.cli.door import Door, open_arm
from tests.cli.wire import Response
from tests.localazure.control import BODIES, CHAIN, COMPUTE, INSIGHTS, LOGS, RG, STORAGE, VAULT, WORKSPACE, Azure

OURS = {**ownership("azmlflow", "old"), **record(CHAIN)}


def stand(azure: Azure) -> None:
    """A whole workspace with our tags."""
    azure.make(*(path for path in CHAIN if path != COMPUTE), tags=OURS)
    azure.make(COMPUTE)


def remains(azure: Azure) -> list[str]:
    """Keys of everything that is in the cloud, soft-deleted things and assignments included."""
    store = azure.cloud.store
    names = ("resources", "deleted", "locks", "assignments", "definitions")
    return sorted(f"{name}:{key}" for name in names for key, _ in store.scan(name))


@pytest.fixture
def door(azure: Azure) -> Door:
    return Door(azure)


def test_a_group_goes_with_all_that_would_outlive_it(azure: Azure, door: Door) -> None:
    empty = remains(azure)
    stand(azure)
    report = remove_group(open_arm(door), RG)
    assert report.left == ()
    assert [step for step, _ in report.steps] == ["purge the workspace", "delete the group", "purge the key vault"]
    assert remains(azure) == empty
    changes = [call for call in door.calls if not call.startswith("GET")]
    assert [call.split("/")[-1] for call in changes] == ["ws-one", "logs-one", "rg1", "purge"]


def test_again_is_nothing(azure: Azure, door: Door) -> None:
    stand(azure)
    remove_group(open_arm(door), RG)
    assert planned(Removal(open_arm(door), plan_group(open_arm(door), RG))) == ()
    report = remove_group(open_arm(door), RG)
    assert (report.steps, report.left) == ((), ())


def test_a_workspace_that_is_answered_in_another_form_ends_the_look(azure: Azure, door: Door) -> None:
    """What it uses would be unknown, and none of it be looked at."""
    stand(azure)
    before = remains(azure)
    listed = Response(200, b'{"value": []}', {})
    door.fault = lambda _number, _method, path: listed if path == WORKSPACE else None
    with pytest.raises(MalformedAnswer, match="a resource without `id`"):
        plan_group(open_arm(door), RG)
    assert remains(azure) == before


def test_progress_tells_what_azure_is_at_work_on(tmp_path: Path) -> None:
    azure = Azure(tmp_path, "azure")
    stand(azure)
    told: list[Progress] = []
    remove_group(open_arm(Door(azure)), RG, on_progress=told.append)
    states = {(one.what, one.state) for one in told}
    assert ("workspaces/ws-one", "purging") in states
    assert ("storageAccounts/stacct1", "deleting") in states
    azure.cloud.store.close()


def test_in_time_given_up_with_what_stands(tmp_path: Path) -> None:
    azure = Azure(tmp_path, "azure")
    stand(azure)
    door = Door(azure)
    with pytest.raises(TimedOut) as told:
        remove_group(open_arm(door, longest=10), RG)
    assert told.value.next is not None
    assert "type the command again" in told.value.next
    assert remove_group(open_arm(door), RG).left == ()
    azure.cloud.store.close()


@pytest.mark.parametrize(
    ("seconds", "standing"),
    [(20, ["workspaces/ws-one", "storageAccounts/stacct1", "vaults/kv-one"]), (92, ["key vault kv-one"])],
)
def test_the_bound_of_the_whole_removal_tells_what_still_stands(
    tmp_path: Path, seconds: float, standing: list[str]
) -> None:
    """30 s for the workspace, 60 for the group, 10 for the vault: the time is over in the first wait, or the last."""
    azure = Azure(tmp_path, "azure")
    stand(azure)
    door = Door(azure)
    with pytest.raises(TimedOut) as told:
        remove_group(open_arm(door).within(seconds), RG)
    assert door.slept <= seconds
    assert f"not finished within {seconds} seconds" in told.value.what
    for name in standing:
        assert name in told.value.what
    assert remove_group(open_arm(door), RG).left == ()
    azure.cloud.store.close()


def test_a_retry_after_that_is_longer_than_the_time_is_not_slept_out(azure: Azure, door: Door) -> None:
    stand(azure)
    headers = {"Retry-After": "600"}
    door.fault = lambda n, *_: Response(429, b"{}", headers) if n == 3 else None
    with pytest.raises(TimedOut):
        remove_group(open_arm(door).within(60), RG)
    assert door.slept < 60
    assert remove_group(open_arm(door), RG).left == ()


def test_what_purge_protection_keeps_is_no_residue(azure: Azure, door: Door) -> None:
    body = {**BODIES[VAULT], "tags": OURS}
    body["properties"] = {**body["properties"], "enablePurgeProtection": True}
    azure.arm("PUT", RG, {**BODIES[RG], "tags": OURS})
    azure.arm("PUT", VAULT, body)
    azure.wait()
    report = remove_group(open_arm(door), RG)
    assert report.left == ()
    assert [(entry.kind, entry.name, len(entry.until)) for entry in report.kept] == [("key vault", "kv-one", 10)]
    assert "purge protection" in report.kept[0].why
    assert [step for step, _ in report.steps] == ["delete the group"]  # nobody purged the vault


def test_all_but_the_last_look_is_done_in_turn(azure: Azure, door: Door) -> None:
    stand(azure)
    asked: list[str] = []
    door.before.append(lambda method, path: asked.append(f"{method} {path.split('/')[-1]}"))

    @contextlib.contextmanager
    def turn() -> Iterator[None]:
        asked.append("my turn")
        yield
        asked.append("the next one's turn")

    plan = plan_group(open_arm(door), RG)
    asked.clear()
    assert remove_group(open_arm(door), RG, plan=plan, turn=turn()).left == ()
    assert asked[0] == "my turn"
    over = asked.index("the next one's turn")
    changes = ["DELETE ws-one", "DELETE logs-one", "DELETE rg1", "POST purge"]
    assert [each for each in asked[:over] if each.startswith(("DELETE", "POST"))] == changes
    looks = asked[over + 1 :]
    assert looks
    assert all(each.startswith("GET") for each in looks)


def sample(count: int) -> list[int]:
    """All of them under `make faults`; else a few, by a fixed seed, the first and the last among them."""
    if os.environ.get("AZMLFLOW_FAULTS") == "all":
        return list(range(count))
    return sorted({0, count - 1, *random.Random(5).sample(range(count), 5)})


def requests(tmp_path: Path) -> int:
    azure = Azure(tmp_path / "count")
    stand(azure)
    door = Door(azure)
    remove_group(open_arm(door), RG)
    azure.cloud.store.close()
    return len(door.calls)


def refusal(status: int) -> Response:
    headers = {"Retry-After": "3"} if status in {429, 503} else {}
    return Response(status, b'{"error": {"code": "X", "message": "injected"}}', headers)


@pytest.mark.parametrize("what", ["408", "429", "500", "503", "reset before", "reset after"])
def test_every_request_failed_in_every_way_ends_as_if_none_had(tmp_path: Path, what: str) -> None:
    """408, 429 with Retry-After, 500, 503; the connection lost before and after the work."""
    count = requests(tmp_path)
    for number in sample(count):
        azure = Azure(tmp_path)
        empty = remains(azure)
        stand(azure)
        door = Door(azure)
        if what.isdecimal():
            door.fault = lambda n, *_, k=number: refusal(int(what)) if n == k else None
        elif what == "reset after":
            door.lost = lambda n, *_, k=number: n == k
        else:
            door.fault = lambda n, *_, k=number: lose() if n == k else None
        report = remove_group(open_arm(door), RG)
        assert report.left == (), (what, number)
        assert remains(azure) == empty, (what, number)
        assert len(door.calls) > number
        azure.cloud.store.close()


def test_what_azure_accepts_and_fails_is_begun_again_and_told(azure: Azure, door: Door) -> None:
    stand(azure)
    answer = Response(409, b'{"error": {"code": "OperationFailed", "message": "injected"}}', {})
    left = [answer]
    door.fault = lambda _, method, path: left.pop() if left and (method, path) == ("DELETE", RG) else None
    told: list[Progress] = []
    assert remove_group(open_arm(door), RG, on_progress=told.append).left == ()
    assert [(each.what, each.state) for each in told if each.state == "begun again"] == [
        ("resourceGroups/rg1 (OperationFailed)", "begun again")
    ]


def lose() -> Response:
    from azure.core.exceptions import ServiceResponseError

    raise ServiceResponseError("the connection was reset")


def test_stopped_after_every_request_and_typed_again(tmp_path: Path) -> None:
    """`kill -9` right after the k-th answer, for every k: the same command again ends as if nothing had happened."""

    class Killed(BaseException):
        pass

    def kill(at: int) -> None:
        raise Killed(at)

    count = requests(tmp_path)
    for number in sample(count):
        azure = Azure(tmp_path)
        empty = remains(azure)
        stand(azure)
        door = Door(azure)
        door.fault = lambda n, *_, k=number: kill(k) if n == k else None
        with pytest.raises(Killed):
            remove_group(open_arm(door), RG)
        door.fault = None
        assert remove_group(open_arm(door), RG).left == (), number
        assert remains(azure) == empty, number
        azure.cloud.store.close()


def test_a_group_that_azmlflow_did_not_make_needs_the_word(azure: Azure, door: Door) -> None:
    azure.make(RG, STORAGE)
    with pytest.raises(CliError, match="it is not azmlflow's") as told:
        remove_group(open_arm(door), RG)
    assert told.value.next == "azmlflow down --resource-group rg1 --unmanaged"
    assert remove_group(open_arm(door), RG, Limits(unmanaged=True)).left == ()


def test_a_second_storage_account_with_our_tags_is_not_ours(azure: Azure, door: Door) -> None:
    stand(azure)
    second = STORAGE.replace("stacct1", "stacct2")
    azure.arm("PUT", second, {**BODIES[STORAGE], "tags": OURS})
    azure.wait()
    with pytest.raises(CliError, match="stacct2 bears this stack's tags, which may be inherited or copied"):
        remove_group(open_arm(door), RG)
    assert INSIGHTS and LOGS and WORKSPACE


def test_the_plan_tells_what_data_goes(azure: Azure, door: Door) -> None:
    stand(azure)
    store = azure.cloud.store
    for name, length in (("a", 1024), ("b", 512)):
        store.put("blobs", f"stacct1/models/{name}", {"length": length})
    door.fault = lambda *asked: None if "/mlflow/" not in asked[2] else Response(404, b"{}", {})
    tell = describing(open_arm(door))
    told = {one.name: tell(one) for one in plan_group(open_arm(door), RG).verdict.ours}
    assert told["stacct1"].endswith("containers, 1.5 KiB")
    assert told["kv-one"] == ""
    assert told["ws-one"] == "all experiments, runs and models"  # no tracking service behind this door


def test_data_that_cannot_be_read_is_said_to_be_so(azure: Azure, door: Door) -> None:
    stand(azure)
    ours = plan_group(open_arm(door), RG).verdict.ours
    door.fault = lambda *_: Response(403, b'{"error": {"code": "AuthorizationFailed", "message": "no"}}', {})
    told = {one.name: describing(open_arm(door))(one) for one in ours}
    assert told["stacct1"] == "its containers cannot be counted: AuthorizationFailed"
    assert told["kv-one"] == "whether purge protection keeps it cannot be read: AuthorizationFailed"
    assert told["ws-one"] == "all experiments, runs and models"


def test_a_region_that_leads_elsewhere_is_no_region() -> None:
    workspace = Resource(WORKSPACE, ML_WORKSPACES, {}, location="evil.example/")
    with pytest.raises(ForeignAnswer, match=r"evil\.example"):
        describing(FakeArm().open())(workspace)


def test_what_a_workspace_holds_is_counted_page_by_page() -> None:
    arm = FakeArm()
    place = f"https://westeurope.api.azureml.ms/mlflow/v2.0{WORKSPACE}/api/2.0/mlflow"
    arm.answers[f"{place}/experiments/search"] = {"experiments": [{}, {}]}
    first = f"{place}/registered-models/search?max_results=100"
    arm.answers[first] = {"registered_models": [{}], "next_page_token": "t"}
    arm.answers[f"{first}&page_token=t"] = {"registered_models": [{}, {}]}
    told = describing(arm.open())(Resource(WORKSPACE, ML_WORKSPACES, {}, location="westeurope"))
    assert told == "2 experiments, 3 registered models, all runs"
