"""From specifications to plans, over Pythons that are not really here; and the Pythons that are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from azmlflow.localazure.builder.plan import Plan, plan
from azmlflow.localazure.builder.pythons import Interpreter, choose, find
from azmlflow.localazure.environments.curated import curated
from azmlflow.localazure.environments.errors import UnusableEnvironment
from azmlflow.localazure.environments.specification import from_conda

PYTHONS = tuple(Interpreter(version, Path(f"/usr/bin/python{version}")) for version in ("3.11.7", "3.12.1", "3.9.2"))


def _planned(*dependencies: object, pythons: tuple[Interpreter, ...] = PYTHONS) -> Plan:
    return plan(from_conda("env:1", {"dependencies": list(dependencies)}), pythons)


@pytest.mark.parametrize(
    ("wanted", "chosen", "said"),
    [
        ("", "3.11.7", None),
        ("==3.11.*", "3.11.7", None),
        (">=3.8", "3.11.7", None),
        (">=3.12", "3.12.1", None),
        ("<3.11", "3.9.2", None),
        ("==3.6.2.*", "3.9.2", "Python 3.6.2 is not on this machine: 3.9.2"),
        ("==3.10.18.*", "3.11.7", "3.11.7 is used, the nearest that is"),
        ("==3.12.9", "3.12.1", "3.12.1"),
        ("==3.14.*", "3.12.1", "3.12.1"),
        ("==2.7.*", "3.9.2", "3.9.2"),
    ],
)
def test_the_python_that_fits_or_the_nearest(wanted: str, chosen: str, said: str | None) -> None:
    python, note = choose(wanted, PYTHONS)
    assert python.version == chosen
    assert (note is None) == (said is None)
    assert said is None or said in str(note)


def test_requirements_and_what_the_log_says() -> None:
    told = {"channels": ["conda-forge"], "dependencies": ["python=3.6.2", "numpy=1.21", {"pip": ["mlflow<3"]}]}
    made = plan(from_conda("env:1", told), PYTHONS)
    assert made.requirements == ("mlflow<3", "numpy==1.21.*")
    assert made.conda == {"numpy"}
    assert [note.split(" ")[0] for note in made.notes] == ["Python", "conda"]
    assert "conda-forge" in made.notes[1]


def test_one_folder_for_what_comes_to_the_same_and_another_for_the_rest() -> None:
    keys = [
        plan(from_conda(name, {"channels": channels, "dependencies": dependencies}), pythons).key
        for name, channels, dependencies, pythons in (
            ("a:1", [], ["numpy", "scipy"], PYTHONS),
            ("b:2", ["conda-forge"], ["scipy", "Numpy", {"pip": ["numpy"]}], PYTHONS),
            ("a:1", [], ["numpy=1.21", "scipy"], PYTHONS),
            ("a:1", [], ["numpy", "scipy"], PYTHONS[1:]),
        )
    ]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


@pytest.mark.parametrize("name", ["cudatoolkit=11.3", "r-essentials", "_libgcc_mutex=0.1=main", "graphviz"])
def test_what_conda_alone_offers_is_refused_by_name(name: str) -> None:
    with pytest.raises(UnusableEnvironment, match=rf"'env:1'.*no {name.partition('=')[0]},.*Take out"):
        _planned("numpy", name)


def test_without_a_python_that_makes_venvs() -> None:
    with pytest.raises(UnusableEnvironment, match="python3-venv"):
        _planned("numpy", pythons=())


@pytest.mark.parametrize(
    ("name", "first"),
    [("sklearn-1.5", "scikit-learn==1.5.*"), ("AzureML-lightgbm-3.3-ubuntu18.04-py37-cpu", "lightgbm==3.3.*")],
)
def test_curated_environments_have_the_framework_of_their_name(name: str, first: str) -> None:
    made = plan(curated(name), PYTHONS)
    assert first in made.requirements
    assert "azureml-mlflow" in made.requirements
    assert "not Azure's exact list" in made.notes[0]


@pytest.mark.parametrize("name", ["acpt-pytorch-2.2-cuda12.1", "AzureML-Minimal", "tensorflow-2.16-cuda12"])
def test_other_curated_environments_are_refused_and_those_that_are_here_named(name: str) -> None:
    with pytest.raises(UnusableEnvironment, match=rf"'{name}' is not here.*lightgbm-<version>, sklearn-<.*conda file"):
        curated(name)


def test_the_pythons_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / "python3.99").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "python3.99").chmod(0o755)
    shims = tmp_path / "shims"
    shims.mkdir()
    (shims / "python3").symlink_to(sys.executable)
    other = tmp_path / "versions" / "3.9.2" / "bin" / "python3"
    other.parent.mkdir(parents=True)
    for path, version in ((other, "3.9.2"), (tmp_path / "python3.7", "3.7.1")):
        path.write_text(f"#!/bin/sh\necho '[\"{version}\", \"'$0'\", true]'\n")
        path.chmod(0o755)
    variables = {"PATH": f"{tmp_path}:{shims}:relative:/nowhere", "PYENV_ROOT": str(tmp_path)}
    found = find(variables, Path(sys.executable))
    assert [each.version for each in found] == [sys.version.split()[0], "3.9.2"]  # 3.7 is too old for MLflow 2
    assert found[0].path.exists()
    assert found[1].path == other


@pytest.mark.parametrize("found", find(os.environ, Path(sys.executable)), ids=lambda each: each.version)
def test_a_venv_is_no_base_of_another_whatever_its_python(tmp_path: Path, found: Interpreter) -> None:
    """A venv of a venv too: before 3.11 its pyvenv.cfg names the outer venv."""
    assert not (found.path.parent.parent / "pyvenv.cfg").exists()
    outer, inner = tmp_path / "outer", tmp_path / "inner"
    for python, folder in ((found.path, outer), (outer / "bin" / "python", inner)):
        subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True, timeout=60)
        (again,) = find({"PATH": str(folder / "bin")}, folder / "bin" / "python")
        assert (again.version, again.path.resolve()) == (found.version, found.path.resolve())
