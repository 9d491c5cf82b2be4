"""Programs of people's own with azmlflow's components, as `azmlflow up` and Pulumi's engine run them: the examples."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from azmlflow.cli.pulumi.engine import present
from tests.e2e.estate import EXAMPLES, LONG, Estate, make_environment

pytestmark = pytest.mark.e2e


@pytest.fixture
def project(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Estate]:
    """A copy of the example that the test names, with a stack `local`."""
    folder = tmp_path / request.param
    shutil.copytree(EXAMPLES / request.param, folder)
    estate = Estate(folder, make_environment(tmp_path / "home", Path(sys.executable).parent))
    estate.azmlflow("init", "local", "--yes")
    yield estate
    estate.azmlflow("local", "stop")


def pulumi(project: Estate, *lines: str) -> str:
    """What Pulumi's own command prints, in a shell that the project's stack has set up."""
    told = "pulumi --non-interactive"
    script = ["set -e", 'eval "$(azmlflow env --engine)"', *(line.replace("pulumi ", f"{told} ") for line in lines)]
    return project.command("sh", "-c", "\n".join(script), within=LONG).out


@pytest.mark.parametrize("project", ["own_program"], indirect=True)
def test_a_program_of_ones_own_and_another_that_refers_to_its_stack(project: Estate, tmp_path: Path) -> None:
    done = project.azmlflow("up", "--yes")
    assert "grant-tracker-pipeline" in done.err, "the grant of an identity whose id was an output"
    outputs = project.outputs()
    assert outputs["workspaceName"] == "mlw-own-local"
    reader = tmp_path / "stack_reference"
    shutil.copytree(EXAMPLES / "stack_reference", reader)
    told = pulumi(
        project,
        "pulumi preview --stack local --expect-no-changes",
        f"cd {reader}",
        "pulumi stack init reader",
        "pulumi config set workspace organization/own-program/local --stack reader",
        "pulumi up --yes --skip-preview --stack reader",
        "pulumi stack output --json --stack reader > outputs.json",
    )
    assert "unchanged" in told
    found = json.loads((reader / "outputs.json").read_text())
    assert found == {"tracking": outputs["trackingUri"], "studio": outputs["studioUrl"]}
    assert "stack local is gone: nothing left" in project.azmlflow("down", "--yes").out


def host(language: str) -> bool:
    """Is Pulumi's host of a language beside the engine, or on PATH? The engine built here has Python's alone."""
    engine = present(os.environ)
    beside = [str(engine.folder)] if engine else []
    return shutil.which(f"pulumi-language-{language}", path=os.pathsep.join([*beside, os.environ["PATH"]])) is not None


@pytest.mark.skipif(not host("yaml"), reason="no pulumi-language-yaml here")
@pytest.mark.parametrize("project", ["own_program_yaml"], indirect=True)
def test_a_program_in_yaml(project: Estate) -> None:
    added = project.folder / "sdks" / "azmlflow"
    # A host before 2026 has no `Link`: then the package is written, and the command fails at what YAML has no need of.
    told = pulumi(project, 'pulumi package add "$(command -v pulumi-resource-azmlflow)" 2>&1 || true')
    assert "Successfully generated an SDK for the azmlflow package" in told
    assert [each.suffix for each in added.iterdir()] == [".yaml"]
    linked = "\npackages:\n  azmlflow: " in (project.folder / "Pulumi.yaml").read_text()
    assert linked or "method Link not implemented" in told, told
    project.azmlflow("up", "--yes")
    assert project.outputs()["workspaceName"] == "mlw-yaml-local"
    assert "stack local is gone: nothing left" in project.azmlflow("down", "--yes").out


INSTALLED = (EXAMPLES / "own_program_typescript" / "node_modules").is_dir()


@pytest.mark.skipif(not (host("nodejs") and INSTALLED), reason="no pulumi-language-nodejs here, or no `npm install`")
@pytest.mark.parametrize("project", ["own_program_typescript"], indirect=True)
def test_a_program_in_typescript(project: Estate) -> None:
    project.azmlflow("up", "--yes")
    assert project.outputs()["workspaceName"] == "mlw-ts-local"
    assert "stack local is gone: nothing left" in project.azmlflow("down", "--yes").out
