"""Azure's curated environments, by name: the packages that jobs in them import, as far as a venv can have them.

A curated environment is an image with a conda environment in it. Its framework's version is in its name
(`sklearn-1.5`, `AzureML-lightgbm-3.3-ubuntu18.04-py37-cpu`); what stands beside the framework in all of them is listed
here without Azure's pins, which are for one Python. Source: the conda files in the repository Azure/azureml-assets,
`assets/training/general/environments`. The others (PyTorch, TensorFlow: gigabytes, made for GPUs) are refused.
"""

from __future__ import annotations

import re

from azmlflow.localazure.environments.conda import Package
from azmlflow.localazure.environments.errors import UnusableEnvironment
from azmlflow.localazure.environments.specification import Specification

LISTED = ("AzureML-lightgbm-3.3", "AzureML-sklearn-1.5")  # those that every workspace shows; others go by name
_FRAMEWORKS = {"sklearn": "scikit-learn", "lightgbm": "lightgbm"}
_BESIDE = ("azureml-core", "azureml-mlflow", "joblib", "matplotlib", "pandas", "psutil", "scipy", "tqdm")
_NAME = re.compile(r"(?:azureml-)?(?P<framework>[a-z]+)-(?P<version>[0-9]+\.[0-9]+)\b.*", re.IGNORECASE)


def is_curated(name: str) -> bool:
    """Whether a name in a workspace is one of Azure's own."""
    return name.lower().startswith("azureml-")


def curated(name: str) -> Specification:
    """What a curated environment comes to here.

    Args:
        name: its name, without version.

    Raises:
        UnusableEnvironment: of this one no venv is built.
    """
    found = _NAME.fullmatch(name)
    framework = _FRAMEWORKS.get(found["framework"].lower()) if found else None
    if found is None or framework is None:
        known = ", ".join(f"{each}-<version>" for each in sorted(_FRAMEWORKS))
        raise UnusableEnvironment(
            f"The curated environment '{name}' is not here; those that are: {known} (sklearn-1.5, say), with or "
            "without 'AzureML-' before them. Give the job a conda file with the packages it needs instead."
        )
    wanted = Package(framework, framework, f"=={found['version']}.*")
    beside = tuple(Package(each, each, "") for each in _BESIDE)
    note = f"a curated environment: {wanted.requirement} with {', '.join(_BESIDE)} (not Azure's exact list)"
    return Specification(name, True, packages=(wanted, *beside), notes=(note,))


def document(name: str) -> dict[str, str]:
    """What a workspace tells of a curated environment: its image's address, and its packages as a conda file.

    Args:
        name: one of `LISTED`.
    """
    packages = "".join(f"  - {each.requirement}\n" for each in curated(name).packages)
    image = f"mcr.microsoft.com/azureml/curated/{name.lower().removeprefix('azureml-')}:1"
    return {"image": image, "condaFile": f"name: {name}\ndependencies:\n{packages}"}
