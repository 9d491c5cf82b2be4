"""The state folder: this user's alone, ports that stay, secrets that stay."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
from pathlib import Path

import pytest

from azmlflow.localazure.machine.errors import PortTaken, UnsafeFolder
from azmlflow.localazure.machine.folder import Folder
from azmlflow.localazure.machine.ports import bind, listening
from azmlflow.localazure.machine.private import create_private, write_private


def test_it_is_this_users_alone(tmp_path: Path) -> None:
    folder = Folder.at(tmp_path / "a" / "state")
    folder.make()
    folder.secrets()
    folder.ports()
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert {path.name for path in folder.path.iterdir()} == {"secrets.json", "ports.json"}
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in folder.path.iterdir())


def test_secrets_and_ports_stay(tmp_path: Path) -> None:
    assert Folder.at(tmp_path).secrets() == Folder.at(tmp_path).secrets()
    ports = Folder.at(tmp_path).ports()
    assert Folder.at(tmp_path).ports() == ports
    assert len({ports.proxy, ports.identity}) == 2
    assert all(20000 <= port < 32000 for port in (ports.proxy, ports.identity))


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    one, two = tmp_path / "1", tmp_path / "2"
    for path in (one, two):
        path.mkdir()
    secrets, others = Folder.at(one).secrets(), Folder.at(two).secrets()
    assert secrets.proxy != others.proxy
    assert secrets.identity_mark("alice") != others.identity_mark("alice")
    assert len({secrets.identity_mark("a"), secrets.identity_mark("b"), secrets.client_secret("a")}) == 3
    assert secrets.client_secret("ABC") == secrets.client_secret("abc")
    assert secrets.proxy not in repr(secrets)
    assert secrets.identity not in repr(secrets)


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    folder = Folder.at(tmp_path)
    ports = folder.ports()
    folder.check_ports()
    with socket.socket() as other:
        bind(other, ports.identity)
        other.listen()
        with pytest.raises(PortTaken, match=str(ports.identity)) as taken:
            folder.check_ports(within=0.1)
    assert f"lsof -nP -iTCP:{ports.identity}" in str(taken.value.next)
    assert "ports.json" in str(taken.value.next)


def test_one_that_was_taken_after_it_was_looked_at_is_named_too(tmp_path: Path) -> None:
    folder = Folder.at(tmp_path)
    kept = folder.ports()
    with listening(kept, folder.ports_file, "ui", 1) as other:
        assert other.getsockname() == ("127.0.0.1", kept.ui)
        with pytest.raises(PortTaken, match=f"port {kept.ui}, kept for the embedded Azure's ui endpoint, is taken"):
            listening(kept, folder.ports_file, "ui", 1)


def test_taken_ports_are_not_chosen(tmp_path: Path) -> None:
    first = Folder.at(tmp_path).ports()
    (tmp_path / "ports.json").unlink()
    with socket.socket() as other:
        bind(other, first.proxy)
        other.listen()
        assert first.proxy not in vars(Folder.at(tmp_path).ports()).values()


def test_a_port_that_a_later_version_has_more_is_added_and_the_others_stay(tmp_path: Path) -> None:
    ports = Folder.at(tmp_path).ports()
    (tmp_path / "ports.json").write_text(json.dumps({"proxy": ports.proxy, "identity": ports.identity}))
    later = Folder.at(tmp_path).ports()
    assert (later.proxy, later.identity) == (ports.proxy, ports.identity)
    assert len({later.proxy, later.identity, later.ui}) == 3
    assert Folder.at(tmp_path).ports() == later


def test_one_folder_has_one_spelling(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert Folder.at(tmp_path / "link") == Folder.at(tmp_path / "real" / ".." / "real")


def test_sockets_lie_in_a_short_folder_of_our_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    path = Folder.at(tmp_path / ("deep" * 40)).socket()
    assert path.parent.parent == tmp_path
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert len(str(path.relative_to(tmp_path))) < 60


def test_a_folder_that_another_has_made_is_left_to_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever knows the name may make the folder first: that must not keep us from starting."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    folder = Folder.at(tmp_path / "state")
    folder.make()
    usual = folder.socket().parent
    (folder.path / "sockets").unlink()
    usual.chmod(0o777)
    other = folder.socket().parent
    assert other != usual
    assert stat.S_IMODE(other.stat().st_mode) == 0o700
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "elsewhere"))
    assert folder.socket().parent == other, "it is written down"


def test_where_nothing_can_be_made_the_place_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "none"))
    with pytest.raises(UnsafeFolder, match="cannot be made") as told:
        Folder.at(tmp_path / "state").socket()
    assert told.value.where == str(tmp_path / "none")


def test_temporary_files_of_commands_have_a_folder_of_this_users_alone(tmp_path: Path) -> None:
    folder = Folder.at(tmp_path / "state")
    folder.make()
    usual = folder.temporary(str(tmp_path))
    assert (usual.parent, stat.S_IMODE(usual.stat().st_mode)) == (tmp_path, 0o700)
    usual.chmod(0o777)
    assert folder.temporary(str(tmp_path)) == folder.path / "tmp", "another's is not used"
    assert folder.temporary(str(tmp_path / "none")) == folder.path / "tmp"


def test_temporary_files_go_when_no_command_uses_them_any_more(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("")
    folder = Folder.at(tmp_path / "state")
    path = folder.temporary(str(tmp_path))
    (path / "runs" / "1").mkdir(parents=True)
    (path / "runs" / "link").symlink_to(kept)
    ours = {"TMPDIR": str(path), "PATH": os.environ["PATH"]}
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, env=ours) as command:
        folder.remove_temporary(str(tmp_path))
        assert (path / "runs" / "1").is_dir()
        command.communicate()
    folder.remove_temporary(str(tmp_path))
    assert not path.exists()
    assert (kept / "file").exists()
    folder.remove_temporary(str(tmp_path))


def test_a_link_where_the_temporary_files_would_be_is_left(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    folder = Folder.at(tmp_path / "state")
    path = folder.temporary(str(tmp_path))
    path.rmdir()
    path.symlink_to(kept)
    folder.remove_temporary(str(tmp_path))
    assert path.is_symlink()
    assert kept.is_dir()


def test_files_are_written_in_one_piece(tmp_path: Path) -> None:
    path = tmp_path / "file"
    create_private(path, b"first")
    create_private(path, b"second")
    assert path.read_bytes() == b"first"
    write_private(path, b"third")
    assert path.read_bytes() == b"third"
    assert [found.name for found in tmp_path.iterdir()] == ["file"]
