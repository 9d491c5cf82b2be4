"""Settings files: read as the engine reads them, or refused with the line that two readers would read otherwise."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.project.yaml_file import dump_yaml, read_yaml


def written(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "Pulumi.local.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refused(path: Path) -> CliError:
    with pytest.raises(CliError) as caught:
        read_yaml(path)
    assert caught.value.next
    return caught.value


@pytest.mark.parametrize(
    "value",
    ["yes", "No", "on", "y", "0123", "0o17", "0x1F", "1_000", "190:20:30", "1e3", "1.5E-3", ".inf", "2020-01-01"],
)
def test_what_readers_read_differently_is_refused_and_in_quotes_it_is_a_text(tmp_path: Path, value: str) -> None:
    fault = refused(written(tmp_path, f"config:\n  azmlflow:location: eastus\n  azmlflow:salt: {value}\n"))
    assert f"`{value}` is read in different ways" in fault.what
    assert str(fault.where).endswith("Pulumi.local.yaml:3")
    assert read_yaml(written(tmp_path, f"a: '{value}'\n")) == {"a": value}


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("12", 12), ("-3", -3), ("0", 0), ("1.5", 1.5), ("null", None), ("", None), ("4f1e", "4f1e")],
)
def test_what_all_read_alike(tmp_path: Path, text: str, value: object) -> None:
    assert read_yaml(written(tmp_path, f"a: {text}\n")) == {"a": value}


@pytest.mark.parametrize("key", ["until", "azmlflow:createdOn", "azmlflow:expiresOn"])
def test_times_are_texts_also_those_that_cannot_be(tmp_path: Path, key: str) -> None:
    assert read_yaml(written(tmp_path, f"{key}: 2020-02-30\n")) == {key: "2020-02-30"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: 1\nb: 2\na: 3\n", "`a` is there twice"),
        ("1: a\n", "a key is not text"),
        ("true: a\n", "a key is not text"),
        ("? [a]\n: b\n", "a key is not text"),
        ("a: [\n", "is not valid YAML"),
        ("- a\n", "must be a mapping"),
        ("a: !!python/object/apply:os.system [x]\n", "is not valid YAML"),
        ("a: " + "[" * 5000 + "]" * 5000 + "\n", "nested too deeply"),
        ("a: " + "9" * 5000 + "\n", "a value that cannot be"),
        ("#" + "x" * (1024 * 1024), "is larger than 1024 KiB"),
    ],
)
def test_what_is_no_settings_file(tmp_path: Path, text: str, says: str) -> None:
    assert says in refused(written(tmp_path, text)).what


@pytest.mark.parametrize(
    "content", ["config: {a: é}".encode("latin-1"), "config: {a: b}".encode("utf-16"), b"\xff\xfe"]
)
def test_another_encoding_is_named(tmp_path: Path, content: bytes) -> None:
    assert "is not in UTF-8" in refused(written(tmp_path, content)).what


def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.local.yaml"
    os.mkfifo(path)
    assert "is not a file" in refused(path).what


def test_an_alias_is_followed_once(tmp_path: Path) -> None:
    pairs = zip("abcdefgh", "bcdefghi", strict=True)
    bomb = "".join(f"{new}: &{new} [{', '.join(['*' + old] * 9)}]\n" for old, new in pairs)
    assert read_yaml(written(tmp_path, "a: &a [x, x]\n" + bomb))["a"] == ["x", "x"]


@pytest.mark.parametrize("text", ["1e31", "yes", "0123", "190:20:30", "2020-01-01", "plain", "1_000"])
def test_what_is_written_is_read_alike(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, dump_yaml({"config": {"azmlflow:salt": text}}))
    assert read_yaml(path) == yaml.safe_load(path.read_text()) == {"config": {"azmlflow:salt": text}}
    assert (f"'{text}'" in path.read_text()) is (text != "plain")
