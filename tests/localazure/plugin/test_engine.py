"""Pulumi's real engine over the provider and a little ARM in memory: what only the two together can show.

The engine joins the provider in this process (PULUMI_DEBUG_PROVIDERS), so that the tests can script ARM.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc.aio
import pulumi
import pytest
from pulumi import automation
from pulumi.runtime.proto import provider_pb2_grpc

from azmlflow.cli import engine
from azmlflow.localazure.plugin.arm import Arm
from azmlflow.localazure.plugin.install import install
from azmlflow.localazure.plugin.provider import AzureProvider
from azmlflow.localazure.plugin.server import Servicer

pytestmark = [
    pytest.mark.e2e,
    # Pulumi's SDK leaves coroutines behind when a program it runs inline fails; that is not ours to mend.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning"),
]
SUBSCRIPTION = "00000000-0000-0000-0000-00000000000a"
PASSWORD = "correct horse battery staple"


def _serve(arm: Arm) -> tuple[int, Callable[[], None]]:
    """Serve a provider over gRPC in a thread of its own; its port, and how to end it."""
    started, port = threading.Event(), list[int]()
    loop = asyncio.new_event_loop()
    ended = asyncio.Event()

    async def serve() -> None:
        server = grpc.aio.server()
        provider = AzureProvider(lambda: arm, lambda: None, SUBSCRIPTION)
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer([], "3.29.0", provider, ""), server)
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


class World:
    """A stack whose program is `self.program`, and what the engine did with it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.tags = folder, {"owner": "ann"}
        self.program: Callable[[], None] = self.vault
        self.stack = automation.create_or_select_stack("dev", "project", lambda: self.program())

    def vault(self) -> None:
        """A group and a vault with a secret among its tags."""
        from pulumi_azure_native import keyvault, resources

        group = resources.ResourceGroup("group", location="westeurope", tags=self.tags)
        properties = keyvault.VaultPropertiesArgs(
            tenant_id="t", sku=keyvault.SkuArgs(family="A", name=keyvault.SkuName.STANDARD)
        )
        vault = keyvault.Vault(
            "vault",
            resource_group_name=group.name,
            properties=properties,
            tags={"password": pulumi.Output.secret(PASSWORD), "plain": "text"},
        )
        pulumi.export("vault", vault.name)

    def up(self) -> dict[str, int]:
        return dict(self.stack.up().summary.resource_changes or {})

    def resources(self) -> dict[str, Any]:
        """What the state holds, by name, as it lies on disk."""
        import json

        (path,) = (self.folder / ".pulumi" / "stacks" / "project").glob("dev.json")
        deployment = json.loads(path.read_text())["checkpoint"]["latest"]
        return {item["urn"].rpartition("::")[2]: item for item in deployment.get("resources", [])}


@pytest.fixture
def world(arm: Arm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A stack on the little ARM."""
    found = engine.present(os.environ)
    assert found is not None, "no Pulumi engine: `make` gets one"
    port, end = _serve(arm)
    settings = {
        "PATH": f"{found.folder}{os.pathsep}{os.environ['PATH']}",
        "PULUMI_HOME": str(tmp_path),
        "PULUMI_BACKEND_URL": f"file://{tmp_path}",
        "PULUMI_CONFIG_PASSPHRASE": "x",
        "PULUMI_SKIP_UPDATE_CHECK": "1",
        "PULUMI_DEBUG_PROVIDERS": f"azure-native:{port}",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    install(tmp_path, "3.29.0")  # else the engine looks for the plugin on the internet before each run
    try:
        yield World(tmp_path)
    finally:
        end()


def test_a_life(world: World, azure: Any) -> None:
    assert dict(world.stack.preview().change_summary) == {"create": 3}
    assert azure.sent == []
    assert world.up() == {"create": 3}

    before = len(azure.sent)
    assert world.up() == {"same": 3}
    assert len(azure.sent) == before  # nothing changed: Azure is not even asked
    assert dict(world.stack.refresh().summary.resource_changes or {}) == {"same": 3}

    world.tags = {"owner": "bob"}
    assert world.up() == {"update": 1, "same": 2}

    (vault,) = (key for key in azure.documents if "vaults" in key)
    azure.documents[vault]["tags"]["by"] = "hand"
    assert dict(world.stack.refresh().summary.resource_changes or {}) == {"update": 1, "same": 2}
    assert world.up() == {"update": 1, "same": 2}
    assert "by" not in azure.documents[vault]["tags"]

    world.stack.destroy()
    assert azure.documents == {}


def test_secrets_stay_secret_through_every_verb(world: World, azure: Any) -> None:
    for step in (world.up, world.stack.refresh, lambda: world.tags.update(more="x"), world.up):
        step()
        assert PASSWORD not in (world.folder / ".pulumi/stacks/project/dev.json").read_text()
    vault = world.resources()["vault"]
    for side in ("inputs", "outputs"):
        assert "ciphertext" in vault[side]["tags"]["password"] and vault[side]["tags"]["plain"] == "text"
    (document,) = (body for key, body in azure.documents.items() if "vaults" in key)
    assert document["tags"]["password"] == PASSWORD


def test_a_new_name_replaces_before_or_after_as_the_old_one_was_made(world: World, azure: Any) -> None:
    from pulumi_azure_native import resources

    location = "westeurope"

    def program() -> None:
        resources.ResourceGroup("made-up", location=location)
        resources.ResourceGroup("named", resource_group_name="named", location=location)

    world.program = program
    world.up()
    location = "northeurope"
    azure.sent.clear()
    assert world.up() == {"replace": 2, "same": 1}
    order = {"made": list[str](), "named": list[str]()}
    for sent in azure.sent:
        if sent.method in ("PUT", "DELETE"):
            order["named" if sent.path.endswith("/named") else "made"].append(sent.method)
    assert order == {"made": ["PUT", "DELETE"], "named": ["DELETE", "PUT"]}


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
    with pytest.raises(automation.errors.CommandError, match="No room left"):
        world.up()
    assert "No room left" in world.resources()["vault"]["initErrors"][0]
    azure.scripted.clear()
    assert world.up() == {"update": 1, "same": 2}
    assert "initErrors" not in world.resources()["vault"]


def test_a_refusal_reads_as_azures_sentence_without_a_traceback(world: World, azure: Any) -> None:
    refusal = {"error": {"code": "AuthorizationFailed", "message": "The client 'ann' may not write vaults."}}
    azure.scripted.append(lambda sent: (403, {}, refusal) if sent.method == "PUT" and "vaults" in sent.path else None)
    with pytest.raises(automation.errors.CommandError, match="The client 'ann' may not write vaults") as caught:
        world.up()
    assert "Traceback" not in str(caught.value) and "site-packages" not in str(caught.value)
    assert "vault" not in world.resources() and "group" in world.resources()


def test_what_is_imported_converges(world: World, azure: Any) -> None:
    from pulumi_azure_native import resources

    def program() -> None:
        resources.ResourceGroup("group", resource_group_name="found", location="West Europe", tags={"a": "b"})

    identifier = f"/subscriptions/{SUBSCRIPTION}/resourcegroups/found"
    azure.documents[identifier] = {
        "id": identifier.replace("resourcegroups", "resourceGroups"),
        "name": "found",
        "location": "westeurope",
        "tags": {"a": "b"},
    }
    world.program = program
    with pytest.raises(automation.errors.CommandError, match="cannot create already existing resource"):
        world.up()
    found = [{"type": "azure-native:resources:ResourceGroup", "name": "group", "id": identifier}]
    world.stack.import_resources(
        resources=[automation.ImportResource(**item) for item in found], protect=False, generate_code=False
    )
    assert world.up() == {"same": 2}
