"""Where things of a job lie: its log among its artifacts, its named outputs in the workspace's default datastore."""

from __future__ import annotations

LOG = "user_logs/std_log.txt"
# Folders of the working folder that become artifacts of the same name (Microsoft, "Save experiment logs and outputs").
UPLOADED = ("outputs", "logs")
CODE = "code"  # the working folder, in the job's folder
INPUTS, OUTPUTS = "inputs", "named-outputs"  # folders of a job's folder, below which each input and output has its own


def output_path(job: str, name: str) -> str:
    """The path of a named output in `workspaceblobstore`, as Azure ML has it by default."""
    return f"azureml/{job}/{name}"
