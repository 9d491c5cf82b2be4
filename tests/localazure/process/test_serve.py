"""What the process is made of: when a part of it ends, it ends as a whole, with the reason."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from azmlflow.localazure.core.clock import SystemClock
from azmlflow.localazure.front import authority
from azmlflow.localazure.keeper.users import Users
from azmlflow.localazure.machine.folder import Folder
from azmlflow.localazure.process import serve
from azmlflow.localazure.runner.runner import Runner
from tests.waits import played


@pytest.mark.parametrize("part", ["runner", "watch"])
def test_a_part_that_breaks_ends_the_process_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError(f"the {part} is broken")

    async def nothing(*_: object) -> None:
        """MLflow has no part in this."""

    monkeypatch.setattr(serve, "_start_mlflow", nothing)
    monkeypatch.setattr(*((Runner, "serve", broken) if part == "runner" else (serve, "_watch", broken)))
    folder = Folder.at(tmp_path)
    authority.ensure(folder, SystemClock())
    cloud = serve.assemble(folder.path, "none")
    listeners = tuple(socket.create_server(("127.0.0.1", 0)) for _ in range(3))

    async def scene() -> None:
        with pytest.raises(RuntimeError, match=f"the {part} is broken"):
            await serve._serve_all(folder, cloud, Users(cloud.state).start(), listeners, asyncio.Event())

    try:
        played(scene())
    finally:
        cloud.store.close()
        folder.remove_sockets()
