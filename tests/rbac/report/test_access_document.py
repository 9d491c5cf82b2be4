"""The page of `azmlflow access` as HTML, read by a parser: what stands where. How it behaves: `test_access_html`."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from azmlflow.rbac.evaluate import Cause, Decision, Verdict
from azmlflow.rbac.operations import Operation
from azmlflow.rbac.report import access_html
from azmlflow.rbac.report.access import Cell, Column, Matrix, Row
from azmlflow.rbac.report.log import Entry, Log

READ, WRITE = (Operation(name, (f"m/{name}",), (), f"To {name} <things>") for name in ("read", "write"))
COLUMNS = (Column("view", READ), Column("view", WRITE), Column("r&d", READ))


def cell(verdict: Verdict, cause: Cause, reason: str, role: str | None = None, action: str = "m/read") -> Cell:
    return Cell(verdict, Decision(verdict, reason, action, "/s", cause, role=role))


TABLE = Matrix(
    "/s/<scope>",
    COLUMNS,
    (
        Row(
            "id-1",
            "User",
            "Ana <ana>",
            ("first note", "second & note"),
            (
                cell("allowed", "granted", "Role 'Owner' allows it.", "Owner"),
                cell("refused", "not-in-roles", "Role 'Reader' does not allow m/write.", action="m/write"),
                cell("unknown", "condition", "Role 'Owner' allows it.", "Guest"),
            ),
        ),
        Row(
            "id-2",
            "Unknown",
            "id-2",
            (),
            (
                cell("refused", "no-assignment", "No role assignment of id-2 reaches /s."),
                cell("refused", "not-in-roles", "Role 'Reader' does not allow m/delete.", action="m/delete"),
                cell("allowed", "granted", "Role 'Owner' allows it.", "Owner"),
            ),
        ),
    ),
)
VOID = {"meta", "input"}


class Outline(HTMLParser):
    """(tag, attributes, own text) of each element, in order; end tags that may be left out are put back."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None], str]] = []
        self._open: list[int] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs), ""))
        if tag not in VOID:
            self._open.append(len(self.found) - 1)

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            if self.found[self._open.pop()][0] == tag:
                return

    def handle_data(self, data: str) -> None:
        if self._open:
            tag, attributes, text = self.found[self._open[-1]]
            self.found[self._open[-1]] = (tag, attributes, text + data)

    def all(self, tag: str) -> list[tuple[dict[str, str | None], str]]:
        """Attributes and text of every element of a tag."""
        return [(attributes, text.strip()) for name, attributes, text in self.found if name == tag]


@pytest.fixture(scope="module")
def outline() -> Outline:
    return Outline(access_html.page(TABLE, "stack dev & co"))


def test_the_title_and_the_scope_are_said(outline: Outline) -> None:
    assert [text for _, text in (*outline.all("title"), *outline.all("h1"))] == ["Access on stack dev & co"] * 2
    granted = {TABLE.rows[0].object_id: ["tracker, until 2027-01-31"]}
    whole = Outline(access_html.page(TABLE, "stack dev & co", "As of 2026-11-26 17:00 UTC, for <dan>.", granted))
    said = " ".join(text for _, text in (*whole.all("p"), *whole.all("small")))
    assert "As of 2026-11-26 17:00 UTC, for <dan>." in said
    assert "tracker, until 2027-01-31" in said
    assert outline.all("p")[0][1] == "/s/<scope>"


def test_the_log_tells_what_stands_what_was_taken_away_and_what_nobody_knows() -> None:
    at = "/subscriptions/s/resourceGroups/rg"
    stands = Entry("2026-11-02T09:30:00+00:00", "bob", "ana", "tracker <x>", at, "2027-01-31", "", "", True, "/a/1")
    ended = Entry("", "", "ana", "Reader", at, "", "2026-11-03T10:00:00+00:00", "", False, "/a/2")
    gone = Entry("2026-11-01T08:00:00+00:00", "bob", "", "", "/", "", "", "", False, "/a/3")
    log = Log((stands, ended, gone), datetime(2026, 8, 30, tzinfo=UTC), "the rest cannot be seen")
    page = access_html.page(TABLE, "stack dev", given=log)
    body = page.partition('<table id="log">')[2].partition("</table>")[0]
    rows = [re.sub(r"<td>", "|", row) for row in re.findall(r"<tr[^>]*>(<td>.*)", body)]
    assert [re.sub(r"<[^>]+>", "", row) for row in rows] == [
        "|2026-11-02 09:30|bob|ana|tracker &lt;x&gt;|rg|2027-01-31||",
        "|unknown|unknown|ana|Reader|rg||2026-11-03 10:00|unknown",
        "|2026-11-01 08:00|bob|unknown|unknown|the tenant||gone, unknown when|",
    ]
    assert body.count('class="gone"') == 2
    told = Outline(page).all("p")
    assert ({"id": "told"}, f"{log.told}; the rest cannot be seen.") in told
    assert "taken away is told from 2026-08-30 on" in log.told
    assert 'id="log"' not in access_html.page(TABLE, "stack dev").replace('"#log', ""), "none where it was not asked"


def test_the_head_has_groups_over_their_operations(outline: Outline) -> None:
    heads = outline.all("th")
    assert [(text, given.get("colspan"), given.get("rowspan")) for given, text in heads[:3]] == [
        ("principal", None, "2"),
        ("view", "2", None),
        ("r&d", "1", None),
    ]
    assert [(text, given["title"]) for given, text in heads[3:6]] == [
        ("read", "To read <things>"),
        ("write", "To write <things>"),
        ("read", "To read <things>"),
    ]


def test_a_row_has_its_principal_with_type_id_and_notes(outline: Outline) -> None:
    names = [text for given, text in outline.all("th") if given.get("scope") == "row"]
    assert names == ["Ana <ana>", "id-2"]
    assert outline.all("small") == [
        ({}, "User id-1"),
        ({"class": "note"}, "first note"),
        ({"class": "note"}, "second & note"),
        ({}, "Unknown"),  # nobody's name: the id is not said twice
    ]


def test_each_cell_leads_to_its_reason_and_its_action(outline: Outline) -> None:
    """A reason of two roles is two, and one that only differs in the action or in who asks is one."""
    cells = [(given["class"], text) for given, text in outline.all("td")]
    assert cells == [("y", "✓"), ("n", "·"), ("q", "?"), ("n", "·"), ("n", "·"), ("y", "✓")]
    assert [text for _, text in outline.all("i")] == ["1", "2a", "3b", "4b", "2c", "1"]
    assert outline.all("li") == [
        ({"data-role": "Owner"}, "Role 'Owner' allows it."),
        ({}, "Role 'Reader' does not allow it."),
        ({"data-role": "Guest"}, "Role 'Owner' allows it."),
        ({}, "No role assignment of the principal reaches /s."),
        ({"data-letter": "a"}, "m/write"),
        ({"data-letter": "b"}, "m/read"),
        ({"data-letter": "c"}, "m/delete"),
    ]


def test_nothing_runs_but_the_pages_own_script(outline: Outline) -> None:
    """W3C, "Content Security Policy Level 3": a script's hash is that of what stands between its tags."""
    ((_, script),) = [(attributes, text) for tag, attributes, text in outline.found if tag == "script"]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = next(given["content"] for given, _ in outline.all("meta") if "http-equiv" in given)
    assert policy == (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; form-action 'none'"
    )


def test_what_stands_between_rows_and_cells_is_nothing(outline: Outline) -> None:
    """A browser puts a text that is in no cell above the table."""
    for tag in ("thead", "tbody", "tr", "table", "ol"):
        assert {text for _, text in outline.all(tag)} == {""}, tag
