"""The warden: the one process that keeps root's rights for the sake of jobs.

    python -I -S -c "... main()" JOBS users|plain      its standard input is a socket

The embedded Azure starts it with a fixed environment, and says whether jobs have `users` of their own. Over the socket
comes nothing but sockets: for each one a keeper (`keeper`) is forked, which is asked over that. When the socket closes,
the warden ends; the keepers see their own sockets close, and end what they keep.
"""

from __future__ import annotations

import os
import signal
import socket
import sys

from azmlflow.localazure.keeper import command
from azmlflow.localazure.keeper.keeper import Keeper


def main() -> None:
    """Serve until nobody asks any more."""
    if os.fork():
        os._exit(0)  # who started it need not wait for its end
    os.setsid()
    os.umask(0o022)
    for sign in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(sign, signal.SIG_IGN)  # it ends with the embedded Azure, and not before
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    jobs, root = sys.argv[1], sys.argv[2] == "users"
    private = root and sys.platform == "linux" and _can_be_private()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how a keeper ended
    asking = socket.socket(fileno=os.dup(0))
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1):
        os.dup2(null, number)
    while True:
        data, descriptors, _, _ = socket.recv_fds(asking, 1, 1)
        if not data:
            return
        for descriptor in descriptors:
            os.set_inheritable(descriptor, False)
            if os.fork() == 0:
                for sign in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                    signal.signal(sign, signal.SIG_DFL)
                asking.close()
                Keeper(socket.socket(fileno=descriptor), jobs, root=root, private=private).serve()
            os.close(descriptor)


def _can_be_private() -> bool:
    """Whether the system lets us give a command a world of its own."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            calls = command.Calls()
            calls.unshare(command.NEWPID)
            inner = os.fork()
            if inner == 0:
                try:
                    command.try_private(calls)
                    os._exit(0)
                finally:
                    os._exit(1)
            code = os.waitstatus_to_exitcode(os.waitpid(inner, 0)[1])
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
