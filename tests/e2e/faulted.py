"""A world in which commands fail: its state is put back from a snapshot instead of being built up again."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from azmlflow.cli.project.hold import read_note
from azmlflow.infra.plan.tags import CREATED_TAG
from azmlflow.localazure.core.store import Store
from azmlflow.localazure.front.faults import PAUSED, FaultRule, write_faults
from tests.e2e.estate import LONG, Estate
from tests.e2e.zygote import zygote

# What a snapshot leaves out: links to the checkout, the engine's plugins and logs, and all of the embedded Azure, which
# runs on, but its documents.
_LEFT_OUT = {"Pulumi.yaml", "infra", "engine", "home", "local", "local.lock", "pulumi", "logs"}
_STRIKES = "fault strikes: "  # how the embedded Azure's log tells of one
# What azure-native puts back by itself where an input goes, so that it sees no change there: an account that was taken
# over keeps them among its inputs (propertyDefaults.go).
_PUT_BACK = {
    "networkRuleSet": {"bypass": "AzureServices", "defaultAction": "Allow"},
    "publicNetworkAccess": "Enabled",
}
# What Azure says of a workspace that does not say it, and a workspace that was taken over keeps among its inputs: its
# program leaves them alone, as it does the state of a managed network.
_FILLED_IN = {
    "allowPublicAccessWhenBehindVnet": False,
    "description": "",
    "discoveryUrl": "https://westeurope.api.azureml.ms/discovery",
    "enableDataIsolation": False,
    "hbiWorkspace": False,
}
_COLLECTIONS = ("resources", "deleted", "locks", "definitions", "running")


class World:
    """An estate whose embedded Azure runs, and in which the CLI is typed with faults on.

    Args:
        estate: a folder in which nothing stands.
        snapshots: where snapshots go.

    Attributes:
        asked: how many requests to Resource Manager the commands made by which it was built up.
    """

    def __init__(self, estate: Estate, snapshots: Path) -> None:
        self.estate, self._snapshots = estate, snapshots
        self.state = estate.folder / ".azmlflow" / "local"
        self.asked: dict[str, int] = {}
        self._struck_before = 0

    def close(self) -> None:
        """Take the faults away, and stop the embedded Azure."""
        write_faults(self.state, ())
        self.estate.azmlflow("local", "stop")

    def set(self, settings: Mapping[str, Any]) -> None:
        """Lay settings over the stack's."""
        path = self.estate.folder / "Pulumi.local.yaml"
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        document["config"] |= settings
        path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")

    def keep(self, name: str) -> None:
        """Take a snapshot."""
        place = self._snapshots / name
        shutil.copytree(self.estate.folder, place / "files", ignore=lambda _folder, names: _LEFT_OUT & set(names))
        self._copy(self.state / "azure.db", place / "azure.db")

    def put_back(self, name: str) -> None:
        """Make everything as it was at a snapshot."""
        write_faults(self.state, ())
        (self.state / PAUSED).unlink(missing_ok=True)
        for folder in (self.estate.folder, self.estate.folder / ".azmlflow"):
            for path in folder.iterdir():
                if path.name in _LEFT_OUT | {".azmlflow"}:
                    continue
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.copytree(self._snapshots / name / "files", self.estate.folder, dirs_exist_ok=True)
        self._copy(self._snapshots / name / "azure.db", self.state / "azure.db")

    @staticmethod
    def _copy(source: Path, target: Path) -> None:
        with contextlib.closing(sqlite3.connect(source)) as old, contextlib.closing(sqlite3.connect(target)) as new:
            old.backup(new)

    def type(self, *words: str) -> tuple[int, str]:
        """Run `azmlflow WORDS` to its end: exit code, and what it said."""
        code, out, err = zygote().run(words, self.estate.folder, self.estate.environment, LONG)
        return code, err + out

    def type_until_done(self, *words: str) -> None:
        """Type the command, and again where it fails, as its own error says; the faults are on the first time."""
        said = ""
        for _ in range(3):
            code, said = self.type(*words)
            assert "Traceback" not in said, said
            assert "please report" not in said, said
            assert "unexpected" not in said, said
            write_faults(self.state, ())
            if code == 0:
                return
            assert "next:" in said, said
        raise AssertionError(f"{words} still fails: {said}")

    def kill_in_mid_request(self, *words: str, engine: bool = True) -> int:
        """Run a command until the cloud holds a request of its back, and kill it (-9).

        Args:
            words: the command.
            engine: kill its engine, too; else that is left without the plugin, which was in the command's process.

        Returns:
            The command's exit code: -9 if it was killed, 0 if it came to its end before.
        """
        mark, until = self.state / PAUSED, time.monotonic() + LONG
        pid = zygote().start(words, self.estate.folder, self.estate.environment)
        while not mark.exists():
            assert time.monotonic() < until
            if zygote().has_ended(0.01):
                break  # it made fewer requests
        else:
            note = read_note(self.estate.folder / ".azmlflow" / "holders" / "local.json")
            os.killpg(pid, signal.SIGKILL)
            if engine and note is not None and note.engine:
                with contextlib.suppress(ProcessLookupError):  # it had ended before
                    os.killpg(note.engine, signal.SIGKILL)
        code, _, _ = zygote().end()
        write_faults(self.state, ())
        mark.unlink(missing_ok=True)
        return code

    def strike(self, fault: FaultRule) -> None:
        """Turn a fault on."""
        self._struck_before = len(self._strikes())
        write_faults(self.state, (fault,))

    def struck(self) -> list[str]:
        """What the cloud's log tells of strikes since the fault was turned on, a line each."""
        return self._strikes()[self._struck_before :]

    def requests(self) -> int:
        """How many requests to Resource Manager's subscriptions its log tells of."""
        return sum(" /subscriptions" in line and _STRIKES not in line for line in self._log())

    def _strikes(self) -> list[str]:
        return [line.partition(_STRIKES)[2] for line in self._log() if _STRIKES in line]

    def _log(self) -> list[str]:
        return (self.state / "daemon.log").read_text(encoding="utf-8").splitlines()

    def seen(self) -> dict[str, Any]:
        """All that is in the cloud, in Pulumi's state and in the folder, comparable over two runs."""
        with contextlib.closing(Store(self.state / "azure.db")) as store:
            cloud: dict[str, Any] = {
                name: {
                    _key(key): (document.get("properties") or {}).get("provisioningState") for key, document in found
                }
                for name in _COLLECTIONS
                if (found := list(store.scan(name)))
            }
            # Those of the workspace's own identity have new names each time.
            scopes = sorted(document["properties"]["scope"] for _, document in store.scan("assignments"))
        config = self.estate.folder / ".azureml" / "config.json"
        return {
            "cloud": cloud,
            "assignments": scopes,
            "state": self._pulumi(),
            "config.json": json.loads(config.read_text()) if config.exists() else None,
        }

    def _pulumi(self) -> dict[str, Any] | None:
        path = self.estate.folder / ".azmlflow" / "backend" / ".pulumi" / "stacks" / "azmlflow" / "local.json"
        if not path.exists():
            return None
        deployment = json.loads(path.read_text())["checkpoint"]["latest"] or {}
        assert not deployment.get("pending_operations")
        return {
            entry["urn"]: (
                entry["type"],
                _id(entry),
                entry.get("parent"),
                _comparable(entry["type"], entry.get("inputs") or {}),
            )
            for entry in deployment.get("resources") or ()
        }


def _key(key: str) -> str:
    """A document's key; the workspace's id, a new one each time, is in the names of its container and its own rules."""
    return re.sub(r"(/__sys_pe_.+_|/azureml-blobstore-)[0-9a-f-]{8,36}$", r"\1some", key)


def _id(entry: dict[str, Any]) -> str | None:
    """A resource's id in the cloud; a provider's is a new one in each state."""
    id_ = entry.get("id")
    return id_ if id_ is None or id_.startswith("/") else "some"


def _comparable(type_: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """Inputs without the instant at which the stack was made, and without what azure-native puts back by itself, or
    Azure has filled in."""
    if type_ == "azure-native:machinelearningservices:Workspace":
        inputs = {name: value for name, value in inputs.items() if _FILLED_IN.get(name, ...) != value}
        if network := inputs.get("managedNetwork"):
            inputs["managedNetwork"] = {"isolationMode": network["isolationMode"]}
    if type_ == "azure-native:storage:StorageAccount":
        inputs = {name: value for name, value in inputs.items() if _PUT_BACK.get(name) != value}
    tags = inputs.get("tags")
    if not isinstance(tags, dict):
        return inputs
    return {**inputs, "tags": {name: value for name, value in tags.items() if name != CREATED_TAG}}
