"""A real browser for tests: Chromium found on PATH, driven by Playwright."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")


def found() -> str | None:
    """Where Chromium is; None where there is none on PATH, but not in CI."""
    path = next((path for name in _NAMES if (path := shutil.which(name))), None)
    assert path or os.environ.get("CI") != "true", "no Chromium on PATH: in CI it has to be installed (.ci/run)"
    return path


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """The browser; without a Chromium on PATH the test is skipped, but not in CI."""
    path = found()
    if path is None:
        pytest.skip(f"no Chromium on PATH ({', '.join(_NAMES)})")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()
