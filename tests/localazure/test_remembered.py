"""What was made once is laid into an Azure that is as the first one was, and into no other."""

from __future__ import annotations

from pathlib import Path

from tests.localazure.control import BODIES, RG, STORAGE, Azure
from tests.localazure.remembered import remembered


def test_one_that_is_alike_gets_all_and_another_is_made(tmp_path: Path) -> None:
    made: list[Azure] = []

    def group(azure: Azure) -> None:
        def make() -> None:
            made.append(azure)
            azure.arm("PUT", RG, BODIES[RG])
            azure.arm("PUT", STORAGE, BODIES[STORAGE])
            azure.wait()
            azure.blob("some", "a/file")

        remembered(azure, "a group, in this test", make)

    first, alike, peopled, slow = (Azure(tmp_path / name) for name in ("first", "alike", "peopled", "slow"))
    peopled.cloud.directory.add_user("carol@local.test")
    slow.clock.advance(1)
    for each in (first, alike, peopled, slow):
        each.cloud.state.mkdir()
        group(each)
    assert made == [first, peopled, slow]
    for name in ("resources", "principals", "assignments", "secrets", "containers"):
        assert dict(first.cloud.store.scan(name)) == dict(alike.cloud.store.scan(name)) != {}, name
    assert first.cloud.ids.guid() == alike.cloud.ids.guid()
    assert _files(first) == _files(alike) != {}
    for each in (first, alike):
        assert each.arm("DELETE", STORAGE).status in (200, 202, 204)
        assert each.arm("GET", STORAGE).status == 404


def _files(azure: Azure) -> dict[Path, bytes]:
    root = azure.cloud.state
    return {each.relative_to(root): each.read_bytes() for each in root.rglob("*") if each.is_file()}
