"""What the plugin tells through the engine."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from azmlflow.cli.pulumi import changes
from azmlflow.localazure.plugin import log
from azmlflow.localazure.plugin.log import EngineLog


class Engine(engine_pb2_grpc.EngineServicer):
    """As much of an engine as hears what is logged."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def Log(self, request: Any, context: Any) -> Any:
        self.heard.append(request)
        return empty_pb2.Empty()


@pytest.fixture
def engine() -> Iterator[tuple[Engine, str]]:
    """An engine and its address."""
    hears = Engine()
    server = grpc.server(ThreadPoolExecutor(1))
    engine_pb2_grpc.add_EngineServicer_to_server(hears, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield hears, f"127.0.0.1:{port}"
    server.stop(None).wait()


def test_a_warning_is_shown_at_its_resource(engine: tuple[Engine, str]) -> None:
    hears, address = engine
    EngineLog(address).warn("urn:pulumi:dev::p::t::n", "look here")
    (said,) = hears.heard
    assert (said.severity, said.urn, said.message) == (
        engine_pb2.LogSeverity.WARNING,
        "urn:pulumi:dev::p::t::n",
        "look here",
    )


def test_a_wait_is_told_without_a_resource(engine: tuple[Engine, str]) -> None:
    hears, address = engine
    EngineLog(address).wait("Azure asks us to wait")
    (said,) = hears.heard
    assert (said.severity, said.urn, said.message) == (
        engine_pb2.LogSeverity.INFO,
        "",
        "waiting: Azure asks us to wait",
    )


def test_azmlflow_shows_it_by_the_word_that_it_begins_with() -> None:
    assert changes.WAITING == log.WAITING


def test_an_engine_that_is_gone_hears_nothing() -> None:
    EngineLog("127.0.0.1:1").warn("urn", "text")
