"""azmlflow: Azure Machine Learning workspaces for MLflow, as code.

The packages stand at the top of the checkout (`resourcetypes`, `rbac`, `infra`, `cli`, `localazure`);
the links beside this file make them import as `azmlflow.infra`, `azmlflow.rbac` and so on, in the checkout and in the
wheel.
"""


def __getattr__(name: str) -> str:
    """`azmlflow.__version__`, found when it is asked for: `importlib.metadata` costs as much as all of click."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version

    return version("azmlflow")
