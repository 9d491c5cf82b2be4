"""The page of `azmlflow access` in a real browser: Chromium, driven by Playwright."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks.tenant import SCOPE, tenant
from playwright.sync_api import Page

from azmlflow.rbac.facts import Facts
from azmlflow.rbac.records import RoleAssignment
from azmlflow.rbac.report import access_html
from azmlflow.rbac.report.access import COLUMNS, WhoIsWho, matrix
from azmlflow.rbac.report.log import Entry, Log
from azmlflow.rbac.roles import built_in_role
from tests.browser import chromium
from tests.cli.desk import SUBSCRIPTION, WORKSPACE_ID

NAMES = ("alice@local.test", "bob@local.test", "data-scientists", "<img src=x onerror=document.title='hacked'>")
ROLES = ("AzureML Data Scientist", "Reader", "Owner", "Contributor")
SUMMARY = {0: "User", 1: "User", 2: "Group", 3: "ServicePrincipal"}


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
    people = WhoIsWho({who: (SUMMARY[number], NAMES[number]) for number, who in enumerate(ids)})
    path = tmp_path_factory.mktemp("page") / "access.html"
    given = [
        Entry(
            "2026-11-02T09:30:00+00:00", "bob@local.test", name, "Reader", WORKSPACE_ID, "", "", "", True, f"/a/{name}"
        )
        for name in NAMES[1:]
    ]
    log = Log(tuple(given), None)
    path.write_text(access_html.page(matrix(facts, WORKSPACE_ID, people), "stack local", given=log))
    return path


@pytest.fixture(scope="module")
def page(document: Path) -> Iterator[Page]:
    """The page, open."""
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1000, "height": 560})
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(document.as_uri())
        yield page
        assert asked == [document.as_uri()], "the page fetched something"


def shown(page: Page) -> int:
    return page.locator("#matrix tbody tr:visible").count()


def test_a_search_leaves_the_rows_that_match(page: Page) -> None:
    assert shown(page) == len(NAMES)
    for words, left in (("alice", 1), ("LOCAL.test", 2), ("user contributor", 0), ("group", 1), ("contributor", 1)):
        page.fill("#search", words)
        assert shown(page) == left, words
        assert page.inner_text("#count") == f"{left} of {len(NAMES)}"
    page.fill("#search", "scientists")
    assert page.locator("#log tbody tr:visible").count() == 1, "the log is searched too"
    page.fill("#search", "")
    assert shown(page) == len(NAMES)


def test_a_cell_tells_its_reason_and_a_row_its_note(page: Page) -> None:
    assert page.locator("#matrix tbody tr:first-child td").count() == len(COLUMNS)
    first = page.locator("td.y").first
    first.hover()
    told = str(first.get_attribute("title"))
    assert told.startswith("allowed: Role 'AzureML Data Scientist', assigned at")
    first.click()
    assert page.inner_text("#why") == f"alice@local.test: {told}"
    doubtful = page.locator("#matrix tbody tr", has_text="bob@local.test").locator("td.q").first
    doubtful.hover()
    told = str(doubtful.get_attribute("title"))
    assert told.startswith("unknown: Microsoft.MachineLearningServices/workspaces/experiments/write: Role 'Owner'")
    assert page.locator("small.note", has_text="needs GroupMember.Read.All").count() == 1


def test_without_its_script_the_page_leads_from_each_cell_to_its_reason(document: Path) -> None:
    text = document.read_text()
    reasons = re.findall(r"<li(?: data-role=\"[^\"]*\")?>(.*)", text.partition('id="reasons"')[2].partition("</ol>")[0])
    marks = re.findall(r"<td class=(.)>.<i>(\d+)([a-z]*)</i>", text)
    assert len(marks) == len(NAMES) * len(COLUMNS)
    assert {int(number) for _, number, _ in marks} == set(range(1, len(reasons) + 1)), "each reason is told, once"
    assert len(set(reasons)) == len(reasons)
    assert all(bool(letter) == (sign != "y") for sign, _, letter in marks), "what is not allowed names its action"


def test_a_large_tenant_is_a_page_that_can_be_mailed() -> None:
    facts = tenant(4000)
    table = matrix(facts, SCOPE, WhoIsWho({}, readable=False))
    text = access_html.page(table, "stack local")
    assert len(table.rows) == 1100
    assert len(text.encode()) < 1.5e6
    assert len(re.findall("<td class=", text)) == len(table.rows) * len(COLUMNS)


@pytest.mark.parametrize(("number", "letters"), [(0, "a"), (25, "z"), (26, "aa"), (51, "az"), (52, "ba"), (702, "aaa")])
def test_letters_count_as_the_list_of_the_browser_does(number: int, letters: str) -> None:
    assert access_html.letters(number) == letters


def test_a_name_is_never_code(page: Page) -> None:
    assert page.locator("img").count() == 0
    assert page.title() == "Access on stack local"
    assert page.locator("th", has_text="<img src=x").count() == 1


def test_on_paper_there_is_no_search_box_and_the_head_repeats(page: Page) -> None:
    page.emulate_media(media="print")
    try:
        assert not page.locator("form").is_visible()
        assert page.eval_on_selector("#log thead", "head => getComputedStyle(head).display") == "table-header-group"
        assert page.pdf().startswith(b"%PDF")
    finally:
        page.emulate_media(media="screen")
    assert page.locator("form").is_visible()
