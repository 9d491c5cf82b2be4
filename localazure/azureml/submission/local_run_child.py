"""A local run's keeper, on the client's machine: `python azureml-setup/run.py`, in a copy of the run's folder.

It reads `run.json` beside it, removes that (it holds the run's token), runs the command, and keeps the run's log up
with what the command prints. Then it uploads the folders `outputs` and `logs`, and tells how the run ended. A file
`killfile` beside it, which azureml-core writes, ends the command. Nothing but the standard library is imported.

Services that are away for a while neither end the command nor miss its end. What could not be kept is the run's
reason; an end that nobody hears is told on standard error.
"""

from __future__ import annotations

import http.client
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
_LOOK = 0.5  # seconds between two looks at the command, and between two tries
_RENEW = 600.0  # seconds before its end that a token is renewed
_GRACE = 5.0  # seconds between SIGTERM and SIGKILL
_PATIENCE = 120.0  # seconds that the services may be away when the command has ended
_PASSING = (408, 429, 500, 502, 503, 504)  # answers after which asking again may help


class Unheard(Exception):
    """The services did not take what they were sent; the text has no address, which may hold a signature.

    Attributes:
        status: what they answered; 0, nothing.
    """

    def __init__(self, why: object, status: int = 0) -> None:
        super().__init__(str(why))
        self.status = status


class Over(Exception):
    """The run has ended elsewhere, and its token with it."""


class Run:
    """The run, as the services see it.

    Args:
        url: its address in the history service.
        variables: its variables, of which it uses and renews the token.
    """

    def __init__(self, url: str, variables: dict[str, str]) -> None:
        self._url, self._token = url, variables["AZUREML_RUN_TOKEN"]
        self._expires = float(variables["AZUREML_RUN_TOKEN_EXPIRY"])

    def upload(self, path: str, content: bytes, until: float = 0) -> None:
        """Make `content` an artifact.

        Raises:
            Unheard: it could not be, until that instant of `time.monotonic`.
            Over: the run has ended.
        """
        told = self._ask("POST", "/artifacts/batch/metadata", {"paths": [{"path": path}]}, until)
        try:
            url = told["artifactContentInformation"][path]["contentUri"]
        except (TypeError, KeyError) as error:
            raise Unheard("the answer tells no place for it") from error
        _send(urllib.request.Request(url, content, {"x-ms-blob-type": "BlockBlob"}, method="PUT"), until)

    def event(self, name: str, **data: Any) -> None:
        """Tell of an event.

        Raises:
            Unheard, Over: as `upload`.
        """
        told = {"name": f"Microsoft.MachineLearning.Run.{name}", "data": data}
        self._ask("POST", "/events", told, time.monotonic() + _PATIENCE)

    def keep_alive(self) -> None:
        """Renew the token in good time.

        Raises:
            Unheard, Over: as `upload`.
        """
        if time.time() > self._expires - _RENEW:
            told = self._ask("GET", "/token", None)
            if not isinstance(told, dict) or "token" not in told:
                raise Unheard("the answer holds no token")
            self._token, self._expires = told["token"], time.time() + 2 * _RENEW

    def _ask(self, method: str, path: str, body: Any, until: float = 0) -> Any:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        try:
            answer = _send(urllib.request.Request(self._url + path, content, headers, method=method), until)
            return json.loads(answer) if answer else None
        except Unheard as error:
            if error.status == 401:
                raise Over from error
            raise
        except ValueError as error:
            raise Unheard("the answer is not JSON") from error


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
        try:
            seconds = float(told.get("seconds") or 0)
            killed = _follow(child, run, log, here / "killfile", seconds)
            late = seconds if child.poll() is None and not killed else 0.0
        finally:
            _end(child)
        return 0 if killed else _finish(child.returncode, run, log, late)  # who killed it has told of it
    except Over:
        return 0  # who ended it has told of it
    except Unheard as error:
        sys.stderr.write(f"The end of run {told['variables'].get('MLFLOW_RUN_ID')} could not be reported: {error}.\n")
        return child.returncode or 1


def _finish(code: int, run: Run, log: Path, late: float) -> int:
    """Keep what the command left, and tell how it ended, if not by a limit of `late` seconds; the exit code.

    Raises:
        Unheard, Over: its end could not be told.
    """
    until, wrong = time.monotonic() + _PATIENCE, []
    files = [path for name in _UPLOADED for path in Path(name).rglob("*") if path.is_file() and not path.is_symlink()]
    for name, path in [*((path.as_posix(), path) for path in sorted(files)), (LOG, log)]:
        try:
            run.upload(name, path.read_bytes(), until)
        except (Unheard, OSError) as error:
            wrong.append(f"{name} could not be kept: {error}.")
    if late:
        wrong.insert(0, f"The run took longer than its limit of {late:g} seconds.")
    elif code:
        wrong.insert(0, f"The run's command exited with code {code}; {LOG} has its output.")
    if wrong:
        run.event("Error", ErrorResponse={"error": {"code": "UserError", "message": " ".join(wrong)}})
    run.event("Failed" if wrong else "Completed")
    return code or int(bool(wrong))


def _follow(child: subprocess.Popen[bytes], run: Run, log: Path, killfile: Path, seconds: float) -> bool:
    """Keep the log's artifact up with the log until the command has ended, or for so many seconds (0: any); whether it
    was told to end.

    Raises:
        Over: the run has ended elsewhere.
    """
    kept, size, begun = -1, 0, time.monotonic()
    while child.poll() is None and not 0 < seconds < time.monotonic() - begun:
        if killfile.exists():
            return True
        content = log.read_bytes()
        size = len(content)
        try:
            if size != kept:
                run.upload(LOG, content)
                kept = size
            run.keep_alive()
        except Unheard:
            pass  # tried again at the next look; `_finish` tells what stays
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


def _send(request: urllib.request.Request, until: float) -> bytes:
    """The answer to a request, tried again until an instant where the fault may pass; once at least.

    Raises:
        Unheard: there is no good one.
    """
    while True:
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            told = error.headers.get("Retry-After") or ""
            wait = max(_LOOK, float(told)) if told.isdecimal() else _LOOK
            if error.code not in _PASSING or time.monotonic() + wait > until:
                raise Unheard(error, error.code) from error
        except (OSError, http.client.HTTPException) as error:
            wait = _LOOK
            if time.monotonic() + wait > until:
                raise Unheard(getattr(error, "reason", error)) from error
        time.sleep(wait)


if __name__ == "__main__":
    sys.exit(main())
