"""Folders of environments, which a job's user has for a while: which are lent, and which are taken back, as root."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from azmlflow.localazure.keeper import keeper, lending

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")

USER, OTHER = 50001, 50002
DIGEST = "0123456789abcdef0123"


def owner(path: Path) -> int:
    return path.lstat().st_uid


def test_only_an_empty_folder_of_ours_is_lent(tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    venv.mkdir()
    lending.lend(str(venv), USER)
    assert owner(venv) == USER
    with pytest.raises(lending.NotTaken, match="is not an empty folder of ours"):
        lending.lend(str(venv), OTHER)  # it is another's by now
    full = tmp_path / "full"
    full.mkdir()
    (full / "file").touch()
    with pytest.raises(lending.NotTaken, match="is not an empty folder of ours"):
        lending.lend(str(full), USER)
    assert (owner(venv), owner(full)) == (USER, 0)


def test_all_that_the_user_made_is_taken_back(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "file").touch()
    for path in (tmp_path, inner, inner / "file"):
        os.chown(path, USER, USER)
    inner.chmod(0o777)
    lending.take_back(str(tmp_path), USER)
    assert [owner(path) for path in (tmp_path, inner, inner / "file")] == [0, 0, 0]
    assert inner.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("what", ["folder", "file"])
def test_what_is_somebody_elses_is_not_taken_back(tmp_path: Path, what: str) -> None:
    path = tmp_path / "theirs"
    if what == "folder":
        path.mkdir()
    else:
        path.touch()
    os.chown(path, OTHER, OTHER)
    with pytest.raises(lending.NotTaken, match="is somebody else's"):
        lending.take_back(str(tmp_path), USER)
    assert owner(path) == OTHER


def test_an_environment_lies_in_a_folder_that_is_ours_alone(tmp_path: Path) -> None:
    folder = tmp_path / DIGEST
    folder.mkdir(0o755)
    keeper._check_venv(f"{folder}/venv")
    for path in (f"{tmp_path}/venv", f"{folder}/other", f"{folder}/venv/lib"):
        with pytest.raises(keeper.Refused, match="is not a folder of an environment"):
            Path(path).parent.mkdir(exist_ok=True)
            keeper._check_venv(path)
    folder.chmod(0o775)
    with pytest.raises(keeper.Refused, match="is not ours alone"):
        keeper._check_venv(f"{folder}/venv")
    folder.chmod(0o755)
    os.chown(folder, OTHER, OTHER)
    with pytest.raises(keeper.Refused, match="is not ours alone"):
        keeper._check_venv(f"{folder}/venv")
