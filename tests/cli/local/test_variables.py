"""What `azmlflow env` prints: set, remembered, given back; quoted so that any shell takes it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from dotenv import dotenv_values

from azmlflow.cli.local.variables import BEFORE, Variables, dotenv, path_with, script, undo, with_memory


def shell(text: str, environment: dict[str, str], *names: str) -> dict[str, str | None]:
    """Evaluate lines in a shell; what the names hold afterwards."""
    marks = "\n".join(f'printf "%s\\0" "${{{name}-(none)}}"' for name in names)
    done = subprocess.run(
        ["/bin/sh", "-c", f"{text}\n{marks}"], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    values = done.stdout.split("\0")[:-1]
    return {name: None if value == "(none)" else value for name, value in zip(names, values, strict=True)}


def test_a_shell_takes_any_value_and_gets_back_what_it_had() -> None:
    before = {"PATH": os.environ["PATH"], "HTTPS_PROXY": "http://theirs $(id)'\"", "AZURE_CLIENT_SECRET": "x"}
    wanted = Variables({"HTTPS_PROXY": "http://a:b@127.0.0.1:1 '`$x", "NEW": "n\nm"}, ("AZURE_CLIENT_SECRET",))
    lines = script(with_memory(wanted, before))
    after = shell(lines, before, "HTTPS_PROXY", "NEW", "AZURE_CLIENT_SECRET", BEFORE)
    assert after["HTTPS_PROXY"] == wanted.set["HTTPS_PROXY"]
    assert after["NEW"] == "n\nm"
    assert after["AZURE_CLIENT_SECRET"] is None
    present = {**before, **{name: value for name, value in after.items() if value is not None}}
    back = undo(present)
    assert back is not None
    assert shell(script(back), present, "HTTPS_PROXY", "NEW", BEFORE) == {
        "HTTPS_PROXY": before["HTTPS_PROXY"],
        "NEW": None,
        BEFORE: None,
    }


def test_a_dropped_secret_is_not_kept() -> None:
    kept = with_memory(Variables({"A": "1"}, ("AZURE_CLIENT_SECRET",)), {"AZURE_CLIENT_SECRET": "hush"})
    assert "hush" not in str(kept)


def test_a_shell_set_up_twice_remembers_what_it_had_first() -> None:
    once = with_memory(Variables({"A": "ours"}), {"A": "theirs"})
    twice = with_memory(Variables({"A": "ours again", "B": "b"}), dict(once.set))
    back = undo(dict(twice.set))
    assert back is not None
    assert back.set == {"A": "theirs"}
    assert set(back.unset) == {"B", BEFORE}


def test_nothing_to_undo() -> None:
    assert undo({}) is None
    assert undo({BEFORE: "no json"}) is None


def test_folders_come_first_and_once(tmp_path: Path) -> None:
    path = path_with((tmp_path, tmp_path, Path("/b")), {"PATH": f"/a:{tmp_path}:/b"})
    assert path == f"{tmp_path}:/b:/a"


def test_a_file_of_variables_is_read_as_it_was_meant(tmp_path: Path) -> None:
    wanted = Variables({"HTTPS_PROXY": "http://a:b@127.0.0.1:1 # '\\n$x", "A": ""}, ("AZURE_CLIENT_SECRET", "A"))
    path = tmp_path / ".env"
    path.write_text(dotenv(with_memory(wanted, {})))
    assert dotenv_values(path, interpolate=False) == {**wanted.set, "AZURE_CLIENT_SECRET": ""}
