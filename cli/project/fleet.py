"""fleet.yaml: many workspaces of one checkout, each a stack, from common defaults.

    defaults:
      location: westeurope
      clusters: [{name: cpu}]
    workspaces:
      search-dev: {}
      search-prod:
        subscription: 00000000-0000-0000-0000-000000000000
        location: northeurope

Keys are the settings' own. What fleet.yaml says is written into `Pulumi.<stack>.yaml` before each `fleet up`; what it
does not name stays there as it is (grants, what `up` notes), and `null` takes a key away.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.project.project import Project, StackFile
from azmlflow.cli.project.selection import choose_stack
from azmlflow.cli.project.settings_file import write_settings
from azmlflow.cli.project.yaml_file import read_yaml
from azmlflow.infra.settings.namespace import NAMESPACE

NAME = "fleet.yaml"


@dataclass(frozen=True)
class Member:
    """One workspace of a fleet.

    Attributes:
        stack: its stack's name.
        ours: its settings by bare key, the defaults below its own; None takes a key away.
        subscription: its subscription; empty for the one that is signed in to.
        fault: what is wrong with its entry; empty if nothing.
    """

    stack: str
    ours: Mapping[str, Any]
    subscription: str = ""
    fault: str = ""

    def write(self, project: Project) -> StackFile:
        """Write its settings into its stack's file, if they are valid with what stands there.

        Raises:
            CliError: they are not, and nothing is written; or the file cannot be read or written.
        """
        from azmlflow.infra.settings.faults import SettingsError
        from azmlflow.infra.settings.settings import Settings

        path = project.settings_path(self.stack)
        config = dict(read_yaml(path).get("config") or {}) if path.exists() else {}
        config |= {f"{NAMESPACE}:{key}": value for key, value in self.ours.items()}
        try:
            Settings.from_mapping({key: value for key, value in config.items() if value is not None})
        except SettingsError as fault:
            told = "; ".join(f"{each.key}: {each.what}" for each in fault.faults)
            raise CliError(told, where=str(project.root / NAME), next=f"edit {NAME}") from None
        provider = {
            "azure-native:subscriptionId": self.subscription,
            "azure-native:location": self.ours.get("location"),
        }
        return write_settings(project, self.stack, self.ours, {key: value for key, value in provider.items() if value})


def read(project: Project, only: Sequence[str] = ()) -> tuple[Member, ...]:
    """The members of a checkout's fleet.

    Args:
        project: the checkout.
        only: names or globs; none for all.

    Raises:
        CliError: there is no such file, it is none of a fleet, two members are of one name, or nothing fits `only`.
    """
    path = project.root / NAME
    if not path.exists():
        smallest = f"printf 'workspaces:\\n  dev: {{}}\\n  prod: {{}}\\n' > {NAME}"
        raise CliError(f"there is no {NAME} here", where=str(path), next=f"{smallest}    (a fleet of two)")
    document = read_yaml(path)
    unknown = ", ".join(f"`{key}`" for key in document if key not in {"defaults", "workspaces"})
    if unknown:
        raise _wrong(path, f"{unknown} is no part of a fleet: `defaults` and `workspaces` are")
    defaults, workspaces = document.get("defaults") or {}, document.get("workspaces") or {}
    for key, value in (("defaults", defaults), ("workspaces", workspaces)):
        if not isinstance(value, dict):
            raise _wrong(path, f"`{key}` must be a mapping")
    _distinct(path, workspaces)
    members = _apart(_member(project, name, defaults, entry) for name, entry in workspaces.items())
    for pattern in only:
        if not any(fnmatch.fnmatchcase(each.stack, pattern) for each in members):
            raise _wrong(path, f"no workspace of the fleet is called `{pattern}`")
    return tuple(each for each in members if not only or any(fnmatch.fnmatchcase(each.stack, one) for one in only))


def _member(project: Project, name: str, defaults: Mapping[str, Any], entry: object) -> Member:
    if entry is not None and not isinstance(entry, dict):
        return Member(name, {}, fault=f"`{name}` must be a mapping of settings")
    try:
        choose_stack(project, name, {})
    except CliError as fault:
        return Member(name, {}, fault=fault.what)
    merged = {**defaults, **(entry or {})}
    ours = {key.removeprefix(f"{NAMESPACE}:"): value for key, value in merged.items()}
    return Member(name, ours, str(ours.pop("subscription", None) or ""))


def _apart(members: Iterable[Member]) -> tuple[Member, ...]:
    """The members, with a fault where one names what another has."""
    taken: dict[tuple[str, str], str] = {}
    found: list[Member] = []
    for member in members:
        fault = member.fault
        for key in ("resourceGroup", "storageAccount", "keyVault"):
            name = str(member.ours.get(key) or "")
            other = taken.setdefault((key, name.lower()), member.stack) if name else member.stack
            if other != member.stack:
                fault = f"{key} `{name}` is that of `{other}` too"
        found.append(replace(member, fault=fault))
    return tuple(found)


def _distinct(path: Path, workspaces: Mapping[str, Any]) -> None:
    seen: dict[str, str] = {}
    for name in workspaces:
        other = seen.setdefault(name.lower(), name)
        if other != name:
            raise _wrong(path, f"`{other}` and `{name}` are one name: Azure's ignore case")


def _wrong(path: Path, what: str) -> CliError:
    return CliError(what, where=str(path), next=f"edit {NAME}")
