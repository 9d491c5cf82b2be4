"""Why pip failed, from what it said: the package by name, and what to do.

pip's own words stay in the job's log; here they become the job's reason. Matched on what pip 20 to 26 print.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from packaging.utils import canonicalize_name

from azmlflow.localazure.builder.plan import Plan, conda_alone
from azmlflow.localazure.environments.errors import UnusableEnvironment

# What the log says before packages are built without credentials; what pip said of wheels before that is no reason.
WITHOUT = "not all of it is there as wheels: the rest is had without the credentials of pip's settings"
_NO_CREDENTIALS = (
    "Source packages run code of their own, so they were had without the credentials of pip's settings: name versions "
    "that have wheels."
)
_NOTHING = re.compile(r"ERROR: No matching distribution found for (?P<what>[^\s(]+(?: ?[<>=!~][^\s(]*)*)")
_VERSIONS = re.compile(r"ERROR: Could not find a version .* \(from versions: (?P<versions>.*)\)")
_UNREACHABLE = re.compile(r"WARNING: Retrying .*(?:connection broken|timed out|Max retries)", re.IGNORECASE)
_BUILD = (
    re.compile(r"(?:ERROR: |error: )?Failed (?:building wheel for|to build) '?(?P<what>[A-Za-z0-9_.-]+)"),
    re.compile(r"╰─> (?P<what>(?!See above)[A-Za-z0-9_.-]+)\s*$"),
)
_CONFLICT = re.compile(r"ERROR: (?P<what>Cannot install .*) because .*conflicting dependencies")
_COLLECTING = re.compile(r"\s*Collecting (?P<what>\S+)")
_NAME = re.compile(r"[A-Za-z0-9_.-]+")


def reason(plan: Plan, lines: Iterable[str]) -> UnusableEnvironment:
    """What to tell of a build that failed.

    Args:
        plan: what was to be built.
        lines: the build's output.
    """
    told = [line.rstrip() for line in lines]
    without = next((number for number, line in enumerate(told) if line.endswith(WITHOUT)), None)
    found = _reason(plan, told if without is None else told[without:])
    if without is None:
        return found
    return UnusableEnvironment(f"{found} {_NO_CREDENTIALS}")


def _reason(plan: Plan, told: list[str]) -> UnusableEnvironment:
    missing = list(dict.fromkeys(found["what"].strip() for line in told if (found := _NOTHING.match(line))))
    if missing and any(_UNREACHABLE.search(line) for line in told):
        return _failed(plan, "pip's index did not answer; see `pip config list` for which it is, then submit again")
    if missing:
        return _missing(plan, missing, told)
    for pattern, why in (
        (_CONFLICT, "{what}: these want versions that exclude each other; loosen one of them"),
        *((each, f"'{{what}}' has no wheel for Python {plan.python.version} and could not be built; "
                 "name a version that has one") for each in _BUILD),
    ):  # fmt: skip
        hit = next((found for line in told if (found := pattern.search(line))), None)
        if hit is not None:
            return _failed(plan, why.format(what=hit["what"]))
    last = [found["what"] for line in told if (found := _COLLECTING.match(line))]
    if last and any("subprocess-exited-with-error" in line or line == "ERROR: Exception:" for line in told):
        version = plan.python.version
        return _failed(plan, f"'{last[-1]}' could not be built for Python {version}; name a version that has a wheel")
    errors = [line.removeprefix("ERROR: ") for line in told if line.startswith("ERROR: ")]
    return _failed(plan, errors[-1] if errors else "pip gave no reason")


def _missing(plan: Plan, missing: list[str], told: list[str]) -> UnusableEnvironment:
    names: dict[str, str] = {each: canonicalize_name(found[0]) for each in missing if (found := _NAME.match(each))}
    conda = sorted({name for name in names.values() if name in plan.conda})
    versions = next((found["versions"] for line in told if (found := _VERSIONS.match(line))), "none")
    if conda and versions == "none":
        return conda_alone(plan.name, conda)
    others = ", ".join(missing)
    if versions == "none":
        return _failed(plan, f"pip's index has no '{others}' for Python {plan.python.version}; check the name")
    return _failed(plan, f"pip's index has no '{others}' for Python {plan.python.version}, only {_short(versions)}")


def _short(versions: str) -> str:
    every = versions.split(", ")
    return versions if len(every) <= 6 else f"{every[0]}, ..., {', '.join(every[-4:])}"


def _failed(plan: Plan, why: str) -> UnusableEnvironment:
    return UnusableEnvironment(f"The environment '{plan.name}' could not be built: {why}. The log has pip's words.")
