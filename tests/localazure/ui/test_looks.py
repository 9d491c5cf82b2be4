"""How the pages look in a real browser, light and dark, wide and narrow; `--pictures FOLDER` keeps pictures."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, Route

from tests.browser import chromium
from tests.localazure.control import CHAIN, Azure
from tests.localazure.ui.conftest import OWNER, Browser
from tests.localazure.ui.filled import LONG, fill

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
PAGES = {
    "workspace": "",
    "computes": "computes",
    "jobs": "jobs",
    "job": f"jobs/{LONG}-10",
    "endpoints": "endpoints",
    "endpoint": "endpoints/wine",
    "deployment": "endpoints/wine/blue",
    "access": "access",
    "refused": "jobs/nope",
}
WIDTHS = {"wide": 1280, "narrow": 360}
# The texts whose contrast to what is behind them is below WCAG 2.2's 4.5 (1.4.3, level AA), with their contrast.
FAINT = """() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const read = colour => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], [x, y, z]) => [r * a + x * (1 - a), g * a + y * (1 - a), b * a + z * (1 - a)];
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const behind = element => element === null ? (dark ? [18, 18, 18] : [255, 255, 255])
    : over(read(getComputedStyle(element).backgroundColor), behind(element.parentElement));
  const clear = element => element === null ? 1 : getComputedStyle(element).opacity * clear(element.parentElement);
  const light = colour => { const [r, g, b] = colour.map(each => { const part = each / 255;
    return part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4; });
    return .2126 * r + .7152 * g + .0722 * b; };
  const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement, text = walker.currentNode.textContent.trim();
    if (!text || !element.checkVisibility()) continue;
    const style = getComputedStyle(element), back = behind(element);
    const ink = read(element.closest("svg") ? style.fill : style.color); ink[3] *= clear(element);
    const [one, other] = [light(over(ink, back)), light(back)].sort((a, b) => b - a);
    const contrast = (one + .05) / (other + .05);
    if (contrast < 4.5) found.push(`${contrast.toFixed(1)} ${text.slice(0, 40)}`);
  }
  return found;
}"""


@dataclass
class Look:
    """A browser in front of the pages, which are answered without a port."""

    chromium: Chromium
    pages: Browser
    said: list[str] = field(default_factory=list)

    def page(self, path: str, **options: Any) -> Page:
        """A page that has been loaded; what its console says is kept."""
        page = self.chromium.new_page(**options)
        page.set_default_timeout(10_000)
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.route("**/*", self._answer)
        page.goto(f"{self.pages.origin}{self.pages.base}{path}")
        return page

    def _answer(self, route: Route) -> None:
        request = route.request
        path = request.url.removeprefix(self.pages.origin)
        sent = {"Content-Type": request.headers.get("content-type", "")}
        with ThreadPoolExecutor(1) as pool:  # here an event loop runs already, Playwright's
            asked = pool.submit(
                self.pages.ask, request.method, path, headers=sent, content=request.post_data_buffer or b""
            )
            answer = asked.result()
        route.fulfill(status=answer.status_code, headers=dict(answer.headers), body=answer.content)


@pytest.fixture(scope="module")
def look(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Look]:
    azure = Azure(tmp_path_factory.mktemp("azure"))
    azure.make(*CHAIN)
    pages = Browser(azure)
    fill(pages, tmp_path_factory.mktemp("tokens"))
    pages.sign_in(OWNER)
    with chromium() as opened:
        yield Look(opened, pages)
    azure.cloud.store.close()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_and_is_readable(look: Look, request: pytest.FixtureRequest, name: str) -> None:
    page = look.page(PAGES[name])
    for scheme, (width, size) in itertools.product(SCHEMES, WIDTHS.items()):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": size, "height": 800})
        if folder := request.config.getoption("--pictures"):
            page.screenshot(path=Path(folder) / f"{name}-{scheme}-{width}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= size, f"{width}: wider than the window"
        assert page.evaluate(FAINT) == [], f"{scheme}, {width}: hard to read"
    page.close()
    assert [each for each in look.said if "status of 404" not in each] == []


def test_tables_are_sorted_by_a_click_and_notes_stay_with_their_rows(look: Look) -> None:
    page = look.page("jobs")
    heads = page.locator("tbody tr:not(.note) > th .id > a")
    # Numbers in names by their value: -5 before -10.
    by_name = sorted(heads.all_inner_texts(), key=lambda name: (name[:5], int(name.rpartition("-")[2])))
    page.get_by_role("button", name="Took").click()
    spent = page.locator("td[data-label=Took] .number").evaluate_all(
        "all => all.map(each => Number(each.dataset.sort))"
    )
    assert spent == sorted(spent) and len(set(spent)) > 20
    assert page.locator("th[aria-sort=ascending]").inner_text() == "Took"
    notes = page.locator("tr.note").evaluate_all("all => all.map(each => each.previousElementSibling.innerText)")
    assert len(notes) == 3 and all("Failed" in each for each in notes)
    page.get_by_role("button", name="Job", exact=True).click()
    assert heads.all_inner_texts() == by_name
    page.get_by_role("button", name="Job", exact=True).click()
    assert heads.all_inner_texts() == by_name[::-1]
    page.close()


def test_a_long_table_is_filtered(look: Look) -> None:
    page = look.page("access")
    rows = page.locator("section, table").last.locator("tbody tr:visible")
    assert rows.count() > 12
    page.get_by_label("Filter: ").fill("PERSON1 view")
    assert page.get_by_text(f"of {len(page.locator('table').last.locator('tbody tr').all())}").is_visible()
    assert 0 < rows.count() < 12
    page.close()


def test_without_its_script_a_page_is_whole(look: Look) -> None:
    page = look.page("jobs", java_script_enabled=False)
    assert page.get_by_role("columnheader", name="Took").is_visible()
    assert page.get_by_role("button", name="Took").count() == 0
    page.close()


def test_what_is_printed_of_access_says_everything(look: Look, request: pytest.FixtureRequest) -> None:
    page = look.page("access")
    page.emulate_media(media="print")
    (first, *_) = page.locator("details li").all()
    assert first.is_visible(), "operations in words, which are folded on the screen"
    assert page.get_by_text("As of 2026-").is_visible() and page.get_by_text("ws-one").first.is_visible()
    assert page.get_by_role("button", name="Sign out").is_hidden() and page.get_by_label("Filter: ").is_hidden()
    if folder := request.config.getoption("--pictures"):
        page.pdf(path=Path(folder) / "access.pdf", prefer_css_page_size=True)
    page.close()
