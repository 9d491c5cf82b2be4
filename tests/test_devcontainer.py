"""The dev container's file: what it names is there, and `python` in it is the data scientist's, as hints want it."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
HERE = "${containerWorkspaceFolder}/"
# Those of the specification that are used here (containers.dev, "Dev Container metadata reference").
KNOWN = {"name", "image", "postCreateCommand", "remoteEnv", "customizations"}


def container() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    return found


def test_it_is_well_formed_and_its_python_is_one_that_is_wanted() -> None:
    found = container()
    assert set(found) == KNOWN
    version = re.fullmatch(r"python:(\d+)\.(\d+)-\w+", found["image"])
    assert version is not None
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    least = re.search(r">=(\d+)\.(\d+)", wanted)
    assert least is not None
    assert tuple(map(int, version.groups())) >= tuple(map(int, least.groups()))
    assert all(re.fullmatch(r"[\w-]+\.[\w-]+", each) for each in found["customizations"]["vscode"]["extensions"])


def test_its_command_is_of_the_makefile_and_makes_what_its_path_names() -> None:
    found, makefile = container(), (ROOT / "Makefile").read_text()
    program, *targets = found["postCreateCommand"].split()
    assert program == "make"
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony is not None
    assert set(targets) <= set(phony[1].split())
    made = {"examples": ".venv-examples", "engine": ".venv"}
    assert {made[each] for each in targets} == {".venv", ".venv-examples"}
    assert all(f" -m venv {folder}\n" in makefile for folder in made.values())
    *ours, rest = found["remoteEnv"]["PATH"].split(":", 2)
    # The `python` of hints (`azmlflow run -- python ...`) is the data scientist's; `azmlflow` is the toolkit's.
    assert ours == [f"{HERE}.venv-examples/bin", f"{HERE}.venv/bin"]
    assert rest == "${containerEnv:PATH}"
    python = found["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"]
    assert python == f"{HERE}.venv-examples/bin/python"
