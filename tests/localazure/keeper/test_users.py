"""What a job's own user can and cannot do, as root: each once was another way, and must stay shut."""

from __future__ import annotations

import asyncio
import ctypes
import errno
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from azmlflow.localazure.keeper import numbers
from azmlflow.localazure.keeper.memory import group
from azmlflow.localazure.keeper.place import Place, once
from azmlflow.localazure.keeper.process import CannotStart, Keeping
from azmlflow.localazure.keeper.users import Users
from tests.localazure.keeper.kept import VARIABLES, in_place, kept, of_user

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user"),
    pytest.mark.skipif(sys.platform != "linux", reason="needs namespaces"),
]

PYTHON = shutil.which("python3", path="/usr/bin:/usr/local/bin")  # one that everybody may start


async def run(place: Place, command: str, **told: object) -> int:
    process = await place.start(command, place.folder, VARIABLES, Keeping(**{"log": "log.txt", **told}))  # type: ignore[arg-type]
    try:
        return (await process.wait()).code
    finally:
        await process.close()


def test_it_has_no_groups_gains_nothing_and_reads_nothing_closed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("told")
    secret.chmod(0o600)
    tmp_path.chmod(0o711)
    command = f"id -u; id -G; grep NoNewPrivs /proc/self/status; cat {secret}; kill -9 $PPID; cat {{folder}}/log.txt"
    ended, log = kept(command, root=True)
    assert ended.code != 0
    user = log.splitlines()[0]
    assert 50000 <= int(user) < 60000
    assert log.splitlines()[1:3] == [user, "NoNewPrivs:\t1"]
    assert "told" not in log
    assert log.count("Permission denied") >= 1


def test_a_folder_below_a_closed_one_is_shown_and_nothing_beside_it() -> None:
    closed = Path(tempfile.mkdtemp(dir="/opt"))
    try:
        for name in ("tools", "keys"):
            (closed / "deep" / name).mkdir(parents=True)
            (closed / "deep" / name / "file").write_text(name)
        command = f"cat {closed}/deep/tools/file; ls {closed}/deep; cat {closed}/deep/keys/file; touch {closed}/deep/x"
        _, log = kept(command, root=True, seen=(f"{closed}/deep/tools",))
        assert log.startswith("toolstools\n")
        assert "No such file" in log
        assert sorted(path.name for path in (closed / "deep").iterdir()) == ["keys", "tools"]  # as it was, for us
    finally:
        shutil.rmtree(closed)


PRELOADED = """
#include <stdio.h>
#include <unistd.h>
__attribute__((constructor)) static void go(void) {
  FILE *out = fopen("%s", "a");
  if (out) { fprintf(out, "%%d\\n", geteuid()); fclose(out); }
}
"""


def test_a_library_of_the_jobs_is_loaded_into_none_but_the_jobs_processes() -> None:
    compiler, folder = shutil.which("cc"), Path(tempfile.mkdtemp(dir="/opt"))
    try:
        if compiler is None:
            pytest.skip("no C compiler")
        folder.chmod(0o755)
        (folder / "users").touch()
        (folder / "evil.c").write_text(PRELOADED % (folder / "users"))
        subprocess.run([compiler, "-shared", "-fPIC", "-o", folder / "evil.so", folder / "evil.c"], check=True)
        ended, log = kept("id -u", root=True, variables={"LD_PRELOAD": str(folder / "evil.so")}, own=(str(folder),))
        assert (ended.code, log.strip().isdecimal()) == (0, True)
        assert (folder / "users").read_text() == ""  # the job's user may not write it, and root did not load it
    finally:
        shutil.rmtree(folder)


def test_shared_folders_are_the_jobs_own_count_and_go_with_it() -> None:
    name = f"left-{os.urandom(8).hex()}"
    shared = ("/tmp", "/var/tmp", "/dev/shm")
    command = f"for each in {' '.join(shared)}; do echo x > $each/{name} && cat $each/{name}; done"
    assert kept(command, root=True)[1] == "x\nx\nx\n"
    assert not [folder for folder in shared if Path(folder, name).exists()]
    for full in ("/tmp", "/var/tmp"):
        command = f"for n in 1 2 3 4 5; do head -c 500000 /dev/zero > {full}/$n; done; sleep 600"
        assert kept(command, root=True, disk=2_000_000)[0].passed == "disk"
    command = "head -c 60000000 /dev/zero > /dev/shm/x; sleep 600"
    assert kept(command, root=True, memory=50 << 20)[0].passed == "memory"


LIBRARY = "import ctypes, os, socket, sys, time\nlibrary = ctypes.CDLL(None, use_errno=True)\n"
HOARDS = {
    "segments that nobody has attached": """
library.shmat.restype = ctypes.c_void_p
for _ in range(12):
    at = library.shmat(library.shmget(0, 10 << 20, 0o1600), None, 0)
    ctypes.memset(at, 1, 10 << 20)
    library.shmdt(ctypes.c_void_p(at))
""",
    "queues": """
text = (1).to_bytes(8, sys.byteorder) + bytes(8184)
for _ in range(7000):
    queue = library.msgget(0, 0o1600)
    library.msgsnd(queue, text, 8184, 0), library.msgsnd(queue, text, 8184, 0)
""",
    "tables of pages": """
import mmap
space = mmap.mmap(-1, 1 << 45, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)
for number in range(1 << 14):
    space[number << 21]
""",
}
HELD_BY_A_GROUP = {
    "sockets": """
kept = []
for _ in range(400):
    kept += (pair := socket.socketpair())
    for end in pair:
        end.setblocking(False)
        try:
            while end.send(bytes(1 << 16)): pass
        except BlockingIOError:
            pass
""",
    "files that are on their way through a socket": """
way = socket.socketpair()
for _ in range(12):
    file = os.memfd_create("x")
    os.write(file, bytes(10 << 20))
    socket.send_fds(way[0], [b"x"], [file])
    os.close(file)
""",
}


@pytest.mark.parametrize("hoard", [*HOARDS, *HELD_BY_A_GROUP])
def test_memory_counts_whoever_can_see_it(hoard: str) -> None:
    if hoard in HELD_BY_A_GROUP:
        one = group.made(59999, os.getpid(), 1 << 20)
        if one is None:
            pytest.skip("no control groups of memory for us")
        one.remove()
    script = LIBRARY + (HOARDS | HELD_BY_A_GROUP)[hoard] + "time.sleep(60)\n"
    ended, log = kept(f"{PYTHON} -I -S -c '{script}'", root=True, memory=60 << 20)
    assert (ended.code != 0, ended.passed) == (True, "memory"), log


def test_what_is_counted_where_there_is_no_control_group() -> None:
    """In a process of its own, whose namespace goes with it."""
    script = """
import ctypes, os
from azmlflow.localazure.keeper.command import NEWIPC, Calls
from azmlflow.localazure.keeper.memory import system_v
Calls().unshare(NEWIPC)
library = ctypes.CDLL(None)
library.shmat.restype = ctypes.c_void_p
segment = library.shmget(0, 1 << 20, 0o1600)
ctypes.memset(ctypes.c_void_p(library.shmat(segment, None, 0)), 1, 1 << 20)
queue = library.msgget(0, 0o1600)
library.msgsnd(queue, bytes([1]) + bytes(1007), 1000, 0)
library.semget(0, 100, 0o1600)
print(system_v.size(0), system_v.size(50000))
system_v.remove(50000)
print(system_v.size(0))
system_v.remove(0)
print(open("/proc/sysvipc/msg").read().count("\\n"), open("/proc/sysvipc/sem").read().count("\\n"))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    counted = (1 << 20) + 1000 + 64 + 100 * 64
    assert done.stdout == f"{counted} 0\n{counted}\n1 1\n"


def test_it_makes_no_user_namespace_in_which_it_would_be_root() -> None:
    script = "import ctypes, os\nlibrary = ctypes.CDLL(None, use_errno=True)\n"
    script += "print(library.unshare(0x10000000), ctypes.get_errno(), library.unshare(0x400))\n"
    script += "print(library.syscall(435, None, 0), ctypes.get_errno())\n"  # clone3 has one number everywhere
    ended, log = kept(f"{PYTHON} -I -S -c '{script}'", root=True)
    assert (ended.code, log) == (0, f"-1 {errno.EPERM} 0\n-1 {errno.ENOSYS}\n")


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the numbers of the calls are x86-64's")
@pytest.mark.skipif(not Path("/proc/keys").exists(), reason="the kernel has no keys")
def test_the_kernels_keys_are_nothing_to_it() -> None:
    """Those of the session of whoever started us are root's; those that a job would make stay after it."""
    library = ctypes.CDLL(None, use_errno=True)
    key = library.syscall(248, b"user", b"azmlflow-tried", b"secret", 6, -3)
    if key == -1:
        pytest.skip("no keys for us")
    script = "import ctypes\nlibrary = ctypes.CDLL(None, use_errno=True)\n"
    script += "def ask(*told): print(library.syscall(*told), ctypes.get_errno())\n"
    script += 'ask(249, b"user", b"azmlflow-tried", None, 0)\n'
    script += f"ask(250, 11, {key}, ctypes.create_string_buffer(9), 9)\n"
    script += 'ask(248, b"user", b"left", b"x", 1, -4)\n'
    script += 'print("azmlflow-tried" in open("/proc/keys").read())\n'
    try:
        ended, log = kept(f"{PYTHON} -I -S -c '{script}'", root=True)
    finally:
        library.syscall(250, 3, key)
    assert (ended.code, log) == (0, f"-1 {errno.EPERM}\n" * 3 + "False\n")


def test_nothing_is_written_elsewhere() -> None:
    place = Path(tempfile.mkdtemp(dir="/opt"))
    try:
        place.chmod(0o777)
        assert "Read-only" in kept(f"touch {place}/left", root=True)[1]
        assert not list(place.iterdir())
    finally:
        place.rmdir()


CHAINS = """
#include <unistd.h>
#include <signal.h>
#include <time.h>
int main(void) {
  time_t end = time(0) + 30;
  signal(SIGCHLD, SIG_IGN); signal(SIGTERM, SIG_IGN);
  for (int i = 0; i < 6; i++) if (fork() == 0) {
    setsid();
    while (time(0) < end) { pid_t p = fork(); if (p > 0) _exit(0); if (p < 0) usleep(1000); }
    _exit(0);
  }
  usleep(100000); return 0;
}
"""


@pytest.fixture(scope="module")
def chains() -> Iterator[str]:
    """A program of six processes that fork themselves away, again and again."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    folder = Path(tempfile.mkdtemp(dir="/opt"))
    folder.chmod(0o755)
    (folder / "chains.c").write_text(CHAINS)
    subprocess.run([compiler, "-O1", "-o", folder / "chains", folder / "chains.c"], check=True)
    yield str(folder / "chains")
    shutil.rmtree(folder)


def test_chains_of_forks_end_with_their_job(chains: str) -> None:
    async def play(_users: Users, place: Place) -> None:
        assert await run(place, f"{chains}; exit 3") == 3
        assert not of_user(place.user)
        sleeping = await place.start(f"{chains}; sleep 600", place.folder, VARIABLES, Keeping())
        while not of_user(place.user):
            await asyncio.sleep(0.01)
        sleeping.end()
        assert (await sleeping.wait()).asked
        await sleeping.close()
        assert not of_user(place.user)

    in_place(play, root=True)


def test_a_job_that_is_not_waited_for_ends_when_its_place_is_closed(chains: str) -> None:
    users: list[int | None] = []

    async def play(_users: Users, place: Place) -> None:
        process = await place.start(f"{chains}; sleep 600", place.folder, VARIABLES, Keeping())
        while not of_user(place.user):
            await asyncio.sleep(0.01)
        users.append(place.user)
        process.end = lambda: None  # type: ignore[method-assign]

    in_place(play, root=True)
    assert not of_user(users[0])


BARE = """
import asyncio, sys, tempfile
from pathlib import Path
from azmlflow.localazure.keeper.memory import system_v
from azmlflow.localazure.keeper.process import CannotStart, Keeping
from azmlflow.localazure.keeper.users import Users
from tests.localazure.keeper.kept import VARIABLES, of_user
from tests.localazure.keeper.test_users import run

async def main():
    with tempfile.TemporaryDirectory() as state:
        users = Users(Path(state), root=True)
        place = await users.open("job", ("code",))
        assert not place.private
        print(await run(place, "touch /tmp/left-NAME /var/tmp/left-NAME; ipcmk -M 4096 -Q -S 3; CHAINS; id -u; exit 3"))
        print(of_user(place.user))
        print(system_v.size(place.user))
        closed = tempfile.mkdtemp(dir="/opt")
        python = Path(closed, "python")
        python.symlink_to(sys.executable)
        try:
            await users.lay_open(place, python, python)
        except CannotStart as error:
            print("refused:", error)
        await place.close()
        users.folder.rmdir()
        python.unlink()
        Path(closed).rmdir()

asyncio.run(main())
"""


def test_without_namespaces_a_job_is_its_user_all_the_same_and_ends_whole_or_is_refused(chains: str) -> None:
    """Root without CAP_SYS_ADMIN, as in a container; in a PID namespace of the test's own, whatever goes wrong."""
    name = os.urandom(8).hex()
    shell = [
        *(
            "unshare",
            "--pid",
            "--fork",
            "--mount-proc",
            "setpriv",
            "--bounding-set=-sys_admin",
            "--inh-caps=-sys_admin",
        ),
        *(sys.executable, "-c", BARE.replace("CHAINS", chains).replace("NAME", name)),
    ]
    if shutil.which("setpriv") is None or shutil.which("unshare") is None:
        pytest.skip("no setpriv or unshare")
    done = subprocess.run(shell, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:3] == ["3", "[]", "0"]
    assert "refused: The job was not started: as a user of its own it cannot start /opt/" in done.stdout
    assert not Path("/tmp", f"left-{name}").exists()
    assert not Path("/var/tmp", f"left-{name}").exists()


def test_two_jobs_never_have_one_user_and_a_number_is_free_when_its_folder_is_gone() -> None:
    """Which number it is follows from nothing that a submitter chooses."""

    async def play(users: Users, place: Place) -> None:
        again = await users.open("job-2", ())
        assert place.user != again.user
        await again.close()
        users_of_one_name = set()
        for _ in range(3):
            another = await users.open("same", ())
            users_of_one_name.add(another.user)
            await another.close()
        assert len(users_of_one_name) > 1

    in_place(play, root=True)


def test_a_number_is_taken_while_its_last_folder_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbers, "PLACE", str(tmp_path / "numbers"))
    monkeypatch.setattr(numbers, "FIRST", 58000)
    monkeypatch.setattr(numbers, "COUNT", 1)
    left = tmp_path / "left"
    number, held = numbers.allot(str(left))
    with pytest.raises(numbers.NoNumber, match="is free"):
        numbers.allot(str(tmp_path / "other"))
    left.mkdir()
    os.close(held)  # its keeper was killed
    with pytest.raises(numbers.NoNumber):
        numbers.allot(str(tmp_path / "other"))
    assert numbers.holder(str(tmp_path / "other")) is None
    found = numbers.holder(str(left))
    assert found is not None
    assert found[0] == number == 58000
    left.rmdir()
    numbers.free(found[1])
    os.close(numbers.allot(str(tmp_path / "other"))[1])


def test_where_no_number_can_be_had_the_job_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbers, "PLACE", str(tmp_path))
    tmp_path.chmod(0o777)
    with pytest.raises(numbers.NoNumber, match="not root's alone"):
        numbers.allot("/somewhere")


@pytest.mark.parametrize(
    "parts",
    [["..", "x"], ["code", "..", "..", "x"], ["/etc", "x"], ["code", "link", "x"], ["code", "a/b"], ["std_log"], []],
)
def test_no_name_leads_out_of_the_jobs_folder(parts: list[str]) -> None:
    async def play(_users: Users, place: Place) -> None:
        assert (
            await run(place, f"ln -s /var/tmp {place.folder}/code/link; ln -s /etc/passwd {place.folder}/code/out") == 0
        )
        async with await place.porter() as porter:
            with pytest.raises(OSError, match=r"no name of|link|denied|Not a directory|Is a dir|levels"):
                await porter.put(parts, once(b"x"))
            with pytest.raises(OSError, match=r"exists"):
                await porter.put(["code", "out"], once(b"x"))
            await porter.put(["code", "deep", "x"], once(b"y" * 600_000))
            shown = {
                "/".join(names): sum([len(data) async for data in content])
                async for names, content in porter.show(["code"])
            }
            assert shown == {"deep/x": 600_000}
            assert [names async for names, _ in porter.show(["code", "link"])] == []
            assert [names async for names, _ in porter.show(["code", "out"])] == []
            assert [names async for names, _ in porter.show(["code", "nothing"])] == []

    in_place(play, root=True)


def test_the_porter_is_the_jobs_user() -> None:
    """It writes nothing where the user may not, whatever it is told."""

    async def play(_users: Users, place: Place) -> None:
        async with await place.porter() as porter:
            with pytest.raises(PermissionError):
                await porter.put(["beside"], once(b"x"))
            await porter.put(["code", "x"], once(b"x"))
        found = (place.folder / "code" / "x").stat()
        assert (found.st_uid, found.st_gid) == (place.user, place.user)

    in_place(play, root=True)


def test_what_was_lent_is_nobodys_to_change_when_it_is_taken_back_not_even_by_a_file_held_open() -> None:
    """A command hands a file of the environment, open for writing, to somebody who lives on."""
    cache = Path(tempfile.mkdtemp(dir="/opt"))
    cache.chmod(0o755)
    venv = cache / ("0" * 20) / "venv"
    venv.parent.mkdir()
    address = f"\0azmlflow-test-{os.urandom(8).hex()}"
    give = f"""
import array, os, socket
os.mkdir({str(venv / "lib")!r})
file = open({str(venv / "lib" / "module.py")!r}, "w+"); file.write("good"); file.flush()
os.chmod({str(venv / "lib" / "module.py")!r}, 0o4777)
with socket.socket(socket.AF_UNIX) as s:
    s.connect({address.encode()!r})
    socket.send_fds(s, [b"x"], [file.fileno()])
"""

    async def play(_users: Users, place: Place) -> None:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(address)
            listener.listen()
            await place.lend(venv)
            async with await place.porter() as porter:
                await porter.put(["code", "give.py"], once(give.encode()))
            code = await run(place, f"{PYTHON} {place.folder}/code/give.py", own=(str(venv),))
            assert code == 0, (place.folder / "log.txt").read_text()
            other, _ = listener.accept()
            with other:
                _, (held,), _, _ = socket.recv_fds(other, 1, 1)
        await place.take_back(venv)
        os.pwrite(held, b"evil", 0)
        os.close(held)
        module = venv / "lib" / "module.py"
        assert module.read_text() == "good"
        for path in (venv, venv / "lib", module):
            assert (path.stat().st_uid, path.stat().st_mode & 0o7022) == (0, 0)

    try:
        if PYTHON is None:
            pytest.skip("no Python that everybody may start")
        in_place(play, root=True)
    finally:
        shutil.rmtree(cache)


@pytest.mark.parametrize("path", ["/etc", "/opt/x/venv", "relative", f"/opt/../opt/{'0' * 20}/venv"])
def test_only_the_folder_of_an_environment_can_be_lent_or_removed(path: str) -> None:
    async def play(_users: Users, place: Place) -> None:
        for act in (place.lend, place.discard, place.take_back):
            with pytest.raises(CannotStart):
                await act(Path(path))

    in_place(play, root=True)


def test_what_was_lent_is_not_taken_back_while_the_job_can_still_change_it() -> None:
    cache = Path(tempfile.mkdtemp(dir="/opt"))
    cache.chmod(0o755)
    venv = cache / ("0" * 20) / "venv"
    venv.parent.mkdir()

    async def play(_users: Users, place: Place) -> None:
        await place.lend(venv)
        process = await place.start("sleep 60", place.folder, VARIABLES, Keeping(log="log.txt", own=(str(venv),)))
        while not of_user(place.user):
            await asyncio.sleep(0.01)
        with pytest.raises(CannotStart, match="processes of the job still run"):
            await place.take_back(venv)
        assert venv.stat().st_uid == place.user
        await process.close()

    try:
        in_place(play, root=True)
    finally:
        shutil.rmtree(cache)
