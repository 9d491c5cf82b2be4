"""The page of `azmlflow access` in a real browser: Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from azmlflow.cli import access_html
from azmlflow.rbac.access import COLUMNS, Directory, matrix
from azmlflow.rbac.evaluate import Facts, RoleAssignment
from azmlflow.rbac.roles import built_in_role
from tests.cli.desk import SUBSCRIPTION, WORKSPACE_ID

NAMES = ("alice@local.test", "bob@local.test", "data-scientists", "<img src=x onerror=document.title='hacked'>")
ROLES = ("AzureML Data Scientist", "Reader", "Owner", "Contributor")
SUMMARY = {0: "User", 1: "User", 2: "Group", 3: "ServicePrincipal"}


def find_browser() -> str | None:
    return next(
        (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
    )


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a small tenant, in which a name tries to be code and one group cannot be read."""
    ids = [f"00000000-0000-4000-8000-{number:012d}" for number in range(len(NAMES))]
    assignments = [
        RoleAssignment(f"a{number}", who, built_in_role(ROLES[number]).id, WORKSPACE_ID)
        for number, who in enumerate(ids)
    ]
    definitions = [built_in_role(role).definition() for role in ROLES]
    above = {f"/subscriptions/{SUBSCRIPTION}": ()}
    facts = Facts(assignments, definitions, management_groups=above, unread_groups=[ids[2]])
    people = Directory({who: (SUMMARY[number], NAMES[number]) for number, who in enumerate(ids)})
    path = tmp_path_factory.mktemp("page") / "access.html"
    path.write_text(access_html.page(matrix(facts, WORKSPACE_ID, people), "local"))
    return path


@pytest.fixture(scope="module")
def page(document: Path) -> Iterator[Page]:
    """The page, open; without a Chromium on PATH the tests are skipped, but not in CI."""
    browser = find_browser()
    if browser is None:
        assert os.environ.get("CI") != "true", "no Chromium on PATH: in CI it has to be installed (.ci/run)"
        pytest.skip("no Chromium on PATH (chromium, chromium-browser or google-chrome)")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = opened.new_page(viewport={"width": 1000, "height": 560})
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(document.as_uri())
        yield page
        assert asked == [document.as_uri()], "the page fetched something"
        opened.close()


def shown(page: Page) -> int:
    return page.locator("tbody tr:visible").count()


def test_a_search_leaves_the_rows_that_match(page: Page) -> None:
    assert shown(page) == len(NAMES)
    for words, left in (("alice", 1), ("LOCAL.test", 2), ("user contributor", 0), ("group", 1), ("contributor", 1)):
        page.fill("#search", words)
        assert shown(page) == left, words
        assert page.inner_text("#count") == f"{left} of {len(NAMES)}"
    page.fill("#search", "")
    assert shown(page) == len(NAMES)


def test_a_cell_tells_its_reason_and_a_row_its_note(page: Page) -> None:
    assert page.locator("tbody tr:first-child td").count() == len(COLUMNS)
    assert "Role 'AzureML Data Scientist'" in str(page.locator("td.allowed").first.get_attribute("title"))
    assert page.locator("small.note", has_text="needs GroupMember.Read.All").count() == 1


def test_a_name_is_never_code(page: Page) -> None:
    assert page.locator("img").count() == 0
    assert page.title() == "Access on stack local"
    assert page.locator("th", has_text="<img src=x").count() == 1


def test_on_paper_there_is_no_search_box_and_the_head_repeats(page: Page) -> None:
    page.emulate_media(media="print")
    try:
        assert not page.locator("form").is_visible()
        assert page.eval_on_selector("thead", "head => getComputedStyle(head).display") == "table-header-group"
        assert page.pdf().startswith(b"%PDF")
    finally:
        page.emulate_media(media="screen")
    assert page.locator("form").is_visible()
