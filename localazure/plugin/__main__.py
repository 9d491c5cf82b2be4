"""`python -m azmlflow.localazure.plugin ENGINE`: what Pulumi's engine runs as its azure-native plugin.

It speaks to the embedded Azure only: it refuses to start without the environment that `azmlflow` gives to programs
of a local stack, and trusts that stack's own certificate authority and no other.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys

from azmlflow.localazure.plugin.local import VERSION, NotLocal, provider
from azmlflow.localazure.plugin.log import EngineLog
from azmlflow.localazure.plugin.server import serve


def main() -> None:
    """Serve the engine whose address is the last argument, until it is done with us."""
    parent, engine = os.getppid(), sys.argv[-1] if len(sys.argv) > 1 else None
    # Whatever reaches stderr is shown to the user by the engine; libraries' warnings may repeat URLs with secrets.
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        made = provider(os.environ, EngineLog(engine))
    except NotLocal as fault:
        sys.exit(str(fault))
    if engine is None:
        sys.exit("this azure-native plugin is run by Pulumi's engine, which tells it its address")
    asyncio.run(serve(made, VERSION, engine, parent))


if __name__ == "__main__":
    main()
