"""The page of online endpoints, and that of a deployment with its log."""

from __future__ import annotations

import pytest

from tests.localazure.control import BLUE, ENDPOINT, GREEN, WORKSPACE
from tests.localazure.ui.conftest import NOBODY, OWNER, READER, Browser, foreign_scripts, signed_in

_NAME = ENDPOINT.rpartition("/")[2]
_PAGE = f"endpoints/{_NAME}/blue"


@pytest.fixture
def serving(browser: Browser) -> Browser:
    """An endpoint with two deployments, which share its traffic."""
    browser.azure.make(ENDPOINT, BLUE, GREEN)
    body = {"location": "westeurope", "properties": {"authMode": "Key", "traffic": {"blue": 90, "green": 10}}}
    assert browser.azure.arm("PUT", ENDPOINT, body).status == 200
    browser.azure.wait()
    return browser


def test_none_are_there_and_how_one_is_made(browser: Browser) -> None:
    page = signed_in(browser, OWNER).get("endpoints").text
    assert "The workspace has no online endpoints." in page
    assert "azmlflow deploy MODEL" in page


def test_endpoints_with_their_deployments_and_traffic(serving: Browser) -> None:
    page = signed_in(serving, READER).get("endpoints").text
    for shown in (_NAME, "Key", "blue 90 %, green 10 %", ">90 %</td>", ">10 %</td>", f'href="{_PAGE}"', "none"):
        assert shown in page
    assert page.count(f'href="endpoints/{_NAME}"') == 3, "its own page, from both tables"


def test_a_deployments_own_page_with_its_log_for_who_may_read_it(
    serving: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving.azure.cloud.serving, "log", lambda _store, key: f"serves <{key == BLUE.lower()}>")
    page = signed_in(serving, OWNER).get(_PAGE).text
    for shown in ("Deployment blue", "Standard_", "serves &lt;True&gt;", "All endpoints"):
        assert shown in page
    # A Reader of the workspace may not ask for logs: it is an action.
    without = signed_in(serving, READER).get(_PAGE).text
    assert "serves" not in without
    assert "/onlineEndpoints/deployments/getlogs/action" in without
    assert signed_in(serving, NOBODY).get(_PAGE).status_code == 403


def test_who_may_read_nothing_is_told_so(serving: Browser) -> None:
    page = signed_in(serving, NOBODY).get("endpoints").text
    assert 'class="refused"' in page
    assert "blue" not in page


def test_who_may_read_endpoints_alone_sees_no_deployments(serving: Browser) -> None:
    serving.azure.give(
        "ops@local.test", ["Microsoft.MachineLearningServices/workspaces/onlineEndpoints/read"], WORKSPACE
    )
    page = signed_in(serving, "ops@local.test").get("endpoints").text
    assert "blue 90 %" in page
    assert 'class="refused"' in page
    assert "Standard_" not in page


@pytest.mark.parametrize(
    "name", ["nope/blue", f"{_NAME}/nope", f"{_NAME}/..%2F..%2F..%2Fcomputes%2Fcpu-cluster", f"{_NAME}/<script>", "x/%"]
)
def test_a_deployment_of_a_hostile_name_is_none(serving: Browser, name: str) -> None:
    for who in (OWNER, NOBODY):
        answer = signed_in(serving, who).get(f"endpoints/{name}")
        assert answer.status_code in (400, 403, 404)
        assert not foreign_scripts(answer.text)
        assert "AmlCompute" not in answer.text
