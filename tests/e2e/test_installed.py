"""From the wheel, in an empty folder, to nothing left: no file of the checkout is used."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from azmlflow.cli.project.selection import find_project
from azmlflow.cli.pulumi.engine import present
from tests.e2e.estate import CHECKOUT, Estate, make_environment

pytestmark = pytest.mark.e2e
ALICE = "alice@local.test"


def pip(*words: str | Path) -> None:
    told = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *map(str, words)]
    done = subprocess.run(told, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that has the wheel; what it depends on is the toolkit's."""
    folder = tmp_path_factory.mktemp("installed")
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder / "dist", CHECKOUT)
    (wheel,) = (folder / "dist").glob("*.whl")
    assert wheel.stat().st_size < 3 * 1024**2
    venv = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    pip("--python", venv / "bin" / "python", "install", "--no-index", "--no-deps", wheel)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    # The files of this folder that lead to the checkout are not read: only the first folder's are.
    shared = venv / "lib" / version / "site-packages" / "toolkit.pth"
    shared.write_text(sysconfig.get_path("purelib") + "\n")
    return venv / "bin"


@pytest.fixture
def empty(installed: Path, tmp_path: Path) -> Iterator[Estate]:
    """An empty folder, and the wheel's commands."""
    folder = tmp_path / "work"
    folder.mkdir()
    environment = make_environment(tmp_path / "home", installed)
    del environment["AZMLFLOW_STACK"]
    estate = Estate(folder, environment, typed=True)
    yield estate
    if (folder / "Pulumi.yaml").exists():
        estate.azmlflow("local", "stop")


def test_from_the_wheel_to_down(empty: Estate, installed: Path, tmp_path: Path) -> None:
    place = empty.command("python", "-c", "import azmlflow.cli as it; print(it.__file__)").out
    assert Path(place.strip()).is_relative_to(installed.parent)
    assert (Path(place.strip()).parents[1] / "py.typed").is_file()
    empty.azmlflow("init", "local", "--yes")
    assert yaml.safe_load((empty.folder / "Pulumi.yaml").read_text())["azmlflow"] is True
    assert "stack local stands" in empty.azmlflow("up").out
    empty.azmlflow("grant", ALICE, "tracker")
    elsewhere = Estate(tmp_path, empty.environment, typed=True)
    told = ("access", "--explain", ALICE, "write_run")
    assert "tracker" in elsewhere.azmlflow("-C", str(empty.folder), *told).out
    named = {"AZMLFLOW_PROJECT": str(empty.folder)}
    assert ALICE in elsewhere.command("azmlflow", "status", extra=named).out
    # Pulumi's own command runs the folder's program under its language host.
    script = 'eval "$(azmlflow env --engine)" && pulumi preview --stack local --expect-no-changes --non-interactive'
    assert "unchanged" in empty.command("sh", "-c", script).out
    assert "left" not in empty.azmlflow("down", "--yes").err
    assert "nothing stands" in empty.azmlflow("status").out


def test_the_engine_is_the_one_of_the_version_and_user(installed: Path, empty: Estate) -> None:
    """A checkout and a wheel of one version share what was built, since the modules that pin it go along."""
    script = "from azmlflow.cli.pulumi import engine_build as it; print(it.target(it.Path('/c')), it.pinned_version())"
    ours = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert empty.command(installed / "python", "-c", script).out == ours
    assert ours.startswith("/c/engine-3.")


def test_pulumis_own_command_makes_a_project_from_the_template(empty: Estate) -> None:
    engine = present(os.environ)
    assert engine is not None
    template = empty.command("python", "-c", "from azmlflow.cli.project.selection import TEMPLATE as it; print(it)").out
    words = ("new", template.strip(), "--generate-only", "--yes", "--name", "team-models")
    empty.command(engine.command, *words, extra={"PULUMI_HOME": str(empty.folder.parent / "pulumi")})
    assert yaml.safe_load((empty.folder / "Pulumi.yaml").read_text())["name"] == "team-models"
    assert "stacks" in empty.azmlflow("stack", "list", "--output", "json").json()
    assert "a project" not in empty.azmlflow("init", "local", "--yes").err, "it is one already"
    assert not find_project(empty.folder).own_program
