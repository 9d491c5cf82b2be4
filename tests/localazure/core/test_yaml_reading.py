"""YAML of a client's: few bytes never become many, and what is read can be answered as JSON."""

from __future__ import annotations

import json

import pytest

from azmlflow.localazure.core.yaml_reading import UnreadableYaml, read

_MOST = 100_000


def _bomb(depth: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, depth)]
    return "\n".join(lines)


def test_what_an_alias_stands_for_counts_each_time_it_is_named() -> None:
    assert read("a: &a [x, y]\nb: *a\nc: *a\n", _MOST) == {"a": ["x", "y"], "b": ["x", "y"], "c": ["x", "y"]}
    long = 'a: &a "' + "x" * 1000 + '"\nl: [' + ", ".join(["*a"] * 1000) + "]\n"
    with pytest.raises(UnreadableYaml, match="longer than 100000 characters, its aliases written out"):
        read(long, _MOST)


@pytest.mark.parametrize("depth", [5, 6, 9, 30])
def test_aliases_of_aliases_are_counted_before_anything_is_made_of_them(depth: int) -> None:
    with pytest.raises(UnreadableYaml, match="its aliases written out"):
        read(_bomb(depth), 10_000_000)


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [*a]",
        "a: *b",
        "[" * 1000 + "]" * 1000,
        "- " * 2000 + "x",
        "day: 2020-02-30",
        "when: 2020-01-01T00:00:00+99:00",
        "n: " + "9" * 5000,
        "a: [1, 2",
        "!!python/object:os.system x",
        "? [a]\n: b",
        "x" * (_MOST + 1),
        "[" + "1," * 30_000 + "]",
        "a: \x00",
        "--- a\n--- b",
    ],
)
def test_what_cannot_be_read_is_refused_by_name(text: str) -> None:
    with pytest.raises(UnreadableYaml):
        read(text, _MOST)


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(UnreadableYaml):
        read(b"a: \xff\xfe\xff", _MOST)


def test_all_that_is_read_is_what_json_has() -> None:
    told = read(
        "d: 2020-01-02\nn: .nan\ni: -.inf\n1: one\nnull: x\nb: !!binary aGk=\ns: !!set {a, b}\nf: 1.5\ne: [~, yes]\n",
        _MOST,
    )
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert (told["d"], told["n"], told["i"], told["1"], told["f"]) == ("2020-01-02", "nan", "-inf", "one", 1.5)
