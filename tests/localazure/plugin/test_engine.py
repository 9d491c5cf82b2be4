"""Pulumi's real engine over the provider and a little ARM in memory: what only the two together can show.

The engine joins the provider in this process (PULUMI_DEBUG_PROVIDERS), so that the tests can script ARM.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from pulumi.runtime.proto import provider_pb2_grpc

from azmlflow.cli.pulumi import engine
from azmlflow.localazure.plugin.client.client import Arm
from azmlflow.localazure.plugin.install import install
from azmlflow.localazure.plugin.provider import AzureProvider
from azmlflow.localazure.plugin.server import Servicer

pytestmark = pytest.mark.e2e
SUBSCRIPTION = "00000000-0000-0000-0000-00000000000a"
PASSWORD = "correct horse battery staple"
VAULT = """
import pulumi
from pulumi_azure_native import keyvault, resources

group = resources.ResourceGroup("group", location="westeurope", tags={"owner": "OWNER"})
properties = keyvault.VaultPropertiesArgs(tenant_id="t", sku=keyvault.SkuArgs(family="A", name="standard"))
tags = {"password": pulumi.Output.secret("PASSWORD"), "plain": "text"}
vault = keyvault.Vault("vault", resource_group_name=group.name, properties=properties, tags=tags)
pulumi.export("vault", vault.name)
""".replace("PASSWORD", PASSWORD)


def _serve(arm: Arm) -> tuple[int, Callable[[], None]]:
    """Serve a provider over gRPC in a thread of its own; its port, and how to end it."""
    started, port = threading.Event(), list[int]()
    loop = asyncio.new_event_loop()
    ended = asyncio.Event()

    async def serve() -> None:
        server = grpc.aio.server()
        provider = AzureProvider(lambda: arm, lambda: None, SUBSCRIPTION)
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer("3.29.0", provider), server)
        port.append(server.add_insecure_port("127.0.0.1:0"))
        await server.start()
        started.set()
        await ended.wait()
        await server.stop(None)

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert started.wait(10)

    def end() -> None:
        loop.call_soon_threadsafe(ended.set)
        thread.join(10)
        loop.close()

    return port[0], end


@dataclass(frozen=True)
class World:
    """A project folder with a stack, and Pulumi's commands in it."""

    folder: Path
    environment: dict[str, str]

    def write(self, program: str) -> None:
        (self.folder / "__main__.py").write_text(program)

    def pulumi(self, *words: str, fails: bool = False) -> str:
        """Run a command of Pulumi's; what it printed."""
        done = subprocess.run(
            ["pulumi", "--non-interactive", *words],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert (done.returncode != 0) is fails, done.stdout + done.stderr
        return done.stdout + done.stderr

    def changes(self, verb: str) -> dict[str, int]:
        """Run `up`, `refresh` or `destroy`; how many resources it did what to."""
        log = self.folder / "events.json"
        log.unlink(missing_ok=True)
        self.pulumi(verb, "--yes", "--skip-preview", "--event-log", str(log))
        events = [json.loads(line) for line in log.read_text().splitlines()]
        (summary,) = (event["summaryEvent"] for event in events if "summaryEvent" in event)
        return {step: count for step, count in summary["resourceChanges"].items() if count}

    def state(self) -> str:
        """The state as it lies on disk."""
        return (self.folder / ".pulumi" / "stacks" / "project" / "dev.json").read_text()

    def resources(self) -> dict[str, Any]:
        """What the state holds, by name."""
        deployment = json.loads(self.state())["checkpoint"]["latest"]
        return {item["urn"].rpartition("::")[2]: item for item in deployment.get("resources", [])}


@pytest.fixture
def world(arm: Arm, tmp_path: Path) -> Iterator[World]:
    """A stack on the little ARM, its program the vault's."""
    found = engine.present(os.environ)
    assert found is not None, "no Pulumi engine: `make` gets one"
    host = engine.ensure_language_host(found, os.environ, lambda _: None)
    port, end = _serve(arm)
    path = [str(Path(sys.executable).parent), str(found.folder), str(host), os.environ["PATH"]]
    environment = {
        "PATH": os.pathsep.join(path),
        "HOME": str(tmp_path),
        "PULUMI_HOME": str(tmp_path),
        "PULUMI_BACKEND_URL": f"file://{tmp_path}",
        "PULUMI_CONFIG_PASSPHRASE": "x",
        "PULUMI_SKIP_UPDATE_CHECK": "1",
        "PULUMI_DEBUG_COMMANDS": "1",  # lets `--event-log` be used
        "PULUMI_DEBUG_PROVIDERS": f"azure-native:{port}",
    }
    install(tmp_path, "3.29.0")  # else the engine looks for the plugin on the internet before each run
    (tmp_path / "Pulumi.yaml").write_text("name: project\nruntime: python\n")
    stack = World(tmp_path, environment)
    stack.write(VAULT)
    try:
        stack.pulumi("stack", "init", "dev")
        yield stack
    finally:
        end()


def test_a_life(world: World, azure: Any) -> None:
    world.pulumi("preview")
    assert azure.sent == []
    assert world.changes("up") == {"create": 3}

    before = len(azure.sent)
    assert world.changes("up") == {"same": 3}
    assert len(azure.sent) == before  # nothing changed: Azure is not even asked
    assert world.changes("refresh") == {"same": 3}

    world.write(VAULT.replace("OWNER", "BOB"))
    assert world.changes("up") == {"update": 1, "same": 2}

    (vault,) = (key for key in azure.documents if "vaults" in key)
    azure.documents[vault]["tags"]["by"] = "hand"
    assert world.changes("refresh") == {"update": 1, "same": 2}
    assert world.changes("up") == {"update": 1, "same": 2}
    assert "by" not in azure.documents[vault]["tags"]

    assert world.changes("destroy") == {"delete": 3}
    assert azure.documents == {}


def test_secrets_stay_secret_through_every_verb(world: World, azure: Any) -> None:
    world.changes("up")
    assert PASSWORD not in world.state()
    world.changes("refresh")
    assert PASSWORD not in world.state()
    world.write(VAULT.replace('"text"', '"other"'))
    assert world.changes("up")["update"] == 1
    vault = world.resources()["vault"]
    for side in ("inputs", "outputs"):
        assert "ciphertext" in vault[side]["tags"]["password"] and vault[side]["tags"]["plain"] == "other"
    assert PASSWORD not in world.state()
    (document,) = (body for key, body in azure.documents.items() if "vaults" in key)
    assert document["tags"]["password"] == PASSWORD


def test_a_replacement_comes_first_where_its_name_is_made_up(world: World, azure: Any) -> None:
    program = """
from pulumi_azure_native import resources

resources.ResourceGroup("made-up", location="westeurope")
resources.ResourceGroup("named", resource_group_name="named", location="westeurope")
"""
    world.write(program)
    world.changes("up")
    world.write(program.replace("westeurope", "northeurope"))
    azure.sent.clear()
    assert world.changes("up") == {"replace": 2, "same": 1}
    order: dict[str, list[str]] = {"made-up": [], "named": []}
    for sent in azure.sent:
        if sent.method in ("PUT", "DELETE"):
            order["named" if sent.path.endswith("/named") else "made-up"].append(sent.method)
    assert order == {"made-up": ["PUT", "DELETE"], "named": ["DELETE", "PUT"]}


def test_what_failed_half_way_is_kept_and_mended(world: World, azure: Any) -> None:
    accepted: list[str] = []

    def fail(sent: Any) -> Any:
        if sent.method == "PUT" and "vaults" in sent.path:
            accepted.append(sent.path)
            return 202, {"Azure-AsyncOperation": "/operation", "Retry-After": "0"}, None
        if sent.path == "/operation":
            return 200, {}, {"status": "Failed", "error": {"code": "Quota", "message": "No room left."}}
        if accepted and sent.path == accepted[0]:
            return 200, {}, {"id": sent.path, "name": "v", "properties": {"provisioningState": "Failed"}}
        return None

    azure.scripted.append(fail)
    assert "No room left" in world.pulumi("up", "--yes", "--skip-preview", fails=True)
    assert "No room left" in world.resources()["vault"]["initErrors"][0]
    azure.scripted.clear()
    azure.documents[accepted[0].lower()] = {"id": accepted[0], "name": "v", "properties": {}}
    assert world.changes("up") == {"update": 1, "same": 2}
    assert "initErrors" not in world.resources()["vault"]


def test_a_refusal_reads_as_azures_sentence_without_a_traceback(world: World, azure: Any) -> None:
    refusal = {"error": {"code": "AuthorizationFailed", "message": "The client 'ann' may not write vaults."}}
    azure.scripted.append(lambda sent: (403, {}, refusal) if sent.method == "PUT" and "vaults" in sent.path else None)
    said = world.pulumi("up", "--yes", "--skip-preview", fails=True)
    assert 'Status=403 Code="AuthorizationFailed" Message="The client \'ann\' may not write vaults."' in said
    assert "Traceback" not in said and "site-packages" not in said
    assert "vault" not in world.resources() and "group" in world.resources()


def test_what_is_imported_converges(world: World, azure: Any) -> None:
    identifier = f"/subscriptions/{SUBSCRIPTION}/resourcegroups/found"
    azure.documents[identifier] = {
        "id": identifier.replace("resourcegroups", "resourceGroups"),
        "name": "found",
        "location": "westeurope",
        "tags": {"a": "b"},
    }
    world.write(
        "from pulumi_azure_native import resources\n"
        'resources.ResourceGroup("group", resource_group_name="found", location="West Europe", tags={"a": "b"})\n'
    )
    said = world.pulumi("up", "--yes", "--skip-preview", fails=True)
    assert f"cannot create already existing resource '{identifier}'" in said
    found = [{"type": "azure-native:resources:ResourceGroup", "name": "group", "id": identifier}]
    (world.folder / "found.json").write_text(json.dumps({"resources": found}))
    options = ("--yes", "--skip-preview", "--generate-code=false", "--protect=false")
    world.pulumi("import", "--file", "found.json", *options)
    assert world.changes("up") == {"same": 2}


def test_the_engine_runs_the_official_plugin_where_it_is_linked(world: World, tmp_path: Path) -> None:
    """A stand-in for it, which writes down that it was started."""
    official = tmp_path / "users" / "pulumi-resource-azure-native"
    official.parent.mkdir()
    official.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/started\nexit 1\n')
    official.chmod(0o755)
    install(world.folder, "3.29.0", official)
    del world.environment["PULUMI_DEBUG_PROVIDERS"]
    world.pulumi("preview", fails=True)
    assert "127.0.0.1:" in (tmp_path / "started").read_text()  # the engine's address, as every plugin gets it
