"""A file's contents changed where they change: everything else stands as it stood, to the letter."""

from __future__ import annotations

import copy
import random
from pathlib import Path
from typing import Any

import pytest

from azmlflow.cli.project.yaml_file import change_yaml, read_yaml

TEXT = """\
# The stack of the team.
encryptionsalt: v1:abc=:v1:def
config:
  # where it stands
  azmlflow:location: "westeurope"  # near us
  azmlflow:clusters:   # two of them
    # the small one
    - name: cpu
      maxNodes: 4   # enough
    - vmSize: Standard_NC6s_v3
      name: gpu
  azmlflow:tags: {team: ml, cost: '42'}
  azmlflow:salt:
"""


def changed(tmp_path: Path, text: str, wanted: dict[str, Any]) -> str:
    path = tmp_path / "Pulumi.local.yaml"
    path.write_text(text)
    found = change_yaml(path, wanted)
    path.write_text(found)
    assert read_yaml(path) == wanted
    return found


def base(tmp_path: Path) -> dict[str, Any]:
    path = tmp_path / "Pulumi.local.yaml"
    path.write_text(TEXT)
    return read_yaml(path)


@pytest.mark.parametrize(
    ("way", "value", "before", "after"),
    [
        (("config", "azmlflow:location"), "uksouth", '"westeurope"  # near us', "uksouth  # near us"),
        (("config", "azmlflow:clusters", 0, "maxNodes"), 8, "maxNodes: 4   # enough", "maxNodes: 8   # enough"),
        (("config", "azmlflow:clusters", 1, "maxNodes"), 2, "name: gpu\n", "name: gpu\n      maxNodes: 2\n"),
        (("config", "azmlflow:clusters", 1, "vmSize"), None, "- vmSize: Standard_NC6s_v3\n      name", "- name"),
        (("config", "azmlflow:tags", "team"), "ops", "{team: ml, cost: '42'}", "{team: ops, cost: '42'}"),
        (("config", "azmlflow:salt"), "2", "azmlflow:salt:\n", "azmlflow:salt: '2'\n"),
        (("config", "azmlflow:salt"), None, "  azmlflow:salt:\n", ""),
        (("config", "azmlflow:prefix"), "ml", "azmlflow:salt:\n", "azmlflow:salt:\n  azmlflow:prefix: ml\n"),
        (("config", "azmlflow:location"), None, '  azmlflow:location: "westeurope"  # near us\n', ""),
        (("config", "azmlflow:locks"), True, "azmlflow:salt:\n", "azmlflow:salt:\n  azmlflow:locks: true\n"),
        (
            ("config", "azmlflow:clusters", 2),
            {"name": "big"},
            "      name: gpu\n",
            "      name: gpu\n    - name: big\n",
        ),
        (
            ("config", "azmlflow:budget"),
            {"monthly": 5, "mail": ["a@b.c"]},
            "azmlflow:salt:\n",
            "azmlflow:salt:\n  azmlflow:budget:\n    monthly: 5\n    mail:\n    - a@b.c\n",
        ),
        (
            ("config", "azmlflow:clusters"),
            [],
            TEXT[TEXT.index("   # two of them") : TEXT.index("  azmlflow:tags")],
            " []   # two of them\n",
        ),
    ],
)
def test_one_change(tmp_path: Path, way: tuple[str | int, ...], value: Any, before: str, after: str) -> None:
    wanted = base(tmp_path)
    inside: Any = wanted
    for each in way[:-1]:
        inside = inside[each]
    if value is None:
        del inside[way[-1]]
    elif isinstance(inside, list) and way[-1] == len(inside):
        inside.append(value)
    else:
        inside[way[-1]] = value
    found = changed(tmp_path, TEXT, wanted)
    assert TEXT.count(before) == 1
    assert found == TEXT.replace(before, after)


def test_an_entry_of_a_list_taken_out(tmp_path: Path) -> None:
    wanted = base(tmp_path)
    del wanted["config"]["azmlflow:clusters"][0]
    found = changed(tmp_path, TEXT, wanted)
    assert found == TEXT.replace("    - name: cpu\n      maxNodes: 4   # enough\n", "")


@pytest.mark.parametrize(
    "text",
    [
        "config: {azmlflow:cloud: local, azmlflow:salt: a}\n",
        "config:\n  azmlflow:cloud: local\n  azmlflow:salt: a",
        "---\nconfig:\n    azmlflow:cloud: local\n\n    azmlflow:salt: >-\n      a\n\n# the end\n",
        "config:\n  azmlflow:cloud: &c local\n  azmlflow:owner: *c\n  azmlflow:salt: a\n",
        "config:\n  ? azmlflow:cloud\n  : local\n  azmlflow:salt: |\n    a\n    b\n",
        "config:\n  azmlflow:cloud: local\n  azmlflow:salt: {}\n",
        "",
        "# nothing yet\n",
        "config:\n",
    ],
)
def test_any_style_comes_out_right(tmp_path: Path, text: str) -> None:
    wanted: dict[str, Any] = {"config": {"azmlflow:cloud": "azure", "azmlflow:clusters": [{"name": "a"}], "x:y": "1e3"}}
    changed(tmp_path, text, wanted)
    changed(tmp_path, text, {"config": {}})
    changed(tmp_path, text, {})


def test_lines_that_end_as_in_windows_go_on_ending_so(tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.local.yaml"
    path.write_bytes(TEXT.replace("\n", "\r\n").encode())
    wanted = read_yaml(path)
    wanted["config"]["azmlflow:location"] = "uksouth"
    assert change_yaml(path, wanted) == TEXT.replace('"westeurope"', "uksouth").replace("\n", "\r\n")


@pytest.mark.parametrize("seed", range(40))
def test_a_row_of_changes_each_keeps_the_comments_of_what_stays(tmp_path: Path, seed: int) -> None:
    chance, text, now = random.Random(seed), TEXT, base(tmp_path)
    for _ in range(12):
        wanted = copy.deepcopy(now)
        _stir(chance, wanted["config"])
        text, now = changed(tmp_path, text, wanted), wanted
    assert text.startswith("# The stack of the team.\nencryptionsalt: v1:abc=:v1:def\nconfig:")


def _stir(chance: random.Random, inside: Any) -> None:
    """One change somewhere below."""
    names = list(range(len(inside))) if isinstance(inside, list) else list(inside)
    at = chance.choice(names) if names else None
    if at is not None and isinstance(inside[at], dict | list) and chance.random() < 0.6:
        _stir(chance, inside[at])
        return
    value = chance.choice(["a", "0123", 7, True, [], {}, ["x", "y"], {"k": "v: w"}, {"l": [{"m": 1}, {"n": "#"}]}, "é"])
    if at is not None and chance.random() < 0.4:
        del inside[at]
    elif isinstance(inside, list):
        inside.insert(chance.randint(0, len(inside)), value)
    else:
        inside[chance.choice([*names, f"new{chance.randint(0, 9)}"])] = value
