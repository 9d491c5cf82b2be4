"""A Resource Manager whose answers are prepared, and what was asked of it."""

from __future__ import annotations

from typing import Any

from azmlflow.cli.azure.resource_manager import ResourceManager
from tests.cli.wire import TOKEN, Credential, Response, Wire

SUBSCRIPTION = "/subscriptions/00000000-0000-4000-8000-00000000000a"
GROUP = f"{SUBSCRIPTION}/resourceGroups/rg"
WORKSPACE = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/ws"
VAULTS = f"{SUBSCRIPTION}/providers/Microsoft.KeyVault/deletedVaults"


class Asked:
    """Gives prepared answers in turn, the last one again and again, and writes down what was asked.

    Its clock moves when somebody sleeps.
    """

    def __init__(self, *answers: Response | Exception, longest: float = 100) -> None:
        self._answers = list(answers)
        self.requests: list[Any] = []
        self.wire = Wire(self._answer)
        self.arm = ResourceManager(self.wire, Credential(), longest, lambda: sum(self.wire.slept))

    def _answer(self, request: Any) -> Response:
        self.requests.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def lines(self) -> list[str]:
        """Methods and URLs, in their order."""
        return [f"{request.method} {request.url}" for request in self.requests]

    @property
    def slept(self) -> list[float]:
        """The pauses."""
        return self.wire.slept

    def tokens(self) -> set[str]:
        """The addresses that got the token."""
        with_token = [one for one in self.requests if TOKEN in one.headers.get("Authorization", "")]
        return {one.url.split("?")[0] for one in with_token}
