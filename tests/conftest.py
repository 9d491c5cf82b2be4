"""Options for all tests."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--live", action="store_true", help="also run what needs a real Azure subscription (costs money)")
    parser.addoption("--screenshots", action="store_true", help="take the pictures of docs/ anew, where a test has one")
    parser.addoption("--renew", action="store_true", help="write files made from the code anew, where a test holds one")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the live tests unless asked for."""
    if config.getoption("--live"):
        return
    live = [item for item in items if item.get_closest_marker("live")]
    config.hook.pytest_deselected(items=live)
    items[:] = [item for item in items if item not in live]
