"""Mending what `azmlflow local repair` finds: the embedded Azure's own parts, and those of Pulumi's local stacks.

Nothing is thrown away: what is damaged is kept, and told where.
"""

from __future__ import annotations

import base64
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from azmlflow.cli.frame.words import Say
from azmlflow.cli.local.entering import set_state_aside
from azmlflow.cli.project.project import Project, read_stack
from azmlflow.cli.pulumi.deployment import checkpoint_path, fault_of

_ROUNDS = 1_000_000  # of PBKDF2, as Pulumi's passphrase secrets have it (sdk/go/common/resource/config/crypt.go)
_UP = "`azmlflow up` makes it again, from what stands on the embedded Azure"


@dataclass(frozen=True)
class Part:
    """One thing that was looked at.

    Attributes:
        words: what people call it.
        fault: what is wrong with it; None if nothing is.
        done: what was done about it.
        kept: where the damaged one is now; None if it was not touched.
    """

    words: str
    fault: str | None = None
    done: str = ""
    kept: Path | None = None

    def document(self) -> dict[str, str | bool | None]:
        """As `--output json` prints it."""
        kept = str(self.kept) if self.kept else None
        return {"part": self.words, "whole": self.fault is None, "fault": self.fault, "done": self.done, "kept": kept}


def repair(project: Project, now: datetime, say: Say) -> tuple[Part, ...]:
    """Look at every part, and mend what is damaged.

    Raises:
        CliError: a settings file cannot be read; then nothing was touched.
        LocalError: the embedded Azure cannot be stopped.
        OSError, sqlite3.Error: the disk refuses.
    """
    from azmlflow.localazure.process import daemon

    stacks = [name for name in project.stacks() if read_stack(project, name).local]
    own = daemon.repair(project.local, now, say) if project.local.exists() else ()
    ours = [Part(each.part.words, each.fault, each.done, each.kept) for each in own]
    return (*ours, *_pulumi(project, stacks, now))


def _pulumi(project: Project, stacks: Sequence[str], now: datetime) -> Iterator[Part]:
    wrong = [name for name in stacks if not opens(project, name)]
    if wrong:
        kept = set_state_aside(project)
        called = ", ".join(wrong)
        yield Part("the passphrase", f"it does not open the state of {called}", f"a new state begins: {_UP}", kept)
    elif stacks:
        yield Part("the passphrase")
    for name in stacks:
        path = checkpoint_path(project.backend, project.name, name)
        if path.exists():
            yield _state(path, name, project.state / "damaged" / f"{now:%Y%m%dT%H%M%S}")


def _state(path: Path, stack: str, aside: Path) -> Part:
    words = f"Pulumi's state of stack {stack}"
    fault = fault_of(path)
    if fault is None:
        return Part(words)
    aside.mkdir(parents=True, exist_ok=True, mode=0o700)
    kept = aside / path.name
    shutil.move(path, kept)
    backup = path.with_name(f"{path.name}.bak")
    if backup.exists() and fault_of(backup) is None:
        shutil.copy2(backup, path)
        return Part(words, fault, f"Pulumi's own copy of the state before takes its place; {_UP}", kept)
    for torn in (backup, path.with_name(f"{path.name}.attrs")):
        if torn.exists():
            shutil.move(torn, aside / torn.name)
    return Part(words, fault, f"a new state begins: {_UP}", kept)


def opens(project: Project, stack: str) -> bool:
    """Whether the passphrase opens a stack's secrets: its salt bears a text that was made with it.

    (`v1:SALT:v1:NONCE:TEXT`, where TEXT is "pulumi": pulumi pkg/secrets/passphrase.)
    """
    found = re.search(
        r"^encryptionsalt: *(\S+)", project.settings_path(stack).read_text(encoding="utf-8"), re.MULTILINE
    )
    if found is None:
        return True
    try:
        passphrase = project.passphrase.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return False
    return _decrypts(found[1].strip("'\""), passphrase)


def _decrypts(salt: str, passphrase: str) -> bool:
    import hashlib

    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    decode: Callable[[str], bytes] = base64.b64decode
    try:
        version, seed, _, nonce, text = salt.split(":")
        key = hashlib.pbkdf2_hmac("sha256", passphrase.encode(), decode(seed), _ROUNDS, 32)
        return version == "v1" and AESGCM(key).decrypt(decode(nonce), decode(text), None) == b"pulumi"
    except (ValueError, InvalidTag):
        return False
