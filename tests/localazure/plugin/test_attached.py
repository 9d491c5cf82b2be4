"""The plugin inside another process: an engine finds it, hears of it, and it ends with its context."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime import proto
from pulumi.runtime.proto import provider_pb2_grpc

from azmlflow.localazure.plugin import attached as plugin
from azmlflow.localazure.plugin.attached import attached
from azmlflow.localazure.plugin.local import NotLocal
from azmlflow.localazure.plugin.log import EngineLog
from azmlflow.localazure.plugin.writes import Writer
from tests.localazure.plugin.test_server import GROUP_INPUTS, GROUP_URN, _struct


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A local stack's environment, with nobody behind it."""
    return {
        "AZMLFLOW_CLOUD": f"local:{tmp_path}",
        "IDENTITY_ENDPOINT": "http://127.0.0.1:1/x/msi/token",
        "IDENTITY_HEADER": "h",
        "ARM_SUBSCRIPTION_ID": "s",
    }


def _port(variables: dict[str, str]) -> int:
    package, _, port = variables["PULUMI_DEBUG_PROVIDERS"].partition(":")
    assert package == "azure-native"
    return int(port)


def test_an_engine_attaches_and_the_port_closes_with_the_context(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(EngineLog, "attach", lambda _self, address: told.append(address))
    with attached(environ) as variables:
        port = _port(variables)
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = provider_pb2_grpc.ResourceProviderStub(channel)
            stub.Attach(proto.PluginAttach(address="127.0.0.1:1"), timeout=60)
            assert told == ["127.0.0.1:1"]
            assert stub.GetPluginInfo(empty_pb2.Empty(), timeout=60).version == "3.29.0"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 10)


def test_what_keeps_it_from_serving_is_told_at_once(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object) -> None:
        raise OSError("no port is free")

    monkeypatch.setattr(plugin, "serving", refuses)
    with pytest.raises(OSError, match="no port is free"), attached(environ):
        pytest.fail("it serves")


def test_a_request_under_way_holds_nothing_up(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    asked, answer = threading.Event(), threading.Event()

    def blocks(*_: object) -> None:
        asked.set()
        answer.wait(60)

    monkeypatch.setattr(Writer, "create", blocks)
    with attached(environ) as variables, grpc.insecure_channel(f"127.0.0.1:{_port(variables)}") as channel:
        stub = provider_pb2_grpc.ResourceProviderStub(channel)
        made = stub.Create.future(proto.CreateRequest(urn=GROUP_URN, properties=_struct(GROUP_INPUTS)), timeout=60)
        assert asked.wait(60)
    assert made.exception(timeout=60) is not None
    assert not answer.is_set()
    answer.set()


def test_only_a_local_stack_is_served(environ: dict[str, str]) -> None:
    del environ["AZMLFLOW_CLOUD"]
    with pytest.raises(NotLocal, match="never against the real Azure"), attached(environ):
        pytest.fail("it serves")
