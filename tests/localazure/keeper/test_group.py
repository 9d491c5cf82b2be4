"""Where a control group of memory can be made: read off what /proc says, of systems that this one is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from azmlflow.localazure.keeper.memory.group import NAME, Group, _place

ONE = "30 24 0:26 / /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory\n"
TWO = "30 24 0:26 / {} rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"


def test_version_1_is_below_the_group_that_we_are_in() -> None:
    other = "29 24 0:25 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
    found = _place(other + ONE, "9:cpu:/x\n4:memory:/a/b\n0::/\n", lambda _folder: True)
    assert found == ("/sys/fs/cgroup/memory/a/b", 1)


def test_a_container_sees_its_own_part_of_version_1() -> None:
    mount = ONE.replace(" / /sys", " /docker/1 /sys")
    assert _place(mount, "4:memory:/docker/1\n", lambda _folder: True) == ("/sys/fs/cgroup/memory", 1)
    assert _place(mount, "4:memory:/docker/2\n", lambda _folder: True) is None
    assert _place(ONE, "4:memory:/docker/1\n", lambda _folder: False) is None


def test_version_2_is_beside_the_group_that_we_are_in_where_that_hands_memory_down(tmp_path: Path) -> None:
    (tmp_path / "user.slice" / "me").mkdir(parents=True)
    mount = TWO.format(str(tmp_path).replace("-", "\\055"))
    assert _place(mount, "0::/user.slice/me\n") is None
    (tmp_path / "user.slice" / "cgroup.subtree_control").write_text("cpu memory pids\n")
    assert _place(mount, "0::/user.slice/me\n") == (f"{tmp_path}/user.slice", 2)
    assert _place(mount, "0::/\n") is None
    (tmp_path / "cgroup.subtree_control").write_text("memory\n")
    assert _place(mount, "0::/\n") == (str(tmp_path), 2)
    assert _place(mount, "0::/../other\n") is None


@pytest.mark.parametrize(
    ("version", "file", "told", "killed"),
    [
        (1, "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n", True),
        (1, "memory.oom_control", "oom_kill_disable 0\nunder_oom 1\noom_kill 0\n", False),
        (2, "memory.events", "low 0\nhigh 0\nmax 9\noom 2\noom_kill 1\noom_group_kill 0\n", True),
        (2, "memory.events", "low 0\nhigh 0\nmax 9\noom 2\noom_kill 0\noom_group_kill 3\n", False),
        (2, "other", "", False),
    ],
)
def test_it_is_known_whether_the_kernel_killed(
    tmp_path: Path, version: int, file: str, told: str, killed: bool
) -> None:
    folder = tmp_path / f"{NAME}50000-1"
    folder.mkdir()
    (folder / file).write_text(told)
    assert Group(str(folder), version, 1 << 20).has_killed() == killed


LIMIT = 60 << 20
STATS = {
    1: ("memory.usage_in_bytes", "cache 9\nactive_file 7\ntotal_inactive_file 200000\ntotal_active_file {}\n"),
    2: ("memory.current", "anon 5046272\nfile 9\ninactive_file 100000\nactive_file {}\nslab_reclaimable 100000\n"),
}


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    ("held", "files", "full"),
    [
        (LIMIT, 0, True),
        (LIMIT, 800_000, True),
        (LIMIT, 900_000, False),
        (LIMIT - 1_000_000, 0, False),
        (LIMIT - 500_000, 100_000, True),
        (10 << 20, 0, False),
    ],
)
def test_it_is_full_when_what_cannot_be_taken_back_leaves_no_room(
    tmp_path: Path, version: int, held: int, files: int, full: bool
) -> None:
    file, stat = STATS[version]
    (tmp_path / file).write_text(f"{held}\n")
    (tmp_path / "memory.stat").write_text(stat.format(files))
    assert Group(str(tmp_path), version, LIMIT).is_full() == full


def test_one_that_is_gone_is_not_full(tmp_path: Path) -> None:
    assert not Group(str(tmp_path / "gone"), 2, LIMIT).is_full()
