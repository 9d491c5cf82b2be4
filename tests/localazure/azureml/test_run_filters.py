"""Filters of runs as azureml-core writes them."""

from __future__ import annotations

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
