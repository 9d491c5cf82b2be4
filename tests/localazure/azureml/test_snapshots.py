"""Snapshots: put together from what changed, kept, and refused when they cannot be."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from azmlflow.localazure.azureml.submission import snapshots
from tests.localazure.azureml.conftest import OTHER, DataPlane
from tests.localazure.control import WORKSPACE

ONE, TWO, THREE = (str(uuid.UUID(int=number)) for number in (1, 2, 3))


def tree(*paths: str) -> dict[str, Any]:
    """A tree as azureml-core writes it."""
    root: dict[str, Any] = {"name": "", "type": "Directory", "hash": "h", "timestamp": "t", "children": {}}
    for path in paths:
        node = root
        *folders, name = path.split("/")
        for folder in folders:
            fresh = {"name": folder, "type": "Directory", "hash": "h", "timestamp": "t", "children": {}}
            node = node["children"].setdefault(folder, fresh)
        node["children"][name] = {"name": name, "type": "File", "hash": "h", "timestamp": "t", "children": {}}
    return root


def send(plane: DataPlane, **files: str) -> list[dict[str, Any]]:
    """Upload files as a client does; its revision list."""
    told = plane.good("POST", "content", "/snapshots/getblob", {"FileNames": list(files)})["fileNodes"]
    for node in told:
        plane.put(node["blobUri"], files[node["fullName"]].encode())
    return [{"FullName": node["fullName"], "BlobUri": node["blobUri"], "FileSize": 1} for node in told]


def body(parent: str, nodes: list[dict[str, Any]], *paths: str) -> dict[str, Any]:
    return {"ParentSnapshotId": parent, "DirTreeNode": tree(*paths), "FileRevisionList": {"FileNodes": nodes}}


def kept(plane: DataPlane, snapshot: str) -> dict[str, bytes]:
    return plane.blobs("snapshots", f"{plane.workspace_id}/{snapshot}/")


def test_a_client_compares_with_nothing_at_first(plane: DataPlane) -> None:
    told = plane.good("GET", "content", "/snapshots/latest/metadata", version="v1.0")
    assert told == {"root": {}, "id": snapshots.NONE}


def test_a_snapshot_is_its_parent_with_what_changed(plane: DataPlane) -> None:
    nodes = send(plane, **{"a.py": "1", "b.py": "1", "lib/c.py": "1"})
    plane.good("POST", "content", f"/snapshots/{ONE}", body(snapshots.NONE, nodes, "a.py", "b.py", "lib/c.py"))
    assert kept(plane, ONE) == {"a.py": b"1", "b.py": b"1", "lib/c.py": b"1"}
    nodes = send(plane, **{"a.py": "2", "d é.py": "2"})
    second = body(ONE, nodes, "a.py", "lib/c.py", "d é.py")
    plane.good("POST", "content", f"/snapshots/{TWO}", second)
    assert kept(plane, TWO) == {"a.py": b"2", "d é.py": b"2", "lib/c.py": b"1"}
    plane.good("POST", "content", f"/snapshots/{TWO}", second)  # sent again
    assert kept(plane, ONE)["a.py"] == b"1"


def test_where_files_go_needs_no_encoding(plane: DataPlane) -> None:
    """azureml-core takes the URL's path as the blob's name, and encodes it once more."""
    names = ["two words.py", "é.py", "50%20off.py", "what?.py", "no#1.py", "lib/plain.py"]
    told = plane.good("POST", "content", "/snapshots/getblob", {"FileNames": names})["fileNodes"]
    assert [node["fullName"] for node in told] == names
    paths = [urlsplit(node["blobUri"]).path for node in told]
    assert paths == [quote(path) for path in paths]
    assert len(set(paths)) == len(names)
    nodes = send(plane, **dict.fromkeys(names, "1"))
    plane.good("POST", "content", f"/snapshots/{ONE}", body(snapshots.NONE, nodes, *names))
    assert kept(plane, ONE) == dict.fromkeys(names, b"1")


def test_an_unknown_parent_is_refused_so_that_the_client_starts_over(plane: DataPlane) -> None:
    nodes = send(plane, a="1")
    assert TWO in plane.refused(400, "POST", "content", f"/snapshots/{ONE}", body(TWO, nodes, "a"))
    plane.good("POST", "content", f"/snapshots/{ONE}", body(snapshots.NONE, nodes, "a"))
    plane.refused(400, "POST", "content", f"/snapshots/{TWO}", body(ONE, [], "a"), workspace=OTHER)


def test_a_file_that_never_came_is_refused(plane: DataPlane) -> None:
    told = plane.good("POST", "content", "/snapshots/getblob", {"FileNames": ["a"]})["fileNodes"]
    nodes = [{"FullName": "a", "BlobUri": told[0]["blobUri"], "FileSize": 1}]
    assert "'a'" in plane.refused(400, "POST", "content", f"/snapshots/{ONE}", body(snapshots.NONE, nodes, "a"))
    assert "'b'" in plane.refused(400, "POST", "content", f"/snapshots/{ONE}", body(snapshots.NONE, [], "b"))


def test_a_file_of_elsewhere_is_refused(plane: DataPlane) -> None:
    (node,) = send(plane, a="1")
    for there, elsewhere in (("/revisions/", "/azureml/"), ("stacct1", "stacct2"), (plane.workspace_id, "x")):
        nodes = [{**node, "BlobUri": node["BlobUri"].replace(there, elsewhere)}]
        refusal = plane.refused(400, "POST", "content", f"/snapshots/{ONE}", body(snapshots.NONE, nodes, "a"))
        assert "not where it was to be put" in refusal


def test_a_snapshot_over_the_limit_is_refused_with_the_limit(plane: DataPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "SNAPSHOT_LIMIT", 2 * 1024 * 1024)
    nodes = send(plane, a="x" * (2 * 1024 * 1024 + 1))
    assert "2 MiB" in plane.refused(400, "POST", "content", f"/snapshots/{ONE}", body(snapshots.NONE, nodes, "a"))
    names = [str(number) for number in range(2001)]
    assert "2000" in plane.refused(400, "POST", "content", "/snapshots/getblob", {"FileNames": names})


@pytest.mark.parametrize("name", ["../a", "/a", "a//b", "a/./b", ""])
def test_a_name_that_leads_out_of_the_folder_is_refused(plane: DataPlane, name: str) -> None:
    plane.refused(400, "POST", "content", "/snapshots/getblob", {"FileNames": [name]})


@pytest.mark.parametrize("told", [{}, {"DirTreeNode": 1}, {"DirTreeNode": {"children": []}}])
def test_a_tree_that_cannot_be_read_is_refused(plane: DataPlane, told: dict[str, Any]) -> None:
    plane.refused(400, "POST", "content", f"/snapshots/{ONE}", told)
    plane.refused(400, "POST", "content", f"/snapshots/{ONE}", content=b"no json")


def test_who_may(plane: DataPlane) -> None:
    for who in ("viewer@local.test", "tracker@local.test"):
        plane.refused(403, "POST", "content", "/snapshots/getblob", {"FileNames": ["a"]}, who=who)
    plane.good("POST", "content", "/snapshots/getblob", {"FileNames": ["a"]}, who="submitter@local.test")
    for method, path in (("GET", f"/snapshots/{ONE}"), ("POST", "/snapshots/no-guid"), ("POST", "/else")):
        plane.refused(404, method, "content", path, {})


def test_snapshots_go_with_their_workspace(plane: DataPlane) -> None:
    plane.good("POST", "content", f"/snapshots/{ONE}", body(snapshots.NONE, send(plane, a="1"), "a"))
    assert list(plane.cloud.store.scan("snapshots"))
    plane.azure.arm("DELETE", f"{WORKSPACE}?forceToPurge=true")
    plane.azure.wait()
    assert not list(plane.cloud.store.scan("snapshots"))
