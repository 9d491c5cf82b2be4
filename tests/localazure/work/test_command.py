"""Command lines with their inputs and outputs."""

from __future__ import annotations

import pytest

from azmlflow.localazure.work.command import UnknownName, check, render


def test_names_become_values_as_they_are() -> None:
    """The command quotes what it wants as one word: the scripts of azureml-examples do."""
    told = render("train '${{inputs.a}}' ${{inputs.a}} --to ${{ outputs.model }}", {"a": "x y"}, {"model": "/m"})
    assert told == "train 'x y' x y --to /m"


def test_what_is_put_in_is_not_read_again() -> None:
    assert render("echo ${{inputs.a}}", {"a": "${{inputs.b}}", "b": "no"}, {}) == "echo ${{inputs.b}}"


def test_an_optional_part_goes_with_its_input() -> None:
    command = "train $[[--rate ${{inputs.rate}}]] end"
    assert render(command, {"rate": "0.1"}, {}) == "train --rate 0.1 end"
    assert render(command, {}, {}) == "train  end"


def test_a_name_that_the_job_has_not() -> None:
    with pytest.raises(UnknownName, match=r"inputs\.rate"):
        render("train ${{inputs.rate}}", {}, {})
    with pytest.raises(UnknownName, match=r"outputs\.model"):
        check("train ${{inputs.rate}} ${{outputs.model}}", {"rate": None}, [])
