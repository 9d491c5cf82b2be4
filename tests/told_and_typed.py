"""Which of the commands that are told no test types: told forms, with their holes, against lines that are typed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from pathlib import Path

from tests.e2e.typed import AZ, DAY, FIRST, SETTINGS
from tests.hints import HOLE

# Typed in other end-to-end tests: the form, whose group is a word of that file.
ELSEWHERE = {
    r"azmlflow (adopt) .+": "test_adoption.py",
    r"azmlflow (deploy) .+": "test_deployments.py",
    r"azmlflow (score) .+": "test_deployments.py",
    r"azmlflow run .*-- \.venv-examples/bin/python examples/(\w+\.py).*": "*.py",
    r"azmlflow local start --(latency) azure": "test_interrupt.py",
    r"azmlflow (-C) infra init local": "test_installed.py",
    r"azmlflow (ui)(?: https://.+| --as .+)?": "test_ui.py",
    r"azmlflow run --without-stack (?:--as .+ )?-- (tofu) .+": "tofu.py",
    r"azmlflow run --without-stack (?:--as .+ )?-- (az) .+": "test_az.py",
    r"azmlflow (verify)(?: --python .+)?": "test_verify.py",
}
# What no test types, and why.
NEVER = {
    "azmlflow run -- jupyter lab": "it is not installed where tests run",
    "azmlflow run --as alice@local.test -- code": "it is not installed where tests run",
    "azmlflow local logs --lines 200 --follow": "it has no end",
    "azmlflow why": "it asks at a terminal",
    "azmlflow local": "a command of it is what is meant",
    "az login": "it opens a browser, at Microsoft",
    f"az login --tenant {HOLE}": "it opens a browser, at Microsoft",
    "az login --tenant TENANT": "it opens a browser, at Microsoft",
    "az extension add --name ml": "it is not in any package registry: Microsoft's own index has it",
    f"az ml workspace delete --name {HOLE} --resource-group {HOLE} --permanently-delete": "it takes that extension",
    "az ml workspace delete --name NAME --resource-group GROUP --permanently-delete": "it takes that extension",
    "az policy assignment list": "the embedded Azure has no policies",
}

# Which stack is meant, that nobody is asked, and how it is printed: the same for all commands.
_COMMON = re.compile(r" (?:(?:--stack|-s) \S+|--yes|-o json|--output json)(?= |$)")
# NAME, PERSONA, NAME@DOMAIN; and examples of who, and as what: any other would do as well.
_ANY = re.compile(
    r"[A-Z][A-Z@_]+|[\w.]+@[\w.]+|data-scientists|(?:viewer|tracker|registrar|deployer)(?:\+registrar)?|20\d\d-\d\d-\d\d"
)


def untyped(told: Iterable[str]) -> list[str]:
    """Those of the told commands that no test types.

    Args:
        told: commands as told, with `HOLE` or a word in capitals for what is not known before.
    """
    typed = [_plain(row.line) for rows in (FIRST, SETTINGS, AZ, *DAY.values()) for row in rows]
    forms = {line: _plain(line) for line in told}
    return sorted(line for line, form in forms.items() if form not in NEVER and not _is_typed(form, typed))


def _is_typed(form: str, typed: Iterable[str]) -> bool:
    looks = re.compile(" ".join(map(_word, form.split(" "))))
    if any(looks.fullmatch(line) for line in typed):
        return True
    found = ((re.fullmatch(pattern, form), files) for pattern, files in ELSEWHERE.items())
    return any(match and _stands_in(files, match[1]) for match, files in found)


def _stands_in(files: str, word: str) -> bool:
    whole = re.compile(rf'"{re.escape(word)}|--{re.escape(word)}"')
    return any(whole.search(path.read_text()) for path in (Path(__file__).parent / "e2e").glob(files))


def _plain(line: str) -> str:
    """Without what is common to all commands, and without what a shell does with the answer."""
    return " ".join(shlex.split(_COMMON.sub("", re.split(r" [|>] | 2>&1", line)[0])))


def _word(word: str) -> str:
    return ".+" if _ANY.fullmatch(word) else ".*".join(map(re.escape, word.split(HOLE)))
