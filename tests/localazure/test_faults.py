"""A rule strikes the request it names, once, at its moment."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from azmlflow.localazure.faults import Fault, FaultMiddleware, read_faults, write_faults


class Struck(Exception):
    """Stands in for the end of the process."""


def strike() -> None:
    raise Struck


def client(worked: list[str], *faults: Fault) -> Callable[[str], str]:
    """A function that PUTs to a path and gives the answer's text."""

    async def work(request: Request) -> PlainTextResponse:
        worked.append(request.url.path)
        return PlainTextResponse("done")

    app = FaultMiddleware(Starlette(routes=[Route("/{any:path}", work, methods=["PUT"])]), faults, strike)

    async def put(path: str) -> str:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://azure") as http:
            return (await http.put(path)).text

    return lambda path: asyncio.run(put(path))


@pytest.mark.parametrize(("when", "works"), [("before", False), ("after", True), ("answered", True)])
def test_a_fault_strikes_at_its_moment(when: str, works: bool) -> None:
    worked: list[str] = []
    put = client(worked, Fault("PUT", r"/workspaces/[^/]+$", when))  # type: ignore[arg-type]
    with pytest.raises(Struck):
        put("/Workspaces/w")
    assert bool(worked) is works
    assert put("/workspaces/w") == "done"


def test_a_fault_waits_for_its_turn_and_spares_other_requests() -> None:
    worked: list[str] = []
    put = client(worked, Fault("PUT", "/a", "before", nth=2))
    assert [put(path) for path in ("/a", "/b")] == ["done", "done"]
    with pytest.raises(Struck):
        put("/a")


def test_no_file_means_no_fault_and_a_written_one_reads_back(tmp_path: Path) -> None:
    assert read_faults(tmp_path / "state") == ()
    rules = (Fault("PUT", "/a", "after", nth=3),)
    write_faults(tmp_path / "state", rules)
    assert read_faults(tmp_path / "state") == rules
