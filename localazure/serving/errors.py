"""Why a deployment does not serve."""

from __future__ import annotations

from azmlflow.localazure.core.errors import AzureError

_LINES = 15


class NotServing(Exception):
    """A deployment cannot be served; the message is for its operation.

    Args:
        code: Azure's (Microsoft, "Troubleshoot online endpoint deployment and scoring").
        message: a sentence.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    def refusal(self, log: str) -> AzureError:
        """What its operation is told.

        Args:
            log: what its process has said.
        """
        last = "\n".join([line for line in log.splitlines() if line.strip()][-_LINES:])
        told = f"{self}\nThe last lines of the deployment's log:\n{last}" if last else str(self)
        return AzureError(400, self.code, told)
