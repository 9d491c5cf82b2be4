"""azmlflow: Azure Machine Learning workspaces for MLflow, as code.

The packages stand at the top of the checkout (`infra`, `rbac`, `cli`, `localazure`); the links beside
this file make them import as `azmlflow.infra`, `azmlflow.rbac` and so on, in the checkout and in the wheel.
"""

from importlib.metadata import version

__version__ = version("azmlflow")
