"""conda's package specifications, and conda files, definitions and versions as specifications."""

from __future__ import annotations

from typing import Any

import pytest

from azmlflow.localazure.environments.conda import package
from azmlflow.localazure.environments.errors import UnusableEnvironment
from azmlflow.localazure.environments.specification import (
    Specification,
    from_conda,
    from_definition,
    from_version,
)

CONDA = """
name: project
channels: [conda-forge]
dependencies:
  - python=3.6.2
  - scikit-learn
  - numpy=1.21
  - pip:
    - azureml-mlflow
    - mlflow<3
"""


@pytest.mark.parametrize(
    ("text", "requirement"),
    [
        ("numpy", "numpy"),
        ("numpy=1.21", "numpy==1.21.*"),
        ("numpy=1.21.*", "numpy==1.21.*"),
        ("numpy==1.21.0", "numpy==1.21.0"),
        ("numpy==1.21.*", "numpy==1.21.*"),
        ("numpy>=1.20,<2", "numpy>=1.20,<2"),
        ("numpy>=1.20.*", "numpy>=1.20"),
        ("numpy !=1.5", "numpy!=1.5"),
        ("numpy~=1.21", "numpy~=1.21"),
        ("numpy 1.21.0", "numpy==1.21.0"),
        ("numpy 1.21.0 py39_0", "numpy==1.21.0"),
        ("numpy=1.21.0=py39h12_0", "numpy==1.21.0"),
        ("numpy >= 1.20", "numpy>=1.20"),
        ("numpy==1.21.2=py38h20f2e39_0", "numpy==1.21.2"),
        ("numpy 1.21*", "numpy==1.21.*"),
        ("numpy=1.21.2=build", "numpy==1.21.2"),
        ("numpy==1.21.2=build", "numpy==1.21.2"),
        ("numpy 1.21.2 build", "numpy==1.21.2"),
        ("numpy=1.21=*", "numpy==1.21.*"),
        ("numpy=1.21*", "numpy==1.21.*"),
        ("defaults::NumPy", "numpy"),
        ("numpy[version=1.21.2]", "numpy==1.21.2"),
        ("pytorch::pytorch==2.2.1", "torch==2.2.1"),
        ("PyTorch", "torch"),
        ("numpy >=1.20, <2", "numpy>=1.20,<2"),
        ("numpy[version='1.21.*']", "numpy==1.21.*"),
        ("numpy=*", "numpy"),
        ("numpy *", "numpy"),
        ("conda-forge::numpy=1.21", "numpy==1.21.*"),
        ("numpy[version='>=1.20,<2']", "numpy>=1.20,<2"),
        ("pip<=22.3.1", "pip<=22.3.1"),
        ("pytorch=2.2", "torch==2.2.*"),
        ("Scikit_Learn", "scikit-learn"),
    ],
)
def test_conda_versions_in_pips_words(text: str, requirement: str) -> None:
    assert package(text).requirement == requirement


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("numpy=1.2|2", "choose"),
        ("numpy>=a b", "cannot be expressed"),
        ("", "not a package"),
        ("=1", "no"),
        ("=name", "not a package"),
        ("numpy 1.21|1.22", "choose"),
        ("numpy[version='1.21|1.22']", "choose"),
        ("numpy=", "cannot be expressed"),
    ],
)
def test_what_pip_has_no_words_for(text: str, said: str) -> None:
    with pytest.raises(UnusableEnvironment, match=said):
        package(text)


def test_a_conda_file() -> None:
    found = from_conda("project:1", CONDA)
    assert (found.built, found.python, found.channels) == (True, "==3.6.2.*", ("conda-forge",))
    assert [each.requirement for each in found.packages] == ["scikit-learn", "numpy==1.21.*"]
    assert found.pip == ("azureml-mlflow", "mlflow<3")


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("a: [", "not YAML"),
        ("just text", "not a mapping"),
        ({"dependencies": "numpy"}, "not a list"),
        ({"dependencies": [{"npm": ["x"]}]}, "npm"),
        ({"dependencies": [{"pip": "numpy"}]}, "pip"),
        ({"dependencies": [3]}, "neither"),
        ({"dependencies": [{"pip": ["-r /etc/passwd"]}]}, "names a file"),
        ({"dependencies": [{"pip": ["--constraint=c.txt"]}]}, "names a file"),
        ({"dependencies": [{"pip": ["--requirement requirements.txt"]}]}, "names a file"),
        ({"dependencies": [{"pip": ["-e ."]}]}, "names a file"),
        ({"dependencies": [{"pip": ["--editable=."]}]}, "names a file"),
        ({"dependencies": [{"pip": ["./package"]}]}, "names a file"),
        ({"dependencies": [{"pip": ["package @ file:///package"]}]}, "names a file"),
        ({"dependencies": [{"pip": ["not a requirement"]}]}, "not a requirement"),
        ({"dependencies": ["numpy=1|2"]}, "one range"),
    ],
)
def test_what_is_no_conda_file_is_refused_by_the_environments_name(told: Any, said: str) -> None:
    with pytest.raises(UnusableEnvironment, match=rf"'env:1'.*{said}"):
        from_conda("env:1", told)


def test_options_of_pip_that_name_no_file_stay() -> None:
    lines = [
        "--extra-index-url https://packages.test/simple",
        "--pre",
        'a>=1; python_version>"3"',
        "git+https://x.test/y",
    ]
    assert from_conda("env:1", {"dependencies": [{"pip": lines}]}).pip == tuple(lines)


def test_the_old_address_of_pypi_which_azureml_core_writes_is_not_asked() -> None:
    written = [
        "--extra-index-url https://pypi.python.org/simple",
        "--find-links https://pypi.python.org/simple/index.html",
    ]
    found = from_version(
        "env:1", {"image": "i", "condaFile": {"dependencies": [{"pip": [*written, "azureml-mlflow"]}]}}
    )
    assert found.pip == ("azureml-mlflow",)
    assert found.notes[0] == "the image i is not pulled"
    assert [note.partition(" is left out")[0] for note in found.notes[1:]] == [f"'{line}'" for line in written]


def test_an_image_alone_asks_for_nothing() -> None:
    found = from_version("env:1", {"image": "registry.test/image:1"})
    assert not found.built
    assert found.notes == ("the image registry.test/image:1 is not pulled",)


def test_a_version_with_a_conda_file_and_an_image() -> None:
    found = from_version("env:1", {"image": "registry.test/image:1", "condaFile": CONDA})
    assert found.built
    assert found.packages == from_conda("env:1", CONDA).packages
    assert found.notes == ("the image registry.test/image:1 is not pulled",)


def test_what_is_built_from_a_dockerfile_is_refused() -> None:
    with pytest.raises(UnusableEnvironment, match=r"Dockerfile.*conda file"):
        from_version("env:1", {"build": {"contextUri": "https://stacct1.blob.core.windows.net/c"}})
    with pytest.raises(UnusableEnvironment, match="Dockerfile"):
        from_definition("env:1", {"docker": {"baseDockerfile": "FROM scratch"}})


def test_a_definition_of_azureml_core_whatever_the_case_of_its_names() -> None:
    dependencies = {
        "channels": ["conda-forge"],
        "dependencies": ["python=3.10.18", {"pip": ["azureml-mlflow"]}, "matplotlib"],
        "name": "project_environment",
    }
    inner = {"CondaDependencies": dependencies, "UserManagedDependencies": False, "interpreterPath": "python"}
    found = from_definition("env:1", {"Python": inner, "Docker": {"BaseImage": "registry.test/base"}})
    assert found == Specification(
        "env:1", True, "==3.10.18.*", found.packages, ("azureml-mlflow",), ("conda-forge",), None,
        ("the image registry.test/base is not pulled",),
    )  # fmt: skip
    assert [each.requirement for each in found.packages] == ["matplotlib"]


def test_user_managed_dependencies_ask_for_nothing() -> None:
    inner = {"userManagedDependencies": True, "interpreterPath": "/opt/python", "condaDependencies": {"a": 1}}
    found = from_definition("env:1", {"python": inner})
    assert not found.built
    assert found.interpreter == "/opt/python"
