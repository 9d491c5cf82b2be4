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
from starlette.types import Receive, Scope, Send

from azmlflow.cli.commands.local import faults
from azmlflow.localazure.front.faults import (
    FILE,
    MANGLED,
    WHATS,
    WHENS,
    FaultLayer,
    FaultMiddleware,
    FaultRule,
    What,
    When,
    read_faults,
    write_faults,
)
from tests.localazure.control import CHAIN, COMPUTE, RG, STORAGE, SUB, Azure


class Struck(Exception):
    """Stands in for the end of the process."""


def strike() -> None:
    raise Struck


def client(worked: list[str], *faults: FaultRule) -> Callable[[str], str]:
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
    put = client(worked, FaultRule("PUT", r"/workspaces/[^/]+$", when))  # type: ignore[arg-type]
    with pytest.raises(Struck):
        put("/Workspaces/w")
    assert bool(worked) is works
    assert put("/workspaces/w") == "done"


def test_a_fault_waits_for_its_turn_and_spares_other_requests() -> None:
    worked: list[str] = []
    put = client(worked, FaultRule("PUT", "/a", "before", nth=2))
    assert [put(path) for path in ("/a", "/b")] == ["done", "done"]
    with pytest.raises(Struck):
        put("/a")


def test_a_strike_is_noted_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "azmlflow.local")
    worked: list[str] = []
    app = working(worked, FaultRule("PUT", "/a", "after", nth=2, what="503"))
    for path in ("/a", "/b", "/a%0A", "/a"):
        ask(app, path)
    assert caplog.messages == [r"fault strikes: 503 after PUT '/a\n'"]


def test_no_file_means_no_fault_and_a_written_one_reads_back(tmp_path: Path) -> None:
    assert read_faults(tmp_path / "state") == ()
    rules = (FaultRule("PUT", "/a", "after", nth=3),)
    write_faults(tmp_path / "state", rules)
    assert read_faults(tmp_path / "state") == rules


def test_the_command_knows_every_fault() -> None:
    assert (faults.WHATS, faults.WHENS) == (WHATS, WHENS)


@pytest.mark.parametrize(("what", "status", "retry"), [("429", 429, "7"), ("500", 500, None), ("503", 503, "7")])
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_answer_in_place_of_the_work_or_after_it(what: What, status: int, retry: str | None, when: When) -> None:
    worked: list[str] = []
    app = working(worked, FaultRule("*", "/a", when, what=what, seconds=7))
    answer = ask(app, "/a")
    assert (answer.status_code, answer.headers.get("Retry-After")) == (status, retry)
    assert answer.json()["error"]["message"] == "A fault was asked for."
    assert bool(worked) is (when == "after")
    assert ask(app, "/a").text == "done"


@pytest.mark.parametrize("what", MANGLED)
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_answer_that_is_not_azures(what: What, when: When) -> None:
    worked: list[str] = []
    app = working(worked, FaultRule("*", "/a", when, what=what))
    answer = ask(app, "/a")
    status, headers, content = MANGLED[what]
    assert (answer.status_code, answer.content) == (status, content)
    assert headers.items() <= {name.title(): value for name, value in answer.headers.items()}.items()
    assert bool(worked) is (when == "after")
    assert ask(app, "/a").text == "done"


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_connection_that_breaks_off(when: When) -> None:
    worked: list[str] = []
    app = working(worked, FaultRule("*", "/a", when, what="reset"))
    with pytest.raises(ConnectionResetError):
        ask(app, "/a")
    assert bool(worked) is (when == "after")


def test_a_slow_answer_is_the_same_answer() -> None:
    worked: list[str] = []
    assert ask(working(worked, FaultRule("*", "/a", what="slow", seconds=0)), "/a").text == "done"
    assert worked == ["/a"]


def test_an_operation_that_ends_failed_is_half_done(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "azmlflow.local")
    azure = Azure(tmp_path)
    azure.make(*CHAIN)
    before = len(list(azure.cloud.store.scan("resources")))
    app = FaultMiddleware(
        azure._services["management.azure.com"], (FaultRule("DELETE", "/rg1$", what="failed"),), cloud=azure.cloud
    )
    azure._services["management.azure.com"] = app
    began = azure.arm("DELETE", RG)
    assert began.status == 202
    ((operation, _),) = azure.cloud.store.scan("running")
    assert caplog.messages == [
        f"fault strikes: failed before DELETE '{RG}'",
        f"fault strikes: operation {operation} will fail",
    ]
    ended = azure.follow(began.headers["Location"])
    assert (ended.status, ended.code) == (409, "OperationFailed")
    assert azure.arm("GET", RG).body["properties"]["provisioningState"] == "Failed"
    assert 1 < len(list(azure.cloud.store.scan("resources"))) < before
    again = azure.arm("DELETE", RG)
    assert azure.follow(again.headers["Location"]).status == 200
    assert azure.arm("GET", RG).status == 404
    azure.cloud.store.close()


def test_what_another_request_starts_in_the_same_moment_does_not_fail(tmp_path: Path) -> None:
    azure = Azure(tmp_path, "azure")
    azure.make(*CHAIN)
    azure.wait()
    served = azure._services["management.azure.com"]

    async def busy(scope: Scope, receive: Receive, send: Send) -> None:
        azure.cloud.operations.begin("put", "Microsoft.Storage/storageAccounts", STORAGE)
        await served(scope, receive, send)

    rule = FaultRule("DELETE", "/computes/", what="failed")
    azure._services["management.azure.com"] = FaultMiddleware(busy, (rule,), cloud=azure.cloud)
    assert azure.arm("DELETE", f"{COMPUTE}?underlyingResourceAction=Delete").status == 202
    running = {operation["target"]: operation.get("fails", False) for _, operation in azure.cloud.store.scan("running")}
    assert running == {STORAGE: False, COMPUTE: True}
    azure.cloud.store.close()


def test_a_group_goes_over_time_dependents_first(tmp_path: Path) -> None:
    azure = Azure(tmp_path, "azure")
    azure.make(*CHAIN)
    azure.arm("DELETE", RG)
    seen = []
    for _ in range(5):
        azure.clock.advance(10)
        seen.append([entry["name"] for entry in azure.arm("GET", f"{RG}/resources").body["value"]])
    assert [len(names) for names in seen] == sorted((len(names) for names in seen), reverse=True)
    assert "cpu-cluster" not in seen[1]
    assert "stacct1" in seen[1]
    azure.wait()
    assert azure.arm("GET", RG).status == 404
    azure.cloud.store.close()


def test_rules_are_read_anew_when_the_file_changes(tmp_path: Path) -> None:
    azure = Azure(tmp_path)
    azure._services["management.azure.com"] = FaultLayer(azure._services["management.azure.com"], azure.cloud)
    assert azure.arm("GET", SUB).status == 200
    write_faults(tmp_path, (FaultRule("GET", "/", what="503"),))
    assert azure.arm("GET", SUB).status == 503
    assert azure.arm("GET", SUB).status == 200
    write_faults(tmp_path, ())
    assert not (tmp_path / FILE).exists()
    assert azure.arm("GET", SUB).status == 200
    azure.cloud.store.close()


def test_rules_that_cannot_be_read_are_told_until_they_can(tmp_path: Path) -> None:
    """A test that relies on a fault must not pass because its rules were ignored."""
    azure = Azure(tmp_path)
    azure._services["management.azure.com"] = FaultLayer(azure._services["management.azure.com"], azure.cloud)
    (tmp_path / FILE).write_text("{")
    for _ in range(2):
        told = azure.arm("GET", SUB)
        assert (told.status, FILE in told.message, "local faults clear" in told.message) == (507, True, True)
    write_faults(tmp_path, (FaultRule("GET", "/", what="503"),))
    assert azure.arm("GET", SUB).status == 503
    write_faults(tmp_path, ())
    assert azure.arm("GET", SUB).status == 200
    azure.cloud.store.close()


def working(worked: list[str], *faults: FaultRule) -> FaultMiddleware:
    async def work(request: Request) -> PlainTextResponse:
        worked.append(request.url.path)
        return PlainTextResponse("done")

    return FaultMiddleware(Starlette(routes=[Route("/{any:path}", work, methods=["PUT"])]), faults)


def ask(app: FaultMiddleware, path: str) -> httpx.Response:
    async def put() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://azure") as http:
            return await http.put(path)

    return asyncio.run(put())
