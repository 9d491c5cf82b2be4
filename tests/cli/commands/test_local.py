"""`local`: what can be said without starting anything; the rest is tested end to end."""

from __future__ import annotations

import pytest

from azmlflow.cli.commands.local import faults
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.project import report
from azmlflow.localazure.front import faults as front
from azmlflow.localazure.machine.errors import PortTaken
from azmlflow.localazure.process import daemon
from tests.cli.desk import Desk


def test_status_and_stop_where_it_never_ran(desk: Desk) -> None:
    assert desk.run("local", "status", "-o", "json").json()["running"] is False
    done = desk.run("local", "stop")
    assert (done.code, done.out) == (0, "it was not running\n")


def test_a_stale_record_of_a_dead_process_is_no_running_azure(desk: Desk) -> None:
    folder = desk.root / ".azmlflow" / "local"
    folder.mkdir(parents=True)
    (folder / "daemon.json").write_text('{"pid": 1, "started": "x", "proxy_port": 1, "identity_port": 2}')
    (folder / "daemon.lock").write_text("1")
    assert desk.run("local", "status", "-o", "json").json()["running"] is False


def test_no_log_yet(desk: Desk) -> None:
    done = desk.run("local", "logs")
    assert done.code == 1
    assert "next: azmlflow local start" in done.err


def test_the_logs_end(desk: Desk) -> None:
    log = desk.root / ".azmlflow" / "local" / "daemon.log"
    log.parent.mkdir(parents=True)
    log.write_text("one\ntwo\nthree\n")
    assert desk.run("local", "logs", "--lines", "2").out == "two\nthree\n"


def test_reset_asks_first(desk: Desk) -> None:
    backend = desk.root / ".azmlflow" / "backend"
    backend.mkdir(parents=True)
    done = desk.run("local", "reset")
    assert done.code == 1
    assert "azmlflow local reset --yes" in done.err
    assert backend.exists()
    desk.settings(text="config:\n  azmlflow:cloud: local\n  azmlflow:grants: [{principalId: x}]\n")
    desk.settings("prod", "config:\n  azmlflow:grants: [{principalId: x}]\n")
    assert desk.run("local", "reset", "--yes").code == 0
    assert not backend.exists()
    assert "grants" not in (desk.root / "Pulumi.local.yaml").read_text()
    assert "grants" in (desk.root / "Pulumi.prod.yaml").read_text()


def test_it_serves_no_azure_stack(desk: Desk) -> None:
    desk.settings("prod", "config:\n  azmlflow:cloud: azure\n")
    done = desk.run("local", "start", "--stack", "prod")
    assert done.code == 1
    assert "is on Azure" in done.err


@pytest.mark.parametrize("place", ["127.0.0.1:20000", None])
def test_a_port_that_is_taken_reads_like_any_error(place: str | None) -> None:
    fault = report.known(PortTaken("port 20000 is taken", where=place, next="lsof -nP -iTCP:20000"))
    assert isinstance(fault, CliError)
    assert (fault.what, fault.where, fault.next) == ("port 20000 is taken", place, "lsof -nP -iTCP:20000")


def test_limits_of_jobs_are_set_shown_and_taken_away(desk: Desk) -> None:
    assert "as the VM size has" in desk.run("local", "limits").out
    done = desk.run("local", "limits", "--memory", "4GiB", "--time", "90m", "-o", "json")
    assert done.json() == {"seconds": 5400.0, "memory": 4 << 30, "disk": 0}
    done = desk.run("local", "limits", "--disk", "500M")
    assert done.out.split() == ["time", "5400", "s", "memory", "4", "GiB", "disk", "500", "MiB"]
    assert desk.run("local", "limits", "--none", "-o", "json").json() == {"seconds": 0, "memory": 0, "disk": 0}
    assert "not a size" in desk.run("local", "limits", "--memory", "much").err


def test_another_latency_is_not_accepted_and_dropped(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    running = daemon.Running(desk.project.local, 1, "2026-01-01T00:00:00", 1, 2, "none")
    started: list[str] = []
    monkeypatch.setattr(daemon, "status", lambda _state: running)
    monkeypatch.setattr(daemon, "start", lambda _state, latency, **_: started.append(latency))
    refused = desk.run("local", "start", "--latency", "azure")
    assert (refused.code, started) == (1, [])
    assert "runs already, with the latency `none`" in refused.err
    assert "azmlflow local start --latency azure" in refused.err
    assert desk.run("local", "start", "--latency", "none").code == 0
    assert started == ["none"]
    refused = desk.run("local", "start", "--latency", "azure:soon")
    assert (refused.code, started) == (2, ["none"])
    assert "no latency profile 'azure:soon'" in refused.err


def test_the_faults_that_can_be_asked_for_are_those_that_there_are() -> None:
    """The command lists them itself, so that its help needs no server's packages."""
    assert faults.WHATS == front.WHATS
    assert faults.WHENS == front.WHENS
