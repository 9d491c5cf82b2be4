"""Estates that tests share: one bare, one standing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.estate import Estate, make_estate


@pytest.fixture(scope="module")
def bare_estate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    """A folder in which nothing stands yet; its embedded Azure is stopped afterwards."""
    estate = make_estate(tmp_path_factory.mktemp("estate") / "project")
    yield estate
    estate.azmlflow("local", "stop")


@pytest.fixture(scope="session")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    """A standing workspace that tests of tracking and access share."""
    estate = make_estate(tmp_path_factory.mktemp("shared") / "project")
    try:
        estate.azmlflow("up", "--yes")
        yield estate
    finally:
        estate.azmlflow("local", "stop")
