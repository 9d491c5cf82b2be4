"""Ctrl-C in the middle of `up` and of `down`: a sentence on how to go on, and typing it again does."""

from __future__ import annotations

import json
import signal
import subprocess

import pytest

from tests.e2e.estate import LONG, Estate
from tests.waits import bounded

pytestmark = pytest.mark.e2e

INTERRUPTED = 130


def interrupt(estate: Estate, sign: str, *words: str) -> tuple[int, str]:
    """Run `azmlflow WORDS`, send SIGINT as soon as it prints a line with `sign`; its exit code and messages."""
    # What a shell has put into the background ignores the signal, and so would all that it starts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(
            ["azmlflow", *words],
            cwd=estate.folder,
            env=estate.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
    finally:
        signal.signal(signal.SIGINT, before)
    assert process.stderr is not None
    said = []
    with bounded(process, LONG), process.stderr:
        for line in process.stderr:
            said.append(line)
            if sign in line:
                process.send_signal(signal.SIGINT)
                sign = "\0"  # once
    return process.wait(timeout=LONG), "".join(said)


def test_up_and_down_go_on_after_ctrl_c(bare_estate: Estate) -> None:
    # With the latency of the real Azure there is something to interrupt: a workspace alone takes half a minute.
    bare_estate.azmlflow("local", "start", "--latency", "azure")
    code, said = interrupt(bare_estate, "ResourceGroup", "up")
    assert code == INTERRUPTED, said
    assert "azmlflow up" in said
    assert "Traceback" not in said
    bare_estate.azmlflow("local", "stop")
    bare_estate.azmlflow("local", "start")
    bare_estate.azmlflow("up")
    assert set(json.loads(bare_estate.azmlflow("up", "--output", "json").out)["changes"]) == {"same"}

    bare_estate.azmlflow("local", "stop")
    bare_estate.azmlflow("local", "start", "--latency", "azure")
    code, said = interrupt(bare_estate, "this goes, for good", "down", "--yes")
    assert code == INTERRUPTED, said
    assert "azmlflow down" in said
    bare_estate.azmlflow("local", "stop")
    bare_estate.azmlflow("local", "start")
    assert bare_estate.azmlflow("down", "--yes", "--output", "json").json()["left"] == []
