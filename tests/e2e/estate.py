"""An estate: a project folder of its own with its own embedded Azure, driven as a user would, by commands.

Nothing here touches the checkout's stack, the user's home or any address but 127.0.0.1. The Pulumi engine is the
one that `make` built; HOME is a folder of the test's, because azureml-core writes to it whatever one does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.zygote import zygote

CHECKOUT = Path(__file__).resolve().parents[2]
SCIENCE_PYTHON = CHECKOUT / ".venv-examples" / "bin" / "python"
EXAMPLES = CHECKOUT / "examples"
LONG = 540.0  # seconds after which a command that hangs fails its test; 180 were too few on a busy machine


@dataclass(frozen=True)
class Done:
    """A finished command: exit code, what it printed on each stream."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Estate:
    """A project folder with a stack `local`, and the commands a user types in it.

    Attributes:
        folder: the project.
        environment: the variables that commands see.
        typed: each `azmlflow` is a process started from nothing, as a user's is; else it is forked off one that has
            imported azmlflow already, which is the same and two seconds sooner. So are data scientists' scripts.
    """

    folder: Path
    environment: dict[str, str] = field(repr=False)
    typed: bool = False

    def command(
        self, *words: str | Path, fails: bool = False, extra: Mapping[str, str] | None = None, within: float = LONG
    ) -> Done:
        """Run a command in the folder; it must succeed, or fail where `fails` is set, within so many seconds."""
        texts, environment = [str(word) for word in words], {**self.environment, **(extra or {})}
        ours = texts[0] == "azmlflow"
        if ours and not self.typed:
            scripted = texts[1] == "verify" or (texts[1] == "run" and any(text.endswith(".py") for text in texts))
            python = SCIENCE_PYTHON if scripted else None
            done = Done(*zygote().run(texts[1:], self.folder, environment, within, python))
        else:
            ended = subprocess.run(
                texts,
                cwd=self.folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=within,
                stdin=subprocess.DEVNULL,
                check=False,
            )
            done = Done(ended.returncode, ended.stdout, ended.stderr)
        told = f"{' '.join(texts)} exited {done.code}\n{done.out}\n{done.err}"
        assert (done.code != 0) is fails, told
        # `run` shows what the user's own program prints.
        assert not ours or texts[1] == "run" or "Traceback" not in done.err, told
        return done

    def azmlflow(self, *words: str, fails: bool = False, within: float = LONG) -> Done:
        """Run `azmlflow WORDS`."""
        return self.command("azmlflow", *words, fails=fails, within=within)

    def science(
        self, principal: str, script: str | Path, *words: str, fails: bool = False, within: float = LONG
    ) -> Done:
        """Run a script as `principal`, with the data scientist's interpreter."""
        told = ("run", "--as", principal, "--", str(SCIENCE_PYTHON), str(script), *words)
        return self.azmlflow(*told, fails=fails, within=within)

    def outputs(self, stack: str = "local") -> dict[str, Any]:
        """A stack's outputs."""
        outputs: dict[str, Any] = self.azmlflow("status", "--stack", stack, "--output", "json").json()["outputs"]
        return outputs


def processes_of(job: str) -> dict[Path, dict[str, str]]:
    """The processes of a job that runs, by their folders in /proc, with their variables."""
    found: dict[Path, dict[str, str]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            text = (folder / "environ").read_bytes().decode(errors="replace")
        except OSError:  # it has ended, or is another user's
            continue
        variables = dict(line.split("=", 1) for line in text.split("\0") if "=" in line)
        if variables.get("MLFLOW_RUN_ID") == job:
            found[folder] = variables
    return found


def make_estate(folder: Path, *, typed: bool = False) -> Estate:
    """A folder that looks like a fresh checkout with a stack `local` whose settings are written.

    Args:
        folder: where; it must not be there yet.
        typed: as an `Estate` has it.
    """
    folder.mkdir(parents=True)
    for name in ("Pulumi.yaml", "infra", "engine"):
        (folder / name).symlink_to(CHECKOUT / name)
    estate = Estate(folder, make_environment(folder / "home", Path(sys.executable).parent), typed)
    estate.azmlflow("init", "local", "--yes")
    return estate


def make_environment(home: Path, programs: Path) -> dict[str, str]:
    """The variables that commands see.

    Args:
        home: the user's, made here.
        programs: where `azmlflow` is.
    """
    home.mkdir()
    kept = {name: os.environ[name] for name in ("LANG", "TMPDIR") if name in os.environ}
    cache = os.environ.get("AZMLFLOW_CACHE") or str(
        Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "azmlflow"
    )
    return {
        **kept,
        "PATH": os.pathsep.join([str(programs), os.environ["PATH"]]),
        "HOME": str(home),
        "AZMLFLOW_CACHE": cache,
        "COLUMNS": "160",
        "AZMLFLOW_STACK": "local",  # whatever another test has selected
    }
