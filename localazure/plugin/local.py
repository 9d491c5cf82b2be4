"""The provider of a local stack: made from the environment that `azmlflow` gives to programs of such a stack."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from azmlflow.localazure.plugin.log import EngineLog
from azmlflow.localazure.plugin.provider import AzureProvider

if TYPE_CHECKING:
    from azmlflow.localazure.plugin.client.client import Arm

MARKER = "AZMLFLOW_CLOUD"
VERSION = "3.29.0"  # of the azure-native that this stands in for


class NotLocal(Exception):
    """The environment is not a local stack's."""


def provider(environ: Mapping[str, str], log: EngineLog) -> AzureProvider:
    """A provider that speaks to the embedded Azure alone, and trusts its certificate authority and no other.

    Args:
        environ: the environment.
        log: shows what there is to tell.

    Raises:
        NotLocal: it is not that of a local stack.
    """
    marker = environ.get(MARKER, "")
    if not marker.startswith("local:"):
        raise NotLocal(
            "this azure-native plugin is run by Pulumi's engine on a local stack only, never against the real Azure: "
            f'{MARKER} is not "local:<folder>"; use `azmlflow up`, or `eval "$(azmlflow env --engine)"` and `pulumi up`'
        )
    authority, stopped = Path(marker.removeprefix("local:")) / "ca.pem", threading.Event()

    def connect() -> Arm:
        # 0.4 s of imports that the start need not wait for, and that overlap the engine's own work.
        from azmlflow.localazure.plugin.client.client import Arm
        from azmlflow.localazure.plugin.client.identity import credential
        from azmlflow.localazure.plugin.client.transport import StoppableTransport

        transport = StoppableTransport(stopped, verify=str(authority))
        correlation = str(uuid.uuid4())
        return Arm(credential(environ, transport), transport, correlation_id=correlation, on_wait=log.wait)

    return AzureProvider(connect, stopped.set, environ.get("ARM_SUBSCRIPTION_ID", ""), log.warn)
