"""The table: each record recognises its own example first, and the page is made from it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from azmlflow.cli.why.page import page
from azmlflow.cli.why.reading import recognise, without_secrets
from azmlflow.cli.why.record import Record
from azmlflow.cli.why.records import FAMILIES, RECORDS
from tests.cli.why.refused import REFUSED
from tests.cli.why.test_seen import ALONE, BLOBS

ROOT = Path(__file__).resolve().parents[3]


def test_the_page_is_that_of_the_table(pytestconfig: pytest.Config) -> None:
    file = ROOT / "docs" / "troubleshooting.md"
    if pytestconfig.getoption("--renew"):
        file.write_text(page(), encoding="utf-8")
    assert file.read_text(encoding="utf-8") == page(), "renew it: pytest tests/cli/why --renew"


def test_there_are_enough_and_each_is_another() -> None:
    assert len(RECORDS) >= 50
    assert len({record.name for record in RECORDS}) == len(RECORDS)
    assert all(records for records in FAMILIES.values())


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
def test_a_record_recognises_its_example_before_any_other_does(record: Record) -> None:
    found = recognise(f"Traceback (most recent call last):\n  File ...\n{record.example}\n")
    assert found[0].record is record
    for text in (record.cause, record.next):
        text.format(**{**found[0].named, "stack": "prod"})
    assert record.cause.endswith(".")
    assert record.source.startswith("https://")


def test_what_is_said_to_be_seen_is_brought_about_by_a_test() -> None:
    script = (ROOT / "tests" / "e2e" / "scripts" / "errors.py").read_text()
    end_to_end = {record.name for record in RECORDS if f'"{record.name}":' in script}
    produced = {*REFUSED, *BLOBS, *ALONE, *end_to_end}
    assert {record.name for record in RECORDS if record.seen} == produced


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ({"pattern": "nothing like it"}, "does not recognise its example"),
        ({"cause": "{whom} did it."}, r"has no group \['whom'\]"),
    ],
)
def test_a_record_with_a_fault_is_refused_where_it_is_declared(text: dict[str, str], why: str) -> None:
    whole: dict[str, Any] = {
        "name": "n",
        "pattern": "it broke",
        "cause": "c.",
        "next": "n",
        "source": "s",
        "example": "it broke",
    }
    with pytest.raises(ValueError, match=why):
        Record(**{**whole, **text})


SECRETS = (
    "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "Zm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9v==",
    "https://st.blob.core.windows.net/c/b?sv=2024&se=2027&sig=Xdb0T83ImZLdiSLZN0fD3A%2Ba%2B",
    "AccountName=st;AccountKey=c2VjcmV0;EndpointSuffix=core.windows.net",
    "Authorization: Bearer 0123456789abcdef",
    "http://azmlflow:s3cr3tword@127.0.0.1:8080",
    "AZURE_CLIENT_SECRET=abc~DEF.ghi",
    "PULUMI_CONFIG_PASSPHRASE=hunter2hunter2",
    '"password": "hunter2hunter2"',
)


@pytest.mark.parametrize("secret", SECRETS)
def test_no_secret_is_left_in_a_text(secret: str) -> None:
    plain = without_secrets(f"error with {secret} in it")
    kept = re.findall(r"eyJ\w+|Zm9v\w+|Xdb0\w+|c2VjcmV0|0123456789abcdef|s3cr3tword|abc~DEF|hunter2", plain)
    assert kept == []
    assert plain.startswith("error with") and plain.endswith("in it")


def test_an_id_is_no_secret() -> None:
    scope = (
        f"/subscriptions/{'0' * 8}-0000-4000-8000-00000000000a/resourceGroups/{'g' * 30}/providers/Microsoft.Storage"
    )
    assert without_secrets(scope) == scope


def test_what_a_text_names_is_told_only_if_it_is_plain() -> None:
    hostile = "Cannot set a deleted experiment '\x1b[31m<script>$(rm -rf ~)' as the active experiment"
    assert recognise(hostile)[0].named == {"experiment": ""}


def test_a_text_is_recognised_over_broken_lines_and_at_the_end_of_much() -> None:
    text = (
        "x" * 2_000_000
        + "\nINVALID_PARAMETER_VALUE: Renaming\n   experiments is not\nsupported in Azure Machine Learning."
    )
    assert [each.record.name for each in recognise(text)] == ["Experiments are not renamed"]
