"""A local run's keeper, on the client's machine: `python azureml-setup/run.py`, in a copy of the run's folder.

It reads `run.json` beside it, removes that (it holds the run's token), runs the command, and keeps the run's log up
with what the command prints. Then it uploads the folders `outputs` and `logs`, and tells how the run ended. A file
`killfile` beside it, which azureml-core writes, ends the command. Nothing but the standard library is imported.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

LOG = "user_logs/std_log.txt"
_UPLOADED = ("outputs", "logs")
_LOOK = 0.5  # seconds between two looks at the command
_RENEW = 600.0  # seconds before its end that a token is renewed
_GRACE = 5.0  # seconds between SIGTERM and SIGKILL
_MOST_TRIES = 4


class Run:
    """The run, as the services see it.

    Args:
        url: its address in the history service.
        variables: its variables, of which it uses and renews the token.
    """

    def __init__(self, url: str, variables: dict[str, str]) -> None:
        self._url, self._token = url, variables["AZUREML_RUN_TOKEN"]
        self._expires = float(variables["AZUREML_RUN_TOKEN_EXPIRY"])

    def upload(self, path: str, content: bytes) -> None:
        """Make `content` an artifact."""
        told = self._ask("POST", "/artifacts/batch/metadata", {"paths": [{"path": path}]})
        url = told["artifactContentInformation"][path]["contentUri"]
        _send(urllib.request.Request(url, content, {"x-ms-blob-type": "BlockBlob"}, method="PUT"))

    def event(self, name: str, **data: Any) -> None:
        """Tell of an event."""
        self._ask("POST", "/events", {"name": f"Microsoft.MachineLearning.Run.{name}", "data": data})

    def keep_alive(self) -> None:
        """Renew the token in good time."""
        if time.time() > self._expires - _RENEW:
            self._token = self._ask("GET", "/token", None)["token"]
            self._expires = time.time() + 2 * _RENEW

    def _ask(self, method: str, path: str, body: Any) -> Any:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        answer = _send(urllib.request.Request(self._url + path, content, headers, method=method))
        return json.loads(answer) if answer else None


def main() -> int:
    """Run it to its end."""
    here = Path(__file__).resolve().parent
    note = here / "run.json"
    told = json.loads(note.read_text(encoding="utf-8"))
    note.unlink()
    run, log = Run(told["run"], told["variables"]), here / "std_log.txt"
    log.write_text("".join(f"[azmlflow] {line}\n" for line in told["notes"]), encoding="utf-8")
    for name in _UPLOADED:
        Path(name).mkdir(exist_ok=True)
    with log.open("ab") as output:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", **told["variables"]}
        child = subprocess.Popen(
            ["/bin/sh", "-c", told["command"]],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
    try:
        killed = _follow(child, run, log, here / "killfile")
    except urllib.error.HTTPError:  # cancelled elsewhere: the run has ended, and its token with it
        killed = True
    finally:
        _end(child)
    if killed:
        return 0  # whoever did so has told of it
    for path in sorted(found for name in _UPLOADED for found in Path(name).rglob("*")):
        if path.is_file() and not path.is_symlink():
            run.upload(path.as_posix(), path.read_bytes())
    run.upload(LOG, log.read_bytes())
    if child.returncode:
        message = f"The run's command exited with code {child.returncode}; {LOG} has its output."
        run.event("Error", ErrorResponse={"error": {"code": "UserError", "message": message}})
    run.event("Failed" if child.returncode else "Completed")
    return child.returncode


def _follow(child: subprocess.Popen[bytes], run: Run, log: Path, killfile: Path) -> bool:
    """Keep the log's artifact up with the log until the command has ended; whether it was told to end."""
    size = -1
    while child.poll() is None:
        if killfile.exists():
            return True
        content = log.read_bytes()
        if len(content) != size:
            size = len(content)
            run.upload(LOG, content)
        run.keep_alive()
        try:
            child.wait(max(_LOOK, size / 5_000_000))  # a long log less often: it is uploaded anew
        except subprocess.TimeoutExpired:
            continue
    return killfile.exists()


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the command, if it has not ended."""
    if child.poll() is not None:
        return
    os.killpg(child.pid, signal.SIGTERM)
    try:
        child.wait(_GRACE)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _send(request: urllib.request.Request) -> bytes:
    """The answer to a request, tried again where the fault may pass."""
    for left in reversed(range(_MOST_TRIES)):
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            if error.code < 500 or not left:
                raise
        except urllib.error.URLError:
            if not left:
                raise
        time.sleep(_LOOK)
    raise AssertionError("not reached")


if __name__ == "__main__":
    sys.exit(main())
