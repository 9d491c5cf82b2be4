"""Estates that tests share: one bare, one standing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest
from playwright.sync_api import Page

from azmlflow.rbac.roles import PERSONAS
from tests.e2e.estate import CHECKOUT, Estate, make_estate
from tests.e2e.people import add_users, declare

Shoot = Callable[[Page, str], None]


@pytest.fixture
def shoot(request: pytest.FixtureRequest) -> Shoot:
    """Takes a picture into docs/ where `--screenshots` asks for it."""

    def take(page: Page, name: str) -> None:
        if request.config.getoption("--screenshots"):
            page.screenshot(path=CHECKOUT / "docs" / f"{name}.png")

    return take


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


@pytest.fixture(scope="session")
def holders(estate: Estate) -> Mapping[str, str]:
    """A user for each persona of the shared workspace, and one called nobody: persona -> UPN."""
    names = {each.name: f"{each.name}@roles.test" for each in PERSONAS}
    ids = add_users(estate, (*names.values(), "nobody@roles.test"))
    declare(estate, {upn: persona for persona, upn in names.items()}, ids)
    return {**names, "nobody": "nobody@roles.test"}
