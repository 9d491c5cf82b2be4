"""The process itself: started, found, asked, stopped, killed, reset. MLflow's server only gets as far as it comes.

The one that runs for many tests, and those of starters that are killed, are processes from nothing; the others are
forked, as end-to-end tests' are.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import http.client
import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from unittest import mock

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from azmlflow.localazure.clients import control
from azmlflow.localazure.clients.environ import client_environment
from azmlflow.localazure.core.constants import DEVELOPER
from azmlflow.localazure.machine.errors import UnreadableFile
from azmlflow.localazure.machine.folder import Folder
from azmlflow.localazure.machine.ports import bind
from azmlflow.localazure.process import daemon, starting
from azmlflow.localazure.process.daemon import LocalError, NotRunning, PortTaken, Running, StartFailed
from azmlflow.localazure.process.parts import DamagedPart
from tests.e2e.forked import forking
from tests.e2e.zygote import zygote

GROUPS = "https://management.azure.com/subscriptions?api-version=2022-12-01"


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "state"
    with mock.patch.object(starting, "subprocess", forking("azmlflow.localazure.process.serve", zygote().clouds)):
        yield path
        daemon.reset(path)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    path = tmp_path_factory.mktemp("shared") / "state"
    yield daemon.start(path)
    daemon.reset(path)


def processes() -> dict[int, tuple[int, str]]:
    """Process id -> its parent and state, as `ps` has it."""
    words = ["ps", "-A", "-o", "pid=,ppid=,stat="]
    listing = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout
    rows = (line.split() for line in listing.splitlines())
    return {int(pid): (int(parent), state) for pid, parent, state in rows}


def wait_until_gone(pid: int) -> None:
    """Ask `ps` until a process has ended; one that nobody has waited for yet has."""
    wait_until(lambda: processes().get(pid, (0, "Z"))[1].startswith("Z"), f"process {pid} is gone")


def wait_until(seen: Callable[[], bool], what: str) -> None:
    """Look until it is so, for a bounded time."""
    deadline = time.monotonic() + 20
    while not seen():
        if time.monotonic() > deadline:
            pytest.fail(f"not in 20 s: {what}")


def test_a_start_says_what_runs(running: Running) -> None:
    assert daemon.status(running.state) == running
    assert running.latency == "none"
    assert running.pid in processes()
    ports = Folder.at(running.state).ports()
    assert (running.proxy_port, running.identity_port) == (ports.proxy, ports.identity)


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root has rights to give up")
def test_started_by_root_it_holds_but_one_right_of_roots(running: Running) -> None:
    # capabilities(7): the sets of a thread, as /proc has them; 2 is CAP_DAC_OVERRIDE. proc(5): NoNewPrivs.
    only = {"CapInh": 0, "CapPrm": 2, "CapEff": 2, "CapBnd": 2, "CapAmb": 0}
    for status in Path(f"/proc/{running.pid}/task").glob("*/status"):
        told = dict(line.split(":", 1) for line in status.read_text().splitlines())
        assert {name: int(told[name], 16) for name in only} == only
        assert told["NoNewPrivs"].strip() == "1"
    if Path(f"/proc/{running.pid}/ns/mnt").readlink() != Path("/proc/self/ns/mnt").readlink():
        # proc(5), mountinfo: the fifth word is where a mount is, the sixth its options; the last at a place counts.
        lines = [line.split() for line in Path(f"/proc/{running.pid}/mountinfo").read_text().splitlines()]
        writable = {line[4] for line in lines if line[5].split(",")[0] == "rw"}
        assert str(running.state) in writable
        assert not writable & {"/", "/etc", "/proc", "/sys", "/run", "/usr", "/root"}


def test_a_second_start_finds_the_first(running: Running) -> None:
    told: list[str] = []
    assert daemon.start(running.state, "azure", told.append) == running
    assert told == []


def test_it_answers_as_the_developer(running: Running) -> None:
    answer = control.ask(Folder.at(running.state), "GET", GROUPS, principal=DEVELOPER)
    assert answer.status == 200
    assert len(answer.body["value"]) == 1
    assert control.ask(Folder.at(running.state), "GET", GROUPS).status == 401


def test_users_are_added_through_graph(running: Running) -> None:
    added = daemon.add_user(running.state, "carol@local.test", "Carol")
    assert (added["userPrincipalName"], added["displayName"]) == ("carol@local.test", "Carol")
    assert control.who(Folder.at(running.state), "carol@local.test").id == added["id"]
    with pytest.raises(LocalError, match=r"carol@local\.test.*cannot be added"):
        daemon.add_user(running.state, "carol@local.test")


def test_the_proxy_wants_its_credential(running: Running) -> None:
    connection = http.client.HTTPSConnection("127.0.0.1", running.proxy_port, timeout=60)
    connection.set_tunnel("management.azure.com", 443)
    with pytest.raises(OSError, match="407"):
        connection.connect()
    connection.close()


def test_the_tls_application_listens_nowhere(running: Running) -> None:
    path = Folder.at(running.state).socket()
    assert list(path.parent.iterdir()) == [path], "MLflow's"
    assert stat.S_ISSOCK(path.stat().st_mode)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def statuses(running: Running, sent: str) -> list[int]:
    """The status of each answer to what is sent through the proxy to Resource Manager, until that closes."""
    folder = Folder.at(running.state)
    credential = base64.b64encode(f"azmlflow:{folder.secrets().proxy}".encode()).decode()
    with socket.create_connection(("127.0.0.1", running.proxy_port), timeout=60) as plain:
        name = "management.azure.com"
        asked = f"CONNECT {name}:443 HTTP/1.1\r\nHost: {name}\r\nProxy-Authorization: Basic {credential}\r\n\r\n"
        plain.sendall(asked.encode())
        assert b" 200 " in plain.recv(200)
        context = ssl.create_default_context(cafile=str(folder.ca))
        with context.wrap_socket(plain, server_hostname=name) as connection:
            connection.sendall(sent.encode("latin-1"))
            found = b""
            with contextlib.suppress(ssl.SSLError, ConnectionError):
                while more := connection.recv(65536):
                    found += more
    return [int(line.split()[1]) for line in found.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]


GOOD = "GET /subscriptions?api-version=2022-12-01 HTTP/1.1\r\nHost: management.azure.com\r\n"
POST = "POST /subscriptions?api-version=2022-12-01 HTTP/1.1\r\nHost: management.azure.com\r\n"


@pytest.mark.parametrize(
    "ambiguous",
    [
        f"{POST}Content-Length: 90\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{{inner}}",
        f"{POST}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\n{{inner}}\r\n0\r\n\r\n",
        f"{POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n{{inner}}",
        f"{POST}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{{inner}}",
        f"{POST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{{inner}}",
        f"{POST.replace('1.1', '1.0')}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{{inner}}",
        f"{POST}Content-Length: 0\r\nContent-Length: 5\r\n\r\n{{inner}}",
        f"{POST}Content-Length: +5\r\n\r\n{{inner}}",
        f"{POST}Content-Length: -1\r\n\r\n{{inner}}",
        f"{GOOD}Host: graph.microsoft.com\r\n{{token}}\r\n",
        "GET /subscriptions?api-version=2022-12-01 HTTP/1.1\r\n{token}\r\n",
        f"{GOOD}X: a\0b\r\n{{token}}\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{inner}",
    ],
)
def test_a_request_that_could_be_framed_in_two_ways_is_refused_and_hides_no_other(
    running: Running, ambiguous: str
) -> None:
    """RFC 9112, 6.3 and 11.2: what stands behind such a request is never taken for one."""
    token = f"Authorization: Bearer {control._token(Folder.at(running.state), DEVELOPER, 'management.azure.com')}\r\n"
    inner = f"{GOOD}{token}\r\n"
    assert statuses(running, f"{GOOD}{token}Connection: close\r\n\r\n") == [200]
    found = statuses(running, ambiguous.format(inner=inner, token=token))
    assert found
    assert all(400 <= status < 500 for status in found), found


@pytest.mark.parametrize("service", ["identity", "ui"])
def test_a_head_has_a_limit_at_each_port(running: Running, service: str) -> None:
    port = getattr(Folder.at(running.state).ports(), service)
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 70_000)  # and no end of it
        assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")


def test_two_tokens_in_one_request_are_nobodys(running: Running) -> None:
    folder = Folder.at(running.state)
    tokens = [
        f"Authorization: Bearer {control._token(folder, who, 'management.azure.com')}\r\n"
        for who in (DEVELOPER, "alice@local.test")
    ]
    for told in (tokens, tokens[::-1]):
        assert statuses(running, f"{GOOD}{''.join(told)}Connection: close\r\n\r\n") == [400]


def test_everything_kept_is_this_users_alone(running: Running) -> None:
    open_to_others = [path for path in running.state.rglob("*") if stat.S_IMODE(path.lstat().st_mode) & 0o077]
    assert stat.S_IMODE(running.state.stat().st_mode) == 0o700
    assert open_to_others == []


def test_secrets_are_not_in_the_log(running: Running) -> None:
    folder = Folder.at(running.state)
    environment = client_environment(running.state, DEVELOPER, {})
    control.ask(folder, "GET", GROUPS + "&sig=verysecret", principal=DEVELOPER)
    log = folder.log.read_text()
    assert "GET management.azure.com /subscriptions 200" in log
    for secret in (folder.secrets().proxy, environment["IDENTITY_HEADER"], "verysecret", "eyJ"):
        assert secret not in log


def test_two_starts_at_once_make_one(state: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(daemon.start, [state, state])
    assert first == second


def folders_of(state: Path) -> list[Path]:
    """The folders of its sockets and of its jobs' folders that are there."""
    socket_folder = Folder.at(state).socket().parent
    if not any(socket_folder.iterdir()):
        socket_folder.rmdir()  # asking for the address has made it
    return [each for each in (socket_folder, socket_folder.with_name(f"{socket_folder.name}-jobs")) if each.exists()]


def test_a_stop_is_orderly_and_what_it_held_stays(state: Path) -> None:
    before = daemon.start(state)
    carol = daemon.add_user(state, "carol@local.test")
    daemon.stop(state)
    assert daemon.status(state) is None
    assert Folder.at(state).log.read_text().endswith("stopped\n")
    assert not Folder.at(state).record.exists()
    wait_until_gone(before.pid)
    assert folders_of(state) == []
    daemon.stop(state)  # nothing to do
    after = daemon.start(state, "azure")
    assert (after.proxy_port, after.identity_port) == (before.proxy_port, before.identity_port)
    assert (after.pid != before.pid, after.latency) == (True, "azure")
    assert control.who(Folder.at(state), "carol@local.test").id == carol["id"]


def test_killed_it_starts_again(state: Path) -> None:
    before = daemon.start(state)
    carol = daemon.add_user(state, "carol@local.test")
    children = [pid for pid, (parent, _) in processes().items() if parent == before.pid]
    os.kill(before.pid, signal.SIGKILL)
    after = daemon.start(state)
    assert after.pid != before.pid
    assert control.who(Folder.at(state), "carol@local.test").id == carol["id"]
    assert len(children) == 1  # MLflow's server
    wait_until_gone(children[0])


def test_one_that_was_killed_and_has_its_lock_for_a_while_yet_is_waited_for(state: Path) -> None:
    """The kernel closes a dead process's ports before it lets go of its lock: for so long it seems to run."""
    before = daemon.start(state)
    os.kill(before.pid, signal.SIGKILL)
    wait_until(lambda: daemon.status(state) is None, "nothing runs over the state folder")
    with (state / "daemon.lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert daemon.status(state) == before
        threading.Timer(0.3, lambda: fcntl.flock(lock, fcntl.LOCK_UN)).start()
        assert daemon.start(state).pid != before.pid


def test_one_that_is_about_to_end_is_waited_for(state: Path) -> None:
    """It ends in order: it has taken its record away, and is not done."""
    before = daemon.start(state)
    os.kill(before.pid, signal.SIGTERM)
    wait_until(lambda: not (state / "daemon.json").exists(), "its record is gone")
    assert daemon.start(state).pid != before.pid


def test_one_that_does_not_listen_is_stopped_by_force(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon, "_STOPPED_WITHIN", 0.1)
    pid = daemon.start(state).pid
    os.kill(pid, signal.SIGSTOP)
    assert folders_of(state) != []
    daemon.stop(state)
    wait_until_gone(pid)
    assert daemon.status(state) is None
    assert folders_of(state) == []


def test_a_stale_pid_is_nobodys(state: Path) -> None:
    state.mkdir()
    (state / "daemon.lock").write_text(str(os.getpid()))
    (state / "daemon.json").write_text("{}")
    assert daemon.status(state) is None
    daemon.stop(state)  # and this process lives
    assert daemon.start(state).pid != os.getpid()


@pytest.mark.parametrize("name", ["daemon.lock", "../state.lock"])
def test_a_lock_that_is_a_pipe_is_named_and_not_waited_for(state: Path, name: str) -> None:
    state.mkdir()
    odd = state.joinpath(name).resolve()
    os.mkfifo(odd)
    with pytest.raises(UnreadableFile, match=f"{odd.name} cannot be used"):
        daemon.start(state)
    odd.unlink()


def test_whom_another_holder_of_the_lock_names_is_not_killed(state: Path) -> None:
    """The number in it is a process of somebody's by now."""
    state.mkdir()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        with (state / "daemon.lock").open("w") as lock:
            lock.write(str(bystander.pid))
            lock.flush()
            fcntl.flock(lock, fcntl.LOCK_EX)
            for attempt in (daemon.stop, daemon.start):
                with pytest.raises(LocalError, match=r"daemon.lock is held by another program") as told:
                    attempt(state)
                assert f"lsof {state.resolve()}/daemon.lock" in str(told.value.next)
        assert bystander.poll() is None
        bystander.communicate(b"\n")


def test_a_taken_port_is_an_error_that_names_it(state: Path) -> None:
    state.mkdir()
    port = Folder.at(state).ports().proxy
    with socket.socket() as other:
        bind(other, port)
        other.listen()
        with pytest.raises(PortTaken, match=str(port)):
            daemon.start(state)
    assert daemon.start(state).proxy_port == port


def test_a_setting_that_cannot_be_read_is_named(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZMLFLOW_RUN_TOKEN_SECONDS", "soon")
    with pytest.raises(LocalError, match="AZMLFLOW_RUN_TOKEN_SECONDS is 'soon'"):
        daemon.start(state)


def test_a_start_that_fails_as_nobody_foresaw_shows_the_end_of_its_log(state: Path) -> None:
    state.mkdir()
    key = ec.generate_private_key(ec.SECP256R1())  # tokens are signed with RSA
    private = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (state / "signing.pem").write_bytes(key.private_bytes(*private))
    with pytest.raises(StartFailed, match="AssertionError") as failed:
        daemon.start(state)
    assert failed.value.where == str(state / "daemon.log")
    assert "reset" not in str(failed.value.next)
    assert daemon.status(state) is None


def test_a_damaged_file_is_named_with_what_mends_it(state: Path) -> None:
    state.mkdir()
    (state / "azure.db").write_text("this is not a database at all, and it is long enough to be looked at" * 100)
    with pytest.raises(DamagedPart, match="file is not a database") as failed:
        daemon.start(state)
    assert failed.value.where == str(state / "azure.db")
    assert str(failed.value.next).startswith("azmlflow local repair")
    assert not (state / "daemon.log").exists(), "nothing was started"


def test_whoever_comes_after_a_starter_that_was_killed_finds_what_it_started(state: Path) -> None:
    """Killed while the process that it started is not up yet: neither a second one, nor a port that is taken."""
    script = (
        f"from pathlib import Path; from azmlflow.localazure.process import daemon; daemon.start(Path({str(state)!r}))"
    )
    for seen in (state / "daemon.log", state / "daemon.lock", state / "azure.db"):
        starter = subprocess.Popen([sys.executable, "-c", script, str(state)], stderr=subprocess.DEVNULL)
        wait_until(seen.exists, f"{seen.name} is there")
        starter.kill()
        starter.wait()
        running = daemon.start(state)
        assert control.ask(Folder.at(state), "GET", GROUPS, principal=DEVELOPER).status == 200
        assert (state / "daemon.log").read_text().count("serving, pid") == 1
        assert running.pid == int((state / "daemon.lock").read_text())
        daemon.reset(state)


def test_a_port_of_one_that_was_killed_is_waited_for(state: Path) -> None:
    state.mkdir()
    port = Folder.at(state).ports().proxy
    with socket.socket() as other:
        bind(other, port)
        other.listen()
        threading.Timer(0.5, other.close).start()
        assert daemon.start(state).proxy_port == port


def test_a_copy_of_what_was_whole_is_kept_and_a_repair_takes_from_it(state: Path) -> None:
    daemon.start(state)
    carol = daemon.add_user(state, "carol@local.test")
    daemon.stop(state)
    daemon.start(state)
    wait_until((state / "kept" / "azure.db").exists, "a copy is kept")
    daemon.stop(state)
    (state / "azure.db").write_bytes(b"junk" * 5000)
    found = daemon.repair(state, datetime(2026, 11, 26, 6, 30), lambda _: None)
    (mended,) = [each for each in found if each.fault is not None]
    assert mended.kept == state / "damaged" / "20261126T063000" / "azure.db"
    assert mended.kept.read_bytes().startswith(b"junk")
    daemon.start(state)
    assert control.who(Folder.at(state), "carol@local.test").id == carol["id"]


def test_without_its_folder_it_ends(state: Path) -> None:
    pid = daemon.start(state).pid
    Folder.at(state).lock.unlink()
    wait_until_gone(pid)


def test_a_reset_leaves_nothing(state: Path) -> None:
    daemon.start(state)
    daemon.add_user(state, "carol@local.test")
    socket_folder = Folder.at(state).socket().parent
    daemon.reset(state)
    assert not state.exists()
    assert not socket_folder.exists()
    daemon.start(state)
    with pytest.raises(control.UnknownPrincipal):
        control.who(Folder.at(state), "carol@local.test")


def test_nothing_runs(state: Path) -> None:
    assert daemon.status(state) is None
    state.mkdir()
    with pytest.raises(NotRunning) as silent:
        daemon.add_user(state, "carol@local.test")
    assert silent.value.next == "azmlflow local start"


def test_only_azures_names_are_asked(state: Path) -> None:
    for url in ("https://example.org/", "http://management.azure.com/"):
        with pytest.raises(ValueError, match="not an https address"):
            control.ask(Folder.at(state), "GET", url)
