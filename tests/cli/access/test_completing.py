"""The Tab key: what is offered, from files of this machine alone."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from azmlflow.cli import main
from azmlflow.cli.session.invocation import Invocation
from tests.cli.desk import ALICE, Desk

TEXT = (
    "config:\n  azmlflow:cloud: local\n  azmlflow:clusters:\n    - name: cpu\n  azmlflow:grants:\n"
    f"    - principalId: {ALICE.id}\n      principalType: User\n"
    "      displayName: zoe@local.test\n      persona: tracker\n"
    "  azmlflow:endpoints:\n    - name: risk\n      deployments:\n        - model: diabetes\n          version: '1'\n"
)


def offered(words: str) -> list[str]:
    *before, incomplete = words.split(" ")
    invocation = Invocation(connect=lambda: pytest.fail("completion asks nothing"))
    shell = ShellComplete(main.cli, {"obj": invocation}, "azmlflow", "_AZMLFLOW_COMPLETE")
    return [each.value for each in shell.get_completions(before, incomplete)]


def _directory(desk: Desk) -> None:
    """The embedded Azure's database, with a user, a group and an application."""
    desk.project.local.mkdir(parents=True)
    people = (
        {"kind": "User", "upn": "bob@local.test", "display_name": "Bob"},
        {"kind": "Group", "display_name": "data-team"},
        {"kind": "ServicePrincipal", "display_name": "robot"},
    )
    with sqlite3.connect(desk.project.local / "azure.db") as database:
        database.execute("CREATE TABLE documents (collection TEXT, key TEXT, body TEXT)")
        rows = [("principals", str(number), json.dumps(each)) for number, each in enumerate(people)]
        database.executemany("INSERT INTO documents VALUES (?, ?, ?)", rows)
    database.close()


@pytest.fixture
def project(desk: Desk) -> Desk:
    desk.settings(text=TEXT)
    _directory(desk)
    return desk


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("gra", ["grant"]),
        ("grant ", ["zoe@local.test", "bob@local.test", "data-team", "robot", "compute/cpu"]),
        ("grant B", ["bob@local.test"]),
        ("grant bob@local.test tra", ["tracker"]),
        ("grant bob@local.test tracker+tr", []),
        ("grant bob@local.test tracker+reg", ["tracker+registrar"]),
        ("grant bob@local.test viewer --scope g", ["group"]),
        ("revoke ", ["zoe@local.test"]),
        ("revoke zoe@local.test sub", ["submitter"]),
        ("roles dep", ["deployer"]),
        ("access zo", ["zoe@local.test"]),
        ("access --explain zo", ["zoe@local.test"]),
        ("access --explain zoe@local.test write_r", ["write_run"]),
        ("run --as ", ["bob@local.test", "robot"]),
        ("verify --as b", ["bob@local.test"]),
        ("ui --as r", ["robot"]),
        ("env --as r", ["robot"]),
        ("why --as d", ["data-team"]),
        ("score r", ["risk"]),
        ("deploy d", ["diabetes"]),
        ("deploy diabetes --endpoint ", ["risk"]),
        ("local user remove b", ["bob@local.test"]),
        ("local group join ", ["data-team"]),
        ("local group join data-team ro", ["robot"]),
        ("local group remove d", ["data-team"]),
        ("local group add d", []),
    ],
)
def test_what_is_offered(project: Desk, words: str, found: list[str]) -> None:
    assert offered(words) == found


def test_where_nothing_can_be_read_nothing_is_offered(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.settings(text="config: [\n")
    assert offered("grant ") == []
    desk.settings(text="config:\n  azmlflow:cloud: local\n  azmlflow:grants: 3\n  azmlflow:endpoints: [x]\n")
    assert offered("grant ") == offered("score ") == offered("deploy ") == []
    desk.project.local.mkdir(parents=True)
    (desk.project.local / "azure.db").write_bytes(b"no database, but long enough to be looked at " * 40)
    assert offered("run --as ") == []
    monkeypatch.chdir(desk.root.parent)
    assert offered("grant ") == []
    assert "tracker" in offered("grant somebody ")


def _in_bash(folder: Path, line: str, point: int | None = None) -> list[str]:
    """What bash would offer, having cut the line into words in its own way."""
    script = (
        'eval "$(_AZMLFLOW_COMPLETE=bash_source azmlflow)"\n'
        f"COMP_LINE={line!r} COMP_POINT={len(line) if point is None else point}\n"
        '_azmlflow_completion azmlflow\nprintf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.replace("bash: compopt: not currently executing completion function\n", "") == ""
    return done.stdout.split()


def test_a_real_bash_completes_names_with_an_at_sign(project: Desk) -> None:
    assert _in_bash(project.root, "azmlflow grant bob@lo") == ["local.test"]
    assert _in_bash(project.root, "azmlflow grant bob@local.test trac") == ["tracker"]
    assert _in_bash(project.root, "azmlflow grant bo tracker", len("azmlflow grant bo")) == ["bob@local.test"]


def test_a_tab_imports_no_azure_and_no_engine(project: Desk) -> None:
    script = (
        "import sys; from azmlflow.cli import main; main.run(); "
        "print(*sorted({each.partition('.')[0] for each in sys.modules}), file=sys.stderr)"
    )
    line = "azmlflow grant bo"
    environment = {"COMP_LINE": line, "COMP_POINT": str(len(line)), "_AZMLFLOW_COMPLETE": "bash_complete"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=project.root,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "plain,bob@local.test\n"
    loaded = set(done.stderr.split())
    assert not loaded & {
        "pulumi",
        "pulumi_azure_native",
        "azure",
        "requests",
        "aiohttp",
        "pydantic",
        "mlflow",
        "starlette",
    }
