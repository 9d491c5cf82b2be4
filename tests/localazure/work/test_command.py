"""Command lines with their inputs and outputs."""

from __future__ import annotations

import pytest

from azmlflow.localazure.work.command import UnknownName, render


def test_names_become_values_quoted_for_the_shell() -> None:
    told = render("train ${{inputs.a}} --to ${{ outputs.model }}", {"a": "x; rm y"}, {"model": "/tmp/m"})
    assert told == "train 'x; rm y' --to /tmp/m"


def test_an_optional_part_goes_with_its_input() -> None:
    command = "train $[[--rate ${{inputs.rate}}]] end"
    assert render(command, {"rate": "0.1"}, {}) == "train --rate 0.1 end"
    assert render(command, {}, {}) == "train  end"


def test_a_name_that_the_job_has_not() -> None:
    with pytest.raises(UnknownName, match=r"inputs\.rate"):
        render("train ${{inputs.rate}}", {}, {})
