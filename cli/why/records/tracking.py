"""MLflow's clients against Azure Machine Learning: what it does not have, limits, versions."""

from __future__ import annotations

from azmlflow.cli.why.questions.doctors import of_check
from azmlflow.cli.why.record import Record

_ML = "https://learn.microsoft.com/azure/machine-learning"
_RUNS = f"{_ML}/how-to-track-experiments-mlflow"
_MODELS = f"{_ML}/how-to-manage-models-mlflow"
_LIMITS = "https://aka.ms/azure-machine-learning-limits"
_PLUGIN = 'pip install azureml-mlflow "mlflow-skinny>=2.22,<3"'
_PROJECTS = f"{_ML}/how-to-train-mlflow-projects"

RECORDS = (
    Record(
        "MLflow does not know azureml:// addresses",
        r"Unsupported(?:ModelRegistryStore|TrackingStore)?URIException|unsupported URI 'azureml://|"
        r"is currently not supported for storing|No registered .{0,60}azureml|Unsupported URI .{0,10}azureml",
        "The Python that ran has no azureml-mlflow, MLflow's plugin for Azure Machine Learning.",
        _PLUGIN,
        f"{_ML}/how-to-use-mlflow-configure-tracking",
        "UnsupportedModelRegistryStoreURIException: Model registry functionality is unavailable; got unsupported URI "
        "'azureml://westeurope.api.azureml.ms/mlflow/v1.0' for model registry data storage.",
        of_check("packages"),
        "mlflow",
    ),
    Record(
        "set_experiment does not say why it failed",
        r"Invalid experiment ID 'None'",
        "MLflow's `set_experiment` could not make the experiment, and hides the refusal: whoever asked may not write "
        "experiments.",
        "azmlflow access --explain PRINCIPAL write_experiment",
        "https://github.com/mlflow/mlflow/blob/v2.22.0/mlflow/tracking/fluent.py",
        "RestException: INVALID_PARAMETER_VALUE: Invalid experiment ID 'None'. Experiment ID must be a valid integer.",
        seen="azureml-mlflow",
    ),
    Record(
        "MLflow 3 asks for what Azure has not",
        r"logged-models.{0,120}(?:404|failed)|(?:404|failed).{0,120}logged-models",
        "MLflow 3 keeps models as `logged models`, which Azure Machine Learning does not have.",
        _PLUGIN,
        _MODELS,
        "MlflowException: API request to endpoint /api/2.0/mlflow/logged-models failed with error code 404 != 200.",
        of_check("packages"),
    ),
    Record(
        "mlflow.azureml is gone",
        r"module 'mlflow' has no attribute 'azureml'|No module named 'mlflow\.azureml|"
        r"cannot import name 'azureml' from 'mlflow'",
        "MLflow 2 and later have no `mlflow.azureml`, by which models were deployed.",
        "azmlflow deploy MODEL    (or from Python: examples/deploy_model.py)",
        f"{_ML}/how-to-deploy-mlflow-models",
        "AttributeError: module 'mlflow' has no attribute 'azureml'",
    ),
    Record(
        "MLflow's client of deployments has another address",
        r"No plugin found for managing model deployments to",
        "`get_deploy_client` was given no address of Azure Machine Learning, or azureml-mlflow is not installed.",
        "azmlflow run -- python track.py    (with get_deploy_client(mlflow.get_tracking_uri()))",
        "https://github.com/mlflow/mlflow/issues/5588",
        'MlflowException: No plugin found for managing model deployments to "http".',
        of_check("packages"),
    ),
    Record(
        "SDK v1 does not know MLflow",
        r"'Workspace' object has no attribute 'get_mlflow_tracking_uri'",
        "azureml-core gives a workspace that method only where azureml-mlflow is installed.",
        _PLUGIN,
        "https://github.com/MicrosoftDocs/azure-docs/issues/41428",
        "AttributeError: 'Workspace' object has no attribute 'get_mlflow_tracking_uri'",
        of_check("packages"),
    ),
    Record(
        "MLflow and its plugin do not fit",
        r"azureml_artifacts_builder\(\) (?:takes|got)|AzureML\w*(?:Store|Repository)\.__init__\(\)|"
        r"(?:cannot import name|No module named) '?mlflow\.|azureml[._]mlflow.{0,80}(?:ImportError|AttributeError)|"
        r"ImportError.{0,200}azureml[._]mlflow|No module named 'azureml(?!\.ai)",
        "The installed MLflow and azureml-mlflow are of versions that do not go together, or one is missing.",
        _PLUGIN,
        "https://github.com/Azure/azure-sdk-for-python/issues/43661",
        "TypeError: azureml_artifacts_builder() got an unexpected keyword argument 'tracking_uri'",
        of_check("packages"),
    ),
    Record(
        "use_conda is gone",
        r"run\(\) got an unexpected keyword argument 'use_conda'",
        "MLflow 2 and later have no argument `use_conda`; Microsoft's page still names it.",
        'mlflow.projects.run(..., backend="azureml", backend_config={{"USE_CONDA": False}})',
        _PROJECTS,
        "TypeError: run() got an unexpected keyword argument 'use_conda'",
        seen="mlflow",
    ),
    Record(
        "MLflow Projects do not run on a cluster",
        r"'Project' object has no attribute 'conda_env_path'",
        "azureml-mlflow cannot submit a project to a cluster with an MLflow newer than 1.24: it fails before any "
        "request.",
        "submit the script as a job: azmlflow run -- python examples/remote_run_v2.py",
        _PROJECTS,
        "AttributeError: 'Project' object has no attribute 'conda_env_path'",
    ),
    Record(
        "MLflow tracks into a folder of its own",
        r"Could not find experiment with ID '?(?P<id>\w+)",
        "MLflow looked in its own files, not in a workspace: MLFLOW_TRACKING_URI was not set where it ran.",
        "azmlflow run -- python track.py",
        "https://github.com/mlflow/mlflow/blob/master/mlflow/store/tracking/file_store.py",
        "mlflow.exceptions.MlflowException: Could not find experiment with ID 0",
    ),
    Record(
        "A job's script chooses another experiment",
        r"active run ID does not match environment run ID",
        "In a job the run is there already, and is the job's: the script chose another experiment, or another run.",
        "leave mlflow.set_experiment and the run's id out of the job's script: mlflow.start_run() is the job's run",
        "https://github.com/mlflow/mlflow/issues/7675",
        "MlflowException: Cannot start run with ID 123 because active run ID does not match environment run ID.",
    ),
    Record(
        "A run is open already",
        r"Run with UUID (?P<run>\S+) is already active",
        "The program began a run while its run {run} was still open.",
        "with mlflow.start_run(): ...    (ends it; one below another takes nested=True)",
        "https://mlflow.org/docs/latest/ml/tracking/tracking-api/",
        "Exception: Run with UUID 0a1b is already active. To start a new run, first end the current run with "
        "mlflow.end_run().",
    ),
    Record(
        "An experiment of this name is there",
        r"RESOURCE_ALREADY_EXISTS.{0,40}experiment|Experiment\(name=\S+\) already exists",
        "mlflow.create_experiment makes one, and refuses a name that is taken.",
        "mlflow.set_experiment(NAME)    (takes the one that is there, or makes it)",
        _RUNS,
        "MlflowException: RESOURCE_ALREADY_EXISTS: Experiment(name=first) already exists.",
    ),
    Record(
        "Experiments are not renamed",
        r"Renaming experiments is not supported|An experiment cannot be renamed",
        "Azure Machine Learning does not rename experiments.",
        "log into a new experiment",
        _RUNS,
        "INVALID_PARAMETER_VALUE: Renaming experiments is not supported in Azure Machine Learning.",
        seen="azureml-mlflow",
    ),
    Record(
        "Runs are not ordered by metrics",
        r"Order by '?(?P<order>metrics\.[\w. ]+)'? is not supported|Ordering by metrics.{0,60}not supported",
        "Azure Machine Learning orders runs by their attributes alone, not by metrics, parameters or tags.",
        'sort the table: mlflow.search_runs(...).sort_values("metrics.NAME")',
        "https://learn.microsoft.com/azure/machine-learning/how-to-track-experiments-mlflow",
        "INVALID_PARAMETER_VALUE: Order by 'metrics.a desc' is not supported: runs are ordered by their attributes "
        "only.",
        seen="azureml-mlflow",
    ),
    Record(
        "A model is not deleted whole",
        r"Deleting a whole model is not supported",
        "Azure Machine Learning deletes versions, not models: a model goes with its last version.",
        'MlflowClient().delete_model_version("NAME", VERSION)    (for each of its versions)',
        _MODELS,
        "INVALID_PARAMETER_VALUE: Deleting a whole model is not supported in Azure Machine Learning. Delete all its "
        "versions instead.",
        seen="azureml-mlflow",
    ),
    Record(
        "A limit of a run is reached",
        r"over the size limit\. FieldName=(?P<field>\w+), Limit=(?P<limit>\d+), Size=(?P<size>\d+)",
        "A run has at most {limit} of {field}, and this would be {size}.",
        'log the many as one: mlflow.log_dict(parameters, "parameters.json")',
        _LIMITS,
        "INVALID_PARAMETER_VALUE: A field of the entity is over the size limit. FieldName=Parameters, Limit=200, "
        "Size=205. See https://aka.ms/azure-machine-learning-limits for service limits documentation.",
        seen="azureml-mlflow",
    ),
    Record(
        "A parameter is logged twice",
        r"Changing param values is not allowed",
        "A parameter of a run has one value, for good; the program logs another for the same name.",
        "start a run for each: with mlflow.start_run(nested=True): ...",
        _RUNS,
        "INVALID_PARAMETER_VALUE: Changing param values is not allowed. Param with key='p' was already logged with "
        "value='x' for run ID='17ec2529'.",
        seen="azureml-mlflow",
    ),
    Record(
        "The experiment was deleted",
        r"Cannot set a deleted experiment '?(?P<experiment>[^']{1,80})'? as the active experiment",
        "The experiment {experiment} was deleted, and its name stays taken.",
        "restore it: MlflowClient().restore_experiment(ID), or use another name",
        _RUNS,
        "MlflowException: Cannot set a deleted experiment 'gone' as the active experiment. You can restore the "
        "experiment, or permanently delete the experiment to create a new one.",
        seen="azureml-mlflow",
    ),
    Record(
        "A run, experiment or model is not found",
        r"RESOURCE_DOES_NOT_EXIST:? (?P<what>[\w .=-]{1,120})|No Experiment with id=\d+ exists|"
        r"Run with id=[\w-]{1,80} not found",
        "This workspace has no such thing: it is in another workspace, or was deleted.",
        "azmlflow status    (is it the workspace that you mean?)",
        _RUNS,
        "RestException: RESOURCE_DOES_NOT_EXIST: Run with id=00000000000000000000000000000000 not found",
        of_check("config.json"),
        "azureml-mlflow",
    ),
    Record(
        "An artifact is not found",
        r"File with path (?P<path>\S+) was not found, available files include",
        "The run has no artifact {path}.",
        'mlflow.artifacts.list_artifacts(run_id="RUN")    (what it has)',
        _RUNS,
        "File with path no/such was not found, available files include: .",
        seen="azureml-mlflow",
    ),
)
