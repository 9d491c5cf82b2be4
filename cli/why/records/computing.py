"""Jobs, their environments, and the computes that they run on."""

from __future__ import annotations

from azmlflow.cli.why.questions import things
from azmlflow.cli.why.questions.doctors import of_check
from azmlflow.cli.why.record import Record

_ML = "https://learn.microsoft.com/azure/machine-learning"
_ENVIRONMENTS = f"{_ML}/how-to-troubleshoot-environments"
_CLUSTER = f"{_ML}/how-to-create-attach-compute-cluster"
_JOBS = f"{_ML}/how-to-train-model"

RECORDS = (
    Record(
        "The compute is not there",
        r"Compute target '?(?P<compute>[\w-]+)'? was not found|ComputeTarget ?NotFound|"
        r"ComputeTargetNotFound: Compute Target with name (?P<name>[\w-]+)",
        "The job asks for a compute that the workspace has not.",
        "azmlflow get clusters    (name one of these, or set one up: azmlflow set 'clusters[0].name' NAME)",
        _CLUSTER,
        "(UserError) Compute target 'gpu' was not found in the workspace. Target: computeId",
        things.compute,
        "azure-mgmt-resource, azure-ai-ml",
    ),
    Record(
        "The environment is not there",
        r"environment '(?P<environment>[\w.:@-]+)' was not found",
        "The workspace has no environment {environment}.",
        "create it first, or name a curated one, such as AzureML-sklearn-1.5@latest",
        f"{_ML}/how-to-manage-environments-v2",
        "(UserError) The environment 'nope:1' was not found in the workspace: create it, then submit again.",
        seen="azure-mgmt-resource, azure-ai-ml",
    ),
    Record(
        "A job of this name is there",
        r"A job with this name already exists",
        "Job names are never used twice; of a job that is there, only description, tags and names change.",
        "leave the name out: the client makes one",
        _JOBS,
        "(UserError) A job with this name already exists. If you are trying to create a new job, use a different name.",
        seen="azure-mgmt-resource, azure-ai-ml",
    ),
    Record(
        "A package is not in the job's environment",
        r"(?:^|[\s:])ModuleNotFoundError: No module named '(?P<module>(?!azureml\.ai)[\w.]+)'",
        "Nothing called {module} is installed where the program ran: in a job that is its environment, not yours.",
        "add {module} to the environment's conda file or requirements; where it ran here: pip install {module}",
        _ENVIRONMENTS,
        "User program failed with ModuleNotFoundError: No module named 'lightgbm'",
        seen="python",
    ),
    Record(
        "The packages of an environment contradict each other",
        r"ResolutionImpossible|ResolvePackageNotFound|conflicting dependencies|PackagesNotFoundError|"
        r"UnsatisfiableError",
        "The environment asks for versions that do not go together, or that no index has.",
        "pip install --dry-run -r requirements.txt    (names the two that conflict; drop one pin)",
        _ENVIRONMENTS,
        "ERROR: ResolutionImpossible: for help visit https://pip.pypa.io/en/latest/topics/dependency-resolution/",
    ),
    Record(
        "The image of an environment is not built",
        r"ImageBuildFailure|Image build failed|Failed to build (?:the )?(?:docker )?image|ACR build failed",
        "Azure could not build the environment's image; the build log says at which line.",
        "read 20_image_build_log.txt of the job (of a private registry: set the workspace's image build compute)",
        _ENVIRONMENTS,
        "(ImageBuildFailure) Image build failed. For more details, check log file.",
    ),
    Record(
        "The job's own command failed",
        r"The job's command exited with code (?P<code>\d+)|Execution failed\. User process .{0,60}exited with status "
        r"code (?P<status>\d+)|ActivityFailedException|User program failed with (?P<error>\w+)",
        "The program itself ended with an error: Azure did its part.",
        "read user_logs/std_log.txt of the job: azmlflow ui    (then ask about the error in it: azmlflow why)",
        _JOBS,
        'JobException: {"error": {"code": "UserError", "message": "The job\'s command exited with code 3; '
        'user_logs/std_log.txt has its output."}}',
    ),
    Record(
        "The region has no such VM size",
        r"(?:specified value (?P<size>\w+) for property [\w.]*VMSize is not (?:a )?supported)|"
        r"requested (?:VM )?size (?P<vm>\w+) is not available|SkuNotAvailable",
        "The region does not offer the VM size, or not to this subscription.",
        "azmlflow doctor    (names one that is there)",
        "https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-sku-not-available",
        "(InvalidPropertyValue) The specified value Standard_Nope for property Cluster.Properties.VMSize is not a "
        "supported VM size.",
        of_check("sizes"),
        "azure-mgmt-resource, azure-ai-ml",
    ),
    Record(
        "The quota is used up",
        r"ClusterCoreQuotaReached|OutOfQuota|QuotaExceeded|Not enough quota available for (?P<size>\w+)|"
        r"exceeding (?:approved|quota)[\w ]* quota|results in exceeding",
        "The subscription has no more vCPUs of this VM family in the region.",
        "ask for more at https://ml.azure.com/quota, or take a smaller size or fewer nodes",
        f"{_ML}/how-to-manage-quotas",
        "(OutOfQuota) Not enough quota available for Standard_DS3_v2 in SubscriptionId s1.",
        of_check("quota"),
    ),
    Record(
        "The name of a compute is not valid",
        r"InvalidComputeName|compute name '(?P<name>[\w-]+)' is (?:not valid|invalid)",
        "A compute's name has 3 to 24 letters, digits and hyphens, begins with a letter, and does not end with a "
        "hyphen and digits: `gpu-1` is none, `gpu1` is one.",
        "take another name, such as one without a hyphen",
        _CLUSTER,
        "(InvalidComputeName) The compute name 'gpu-1' is not valid: it has 3 to 24 letters, digits or '-'.",
        seen="azure-mgmt-resource, azure-ai-ml",
    ),
    Record(
        "What is asked for is not emulated",
        r"EndpointNotFound|No API found for '(?P<method>[A-Z]+) (?P<path>/[a-z]+)|"
        r"[Tt]he embedded Azure does not emulate",
        "The embedded Azure has no such service, or no such resource; it says so rather than pretend.",
        "look at docs/embedded.md: what is emulated, and what is not",
        "https://learn.microsoft.com/azure/machine-learning/reference-migrate-sdk-v1-mlflow-tracking",
        "ServiceException: Code: 404 Message: (EndpointNotFound) No API found for 'GET "
        "/credential/v2.0/subscriptions/s/secrets/x'.",
        seen="azureml-core",
    ),
)
