"""`azmlflow why`, on what unmodified clients print at a workspace that stands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from azmlflow.cli.why.reading import recognise
from tests.e2e.estate import SCIENCE_PYTHON, Estate

pytestmark = pytest.mark.e2e

SCRIPT = Path(__file__).parent / "scripts" / "errors.py"


def test_what_unmodified_clients_print_is_recognised(estate: Estate, tmp_path: Path) -> None:
    said = tmp_path / "said.json"
    estate.azmlflow("run", "--", str(SCIENCE_PYTHON), str(SCRIPT), "owner", str(said))
    texts = json.loads(said.read_text())
    assert len(texts) == 13
    found = {name: [each.record.name for each in recognise(text)] for name, text in texts.items()}
    assert {name: names[:1] for name, names in found.items()} == {name: [name] for name in texts}


def test_a_refusal_of_somebody_without_a_role_is_confirmed(
    estate: Estate, holders: Mapping[str, str], tmp_path: Path
) -> None:
    nobody, said, log = holders["nobody"], tmp_path / "said.json", tmp_path / "train.log"
    estate.science(nobody, SCRIPT, "stranger", str(said))
    texts = json.loads(said.read_text())
    assert set(texts) == {"Azure refuses an action", "The wrong tenant is signed in to"}
    for name, text in texts.items():
        assert recognise(text)[0].record.name == name
    log.write_text(texts["Azure refuses an action"])
    refused = estate.azmlflow("why", "--file", str(log), "-o", "json").json()
    assert (refused["confirmed"], refused["next"]) == (True, f"azmlflow grant {nobody} tracker")
