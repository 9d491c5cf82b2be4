"""The discovery document: under which addresses a region's services answer.

azureml-core asks for it at the workspace's `discoveryUrl`, without a token, and fails on a missing key.
"""

from __future__ import annotations

SERVICES = ("api", "experimentation", "history", "hyperdrive", "labeling", "modelmanagement", "pipelines")
STUDIO = "https://ml.azure.com"


def discovery(host: str) -> dict[str, str]:
    """The document, for the host name at which it was asked."""
    return {**dict.fromkeys(SERVICES, f"https://{host}"), "studio": STUDIO}
