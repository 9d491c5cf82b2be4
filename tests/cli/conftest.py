"""A checkout in a temporary folder, with the command line's collaborators replaced."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.desk import ALICE, SUBSCRIPTION, Desk, FakeArm, FakeStack
from tests.localazure.control import Azure


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    """An empty checkout, with the test inside it."""
    root = tmp_path / "checkout"
    root.mkdir()
    (root / "Pulumi.yaml").write_text("name: azmlflow\nruntime: python\nmain: infra/\nazmlflow: true\n")
    monkeypatch.chdir(root)
    environment = {"PATH": "/usr/bin:/bin", "PULUMI_HOME": str(tmp_path / "home"), "ARM_SUBSCRIPTION_ID": SUBSCRIPTION}

    def read() -> tuple[str, str]:
        captured = capsys.readouterr()
        return captured.out, captured.err

    return Desk(root, FakeStack(), FakeArm(), environment, {"alice@local.test": ALICE}, [], [], read)


@pytest.fixture
def azure(tmp_path: Path) -> Iterator[Azure]:
    """An embedded Azure in this process, where nothing takes time."""
    found = Azure(tmp_path)
    yield found
    found.cloud.store.close()
