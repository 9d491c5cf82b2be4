"""The aliases that the engine is told: earlier tokens that our program can have used, and no API version's."""

from __future__ import annotations

from typing import Any

from azmlflow.infra.__main__ import main
from azmlflow.infra.rehearsal import play
from tests.infra.conftest import Recorder


class Listener(Recorder):
    """Hears the aliases of each resource."""

    def __init__(self) -> None:
        super().__init__()
        self.aliases: dict[str, list[str]] = {}

    def RegisterResource(self, request: Any) -> Any:
        self.aliases[request.type] = [each.spec.type for each in request.aliases]
        return super().RegisterResource(request)


def test_no_api_versions_but_what_was_renamed() -> None:
    monitor = Listener()
    play(main, monitor, {}, project="azmlflow", stack="dev")
    assert "azure-native:machinelearningservices:Workspace" in monitor.aliases
    told = {each for aliases in monitor.aliases.values() for each in aliases}
    # pulumi_azure_native moved it from `insights` to `applicationinsights`.
    assert told == {"azure-native:insights:Component"}
