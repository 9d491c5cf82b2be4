"""Commands under a keeper, as the embedded Azure has them: one after the other, in a place of their own."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from azmlflow.localazure.keeper.place import Place
from azmlflow.localazure.keeper.process import Ended, JobProcess, Keeping
from azmlflow.localazure.keeper.users import Users

LOG = "log.txt"
WITHIN = 60.0
VARIABLES = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
Play = Callable[[Place, JobProcess], Awaitable[None]]


def in_place(play: Callable[[Users, Place], Awaitable[None]], *, root: bool) -> None:
    """Play with a place, which is closed after that; whatever is played has an end."""

    async def script() -> None:
        with tempfile.TemporaryDirectory() as state:
            users = Users(Path(state), root=root)
            place = await users.open("job", ("code", "tmp"))
            try:
                async with asyncio.timeout(WITHIN):
                    await play(users, place)
            finally:
                await place.close()
            assert not place.folder.exists()
            if root:
                users.folder.rmdir()

    asyncio.run(script())


def kept(
    command: str,
    *,
    root: bool = False,
    play: Play | None = None,
    variables: dict[str, str] | None = None,
    **told: Any,
) -> tuple[Ended, str]:
    """Run a command to its end: how it ended, and its log. `{folder}` in it is the job's folder.

    Args:
        command: for the shell.
        root: whether it has a user of its own.
        play: what is done while it runs.
        variables: what it sees, beside PATH.
        told: see `Keeping`.
    """
    found: list[tuple[Ended, str]] = []

    async def run(_users: Users, place: Place) -> None:
        keeping = Keeping(**{"log": LOG, "log_limit": 10_000, **told})
        words = command.replace("{folder}", str(place.folder))
        process = await place.start(words, place.folder / "code", VARIABLES | (variables or {}), keeping)
        try:
            if play is not None:
                await play(place, process)
            ended = await process.wait()
        finally:
            await process.close()
        found.append((ended, (place.folder / LOG).read_text()))

    in_place(run, root=root)
    return found[0]


def of_user(user: int | None) -> list[str]:
    """The processes of a user, by /proc, which the keeper itself does not go by."""
    found = []
    for path in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            lines = dict(line.split(":", 1) for line in path.read_text().splitlines() if ":" in line)
            if str(user) in lines["Uid"].split() and not lines["State"].strip().startswith("Z"):
                found.append(lines["Name"])
    return found
