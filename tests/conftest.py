"""Options for all tests, and an end for one that hangs."""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib.util
import os
import signal
import sys
import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from types import ModuleType
from typing import cast

import pytest

HANGS_AFTER = 120  # seconds; far more than any takes that is not end to end


# Ten thousand tests are a great many objects, and none of them is garbage: a quarter of their collection was looking.
gc.set_threshold(50_000)

# httpx imports it at each request to an application in process, and what is not installed is looked for each time: a
# tenth of such a request.
if importlib.util.find_spec("sniffio") is None:
    sys.modules["sniffio"] = cast(ModuleType, None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", action="store_true", help="take the pictures of docs/ anew, where a test has one")
    parser.addoption("--pictures", metavar="FOLDER", help="keep a picture of each page that a test looks at")
    parser.addoption("--renew", action="store_true", help="write files made from the code anew, where a test holds one")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Have each of several workers begin elsewhere among the modules: where pytest has kept none that it has rewritten,
    a worker then rewrites a part of them, and finds the rest rewritten by the others."""
    worker, count = os.environ.get("PYTEST_XDIST_WORKER"), int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if worker is None or sys.dont_write_bytecode:
        return
    root, files = session.config.rootpath, list[Path]()
    for told in session.config.args:
        place = root / told.partition("::")[0]
        files += sorted(place.rglob("test_*.py")) if place.is_dir() else [place]
    first = len(files) * int(worker.removeprefix("gw")) // count
    for path in [*files[first:], *files[:first]]:
        # What cannot be imported, or skips itself, says so where it is collected.
        with contextlib.suppress(Exception, pytest.skip.Exception):
            importlib.import_module(".".join(path.relative_to(root).with_suffix("").parts))


def pytest_collection_finish(session: pytest.Session) -> None:
    """What is collected stays until the end.

    And what httpx and Pulumi do again and again for nobody's use is done once or not: to take an address apart is a
    twentieth of a request to an embedded Azure in process, and to note the lines of code that declared a resource is a
    twelfth of a program's rehearsal.
    """
    if urls := sys.modules.get("httpx._urls"):
        vars(urls)["urlparse"] = functools.lru_cache(4096)(urls.urlparse)
    if resource := sys.modules.get("pulumi.runtime.resource"):
        vars(resource)["_get_stack_trace"] = resource.source_pb2.StackTrace
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def usual(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What tests in this process would leave where the machine's temporary files are goes with their own."""
    from azmlflow.localazure.machine import folder

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folder, "USUAL", str(tmp_path_factory.mktemp("usual")))
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that hangs, where it hangs. Those end to end take minutes, and bound each command that they run."""
    if item.get_closest_marker("e2e") or threading.current_thread() is not threading.main_thread():
        return (yield)

    def over(*_: object) -> None:
        pytest.fail(f"it hangs: {item.nodeid} is not over after {HANGS_AFTER} s")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, HANGS_AFTER)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
