"""The plugin inside the process that starts the engine: nothing is started, and nothing imported twice.

The engine attaches to it, instead of starting one, by PULUMI_DEBUG_PROVIDERS, which names a package and a port of
this machine (Pulumi's `pkg/resource/plugin/provider_plugin.go`, `GetProviderAttachPort`). For one program's engine at
a time, whose providers of azure-native are all configured alike: there is one client of Azure.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future

from azmlflow.localazure.plugin.local import VERSION, provider
from azmlflow.localazure.plugin.log import EngineLog
from azmlflow.localazure.plugin.server import Servicer, serving

_VARIABLE = "PULUMI_DEBUG_PROVIDERS"
_STARTED_WITHIN = 60.0  # seconds, on a machine that has other things to do


@contextlib.contextmanager
def attached(environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Serve an engine for as long as the context is open; yields the variables by which it finds us.

    Args:
        environ: of the local stack.

    Raises:
        NotLocal: that is not its environment.
    """
    log = EngineLog()
    made = provider(environ, log)
    began, ended = Future[tuple[int, asyncio.AbstractEventLoop]](), asyncio.Event()

    async def serve() -> None:
        async with serving(Servicer(VERSION, made, on_attach=log.attach)) as port:
            began.set_result((port, asyncio.get_running_loop()))
            await ended.wait()

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as fault:
            if began.done():
                raise
            began.set_exception(fault)

    thread = threading.Thread(target=run, name="azure-native", daemon=True)
    thread.start()
    port, loop = began.result(_STARTED_WITHIN)
    try:
        yield {_VARIABLE: f"azure-native:{port}"}
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
