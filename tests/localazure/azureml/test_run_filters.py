"""Filters of runs as azureml-core writes them."""

from __future__ import annotations

import time
from typing import Any

import pytest

from azmlflow.localazure.azureml.history import run_filters
from azmlflow.localazure.core.errors import AzureError

RUN = {
    "runId": "r1",
    "status": "Failed",
    "createdUtc": "2026-01-02T00:00:00.0000000Z",
    "tags": {"kind": "a (b)", "empty": ""},
    "properties": {"azureml.runsource": "x"},
}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        (None, True),
        ("", True),
        ("(Status eq Failed)", True),
        ("Status eq Completed", False),
        ("(ParentRunId eq null)", True),
        ("(RunId ne null)", True),
        ('(Tags/kind eq "a (b)")', True),
        ('((Tags/kind eq "other") and (ParentRunId eq null))', False),
        ("(Tags/kind ne null or Tags/kind eq null)", True),
        ("(Tags/none ne null or Tags/none eq null)", False),
        ("(RunType eq x or Properties/azureml.runsource eq x)", True),
        ("(CreatedUtc ge 2026-01-01)", True),
        ("(CreatedUtc lt 2026-01-01)", False),
        ("Status eq Failed and RunId eq r2 or RunId eq r1", True),
        ("Status eq Failed and (RunId eq r2 or Status eq Queued)", False),
        ("RunId eq order", False),
    ],
)
def test_what_holds(text: str | None, holds: bool) -> None:
    assert run_filters.parse(text)(RUN) is holds


@pytest.mark.parametrize("text", ["Colour eq red", "Status", "(Status eq Failed", "Status eq Failed)", "Status like x"])
def test_what_cannot_be_understood_is_refused(text: str) -> None:
    with pytest.raises(AzureError) as refused:
        run_filters.parse(text)
    assert refused.value.status == 400


@pytest.mark.parametrize(
    "text", [5, ["RunId eq r1"], {"a": 1}, True, "(" * 51 + "RunId eq r1" + ")" * 51, "(" * 100_000]
)
def test_what_is_no_filter_or_too_deep_is_refused(text: Any) -> None:
    with pytest.raises(AzureError) as refused:
        run_filters.parse(text)
    assert refused.value.status == 400
    assert run_filters.parse("(" * 50 + "RunId eq r1" + ")" * 50)(RUN)


@pytest.mark.parametrize("orderby", [5, ["RunId"], "Colour", "RunId up"])
def test_an_order_by_nothing_is_refused(orderby: Any) -> None:
    with pytest.raises(AzureError, match="cannot be ordered"):
        run_filters.order([RUN], orderby)


def test_a_long_filter_is_read_in_one_go() -> None:
    """Everybody waits for who reads one: 5,000 spaces took a second, and the time grows with their third power."""
    begin = time.process_time()
    assert not run_filters.parse("RunId eq a" + " " * 50_000 + "b")(RUN)
    assert time.process_time() - begin < 1
