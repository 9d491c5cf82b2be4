"""`python -m azmlflow.localazure.plugin ENGINE`: what Pulumi's engine runs as its azure-native plugin.

It speaks to the embedded Azure only: it refuses to start without the environment that `azmlflow` gives to programs
of a local stack, and trusts that stack's own certificate authority and no other.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from azmlflow.localazure.plugin.log import EngineLog
from azmlflow.localazure.plugin.provider import AzureProvider
from azmlflow.localazure.plugin.server import serve

if TYPE_CHECKING:
    from azmlflow.localazure.plugin.client.client import Arm

MARKER = "AZMLFLOW_CLOUD"
VERSION = "3.29.0"  # of the azure-native that this stands in for


def main() -> None:
    """Serve the engine whose address is the last argument, until it is done with us."""
    parent, marker = os.getppid(), os.environ.get(MARKER, "")
    if not marker.startswith("local:") or len(sys.argv) < 2:
        sys.exit(
            "this azure-native plugin is run by Pulumi's engine on a local stack only, never against the real Azure: "
            f'{MARKER} is not "local:<folder>"; use `azmlflow up`, or `eval "$(azmlflow env --engine)"` and `pulumi up`'
        )
    # Whatever reaches stderr is shown to the user by the engine; libraries' warnings may repeat URLs with secrets.
    logging.getLogger().addHandler(logging.NullHandler())
    authority, stopped = Path(marker.removeprefix("local:")) / "ca.pem", threading.Event()

    def connect() -> Arm:
        # 0.4 s of imports that the start need not wait for, and that overlap the engine's own work.
        from azmlflow.localazure.plugin.client.client import Arm
        from azmlflow.localazure.plugin.client.identity import credential
        from azmlflow.localazure.plugin.client.transport import StoppableTransport

        transport = StoppableTransport(stopped, verify=str(authority))
        correlation = str(uuid.uuid4())
        return Arm(credential(os.environ, transport), transport, correlation_id=correlation, on_wait=log.wait)

    subscription, log = os.environ.get("ARM_SUBSCRIPTION_ID", ""), EngineLog(sys.argv[-1])
    provider = AzureProvider(connect, stopped.set, subscription, log.warn)
    asyncio.run(serve(provider, VERSION, sys.argv[-1], parent))
    os._exit(0)  # a request under way cannot be interrupted, and its thread would hold the process up


if __name__ == "__main__":
    main()
