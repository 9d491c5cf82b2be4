"""A real browser for tests: Chromium found on PATH, driven by Playwright."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """The browser; without a Chromium on PATH the test is skipped, but not in CI."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next((found for name in names if (found := shutil.which(name))), None)
    if path is None:
        assert os.environ.get("CI") != "true", "no Chromium on PATH: in CI it has to be installed (.ci/run)"
        pytest.skip(f"no Chromium on PATH ({', '.join(names)})")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()
