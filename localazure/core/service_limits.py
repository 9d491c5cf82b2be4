"""The sizes that Azure Machine Learning takes, and its words for what is larger.

Microsoft, "Service limits in Azure Machine Learning" (the tables Experiments, Runs, Metrics, Artifacts), and for
parameters, which that page leaves out, Azure/azure-sdk-for-python#35685: "FieldName=Parameters, Limit=200, Size=210".
The message is the one of that issue and of mlflow/mlflow#11462 ("FieldName=MetricV2Dto.Value/Count, Limit=250"); the
other fields' names are inferred from these and from Azure/MachineLearningNotebooks#1605 ("RunDto.Properties.Value/
Length"). The standard library alone: MLflow's own process reads this too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

OVER = "A field of the entity is over the size limit."


class OverLimit(ValueError):
    """Something is larger than Azure Machine Learning takes; the message is the service's."""


@dataclass(frozen=True)
class Limit:
    """How large a field may be.

    Attributes:
        field: its name in the service's message.
        most: characters, or entries.
    """

    field: str
    most: int

    def check(self, size: int) -> None:
        """Raise `OverLimit` for a larger size."""
        if size > self.most:
            raise OverLimit(
                f"{OVER} FieldName={self.field}, Limit={self.most}, Size={size}. "
                "See https://aka.ms/azure-machine-learning-limits for service limits documentation."
            )


@dataclass(frozen=True)
class Pairs:
    """How many entries a mapping may have, and how long their names and values may be."""

    count: Limit
    name: Limit
    value: Limit

    def check(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Raise `OverLimit` for a name or value that is too long."""
        for name, value in pairs:
            self.name.check(len(name))
            self.value.check(len(value))


EXPERIMENT_NAME = Limit("ExperimentDto.Name/Length", 256)
EXPERIMENT_DESCRIPTION = Limit("ExperimentDto.Description/Length", 5000)
EXPERIMENT_TAGS = Pairs(
    Limit("ExperimentDto.Tags/Count", 50),
    Limit("ExperimentDto.Tags.Key/Length", 250),
    Limit("ExperimentDto.Tags.Value/Length", 1000),
)
RUN_ID = Limit("RunDto.RunId/Length", 256)
RUN_NAME = Limit("RunDto.DisplayName/Length", 256)
RUN_DESCRIPTION = Limit("RunDto.Description/Length", 5000)
RUN_TAGS = Pairs(
    Limit("RunDto.Tags/Count", 50), Limit("RunDto.Tags.Key/Length", 100), Limit("RunDto.Tags.Value/Length", 1000)
)
RUN_PROPERTIES = Pairs(
    Limit("RunDto.Properties/Count", 50),
    Limit("RunDto.Properties.Key/Length", 100),
    Limit("RunDto.Properties.Value/Length", 1000),
)
ERROR_MESSAGE = Limit("RunDto.Error.Message/Length", 3000)
PARAMETERS = Limit("Parameters", 200)
METRICS = Limit("RunDto.Metrics/Count", 50)  # names
METRIC_ROWS = Limit("MetricV2Dto.Rows/Count", 1_000_000)  # of one name
METRIC_BATCH = Limit("MetricV2Dto.Value/Count", 250)  # rows of one name, as the field says
METRIC_COLUMNS = Limit("MetricV2Dto.Columns/Count", 15)
METRIC_NAME = Limit("MetricV2Dto.Name/Length", 255)
METRIC_VALUE = Limit("MetricV2Dto.Value/Length", 255)
ARTIFACT_PATH = Limit("ArtifactDto.Path/Length", 5000)
# MLflow's tags that Azure Machine Learning has fields of their own for: they count and are measured as those.
DESCRIPTION_TAG, NAME_TAG = "mlflow.note.content", "mlflow.runName"
