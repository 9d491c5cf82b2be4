"""The plugin as a process and over gRPC: errors as sentences, partial failures kept, an end when the engine ends."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf import empty_pb2
from pulumi.provider.experimental import provider as base
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime import proto
from pulumi.runtime.proto import provider_pb2_grpc, status_pb2

from azmlflow.localazure.plugin.client.client import Arm
from azmlflow.localazure.plugin.provider import AzureProvider
from azmlflow.localazure.plugin.schema.values import plain_map, wrap_map
from azmlflow.localazure.plugin.server import Servicer
from tests.waits import bounded

SUBSCRIPTION = "00000000-0000-0000-0000-00000000000a"
GROUP_URN = "urn:pulumi:dev::p::azure-native:resources:ResourceGroup::g"
GROUP_INPUTS = {"resourceGroupName": "g", "location": "x"}
Asking = Callable[[Any], Awaitable[Any]]


def _struct(values: dict[str, Any]) -> Any:
    return PropertyValue.marshal_map(wrap_map(values))


def _plain(struct: Any) -> dict[str, Any]:
    return plain_map(PropertyValue.unmarshal_map(struct))


async def _talk(servicer: Servicer, conversation: Asking) -> Any:
    server = grpc.aio.server()
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            return await conversation(provider_pb2_grpc.ResourceProviderStub(channel))
    finally:
        await server.stop(None)


@pytest.fixture
def ask(arm: Arm) -> Callable[[Asking], Any]:
    """Runs a conversation with the provider over real gRPC."""
    provider = AzureProvider(lambda: arm, lambda: None, SUBSCRIPTION)
    return lambda conversation: asyncio.run(_talk(Servicer("3.29.0", provider), conversation))


class Listening:
    """A provider that keeps what it is asked, and answers as it is told."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: dict[str, Any] = {}

    def __getattr__(self, verb: str) -> Any:
        async def answer(request: Any) -> Any:
            self.asked = dict(vars(request))
            return self.answer

        return answer


def _asked(verb: str, request: Any, answer: Any) -> tuple[dict[str, Any], Any]:
    """What a provider is asked by a verb of the engine's, and what the engine gets for its answer."""
    provider: Any = Listening(answer)
    got = asyncio.run(_talk(Servicer("3.29.0", provider), lambda stub: getattr(stub, verb)(request)))
    return provider.asked, got


OLD, NEW, INPUTS = {"a": "old"}, {"a": "new"}, {"a": "input"}
A, B, C = wrap_map(OLD), wrap_map(NEW), wrap_map(INPUTS)


@pytest.mark.parametrize(
    ("verb", "request_", "answer", "asked", "got"),
    [
        (
            "Configure",
            proto.ConfigureRequest(variables={"n": "v"}, args=_struct(NEW), acceptSecrets=True, acceptResources=False),
            base.ConfigureResponse(
                accept_secrets=True, supports_preview=False, accept_resources=True, accept_outputs=True
            ),
            {"variables": {"n": "v"}, "args": B, "accept_secrets": True, "accept_resources": False},
            {"acceptSecrets": True, "supportsPreview": False, "acceptResources": True, "acceptOutputs": True},
        ),
        (
            "Check",
            proto.CheckRequest(urn="u", olds=_struct(OLD), news=_struct(NEW), randomSeed=b"seed"),
            base.CheckResponse(None, [base.CheckFailure("p", "r")]),
            {"urn": "u", "old_inputs": A, "new_inputs": B, "random_seed": b"seed"},
            {"failures": [proto.CheckFailure(property="p", reason="r")]},
        ),
        (
            "Diff",
            proto.DiffRequest(
                urn="u", id="i", olds=_struct(OLD), news=_struct(NEW), old_inputs=_struct(INPUTS), ignoreChanges=["x"]
            ),
            base.DiffResponse(changes=True, replaces=["r"], diffs=["d"], detailed_diff={}, delete_before_replace=True),
            {"urn": "u", "resource_id": "i", "old_state": A, "new_inputs": B, "old_inputs": C, "ignore_changes": ["x"]},
            {"changes": proto.DiffResponse.DIFF_SOME, "replaces": ["r"], "diffs": ["d"], "deleteBeforeReplace": True},
        ),
        (
            "Create",
            proto.CreateRequest(urn="u", properties=_struct(NEW), timeout=7.0, preview=True),
            base.CreateResponse(None, A),
            {"urn": "u", "properties": B, "timeout": 7.0, "preview": True},
            {"id": "", "properties": _struct(OLD)},
        ),
        (
            "Update",
            proto.UpdateRequest(
                urn="u",
                id="i",
                olds=_struct(OLD),
                news=_struct(NEW),
                old_inputs=_struct(INPUTS),
                timeout=7.0,
                ignoreChanges=["x"],
                preview=True,
            ),
            base.UpdateResponse(A),
            {
                **{"urn": "u", "resource_id": "i", "olds": A, "news": B, "old_inputs": C},
                **{"timeout": 7.0, "ignore_changes": ["x"], "preview": True},
            },
            {"properties": _struct(OLD)},
        ),
        (
            "Read",
            proto.ReadRequest(urn="u", id="i", properties=_struct(OLD), inputs=_struct(INPUTS)),
            base.ReadResponse("", A, B),
            {"urn": "u", "resource_id": "i", "properties": A, "inputs": C},
            {"id": "", "properties": _struct(OLD), "inputs": _struct(NEW)},
        ),
        (
            "Delete",
            proto.DeleteRequest(urn="u", id="i", properties=_struct(OLD), timeout=7.0),
            None,
            {"urn": "u", "resource_id": "i", "properties": A, "timeout": 7.0},
            {},
        ),
        (
            "Invoke",
            proto.InvokeRequest(tok="t", args=_struct(NEW)),
            base.InvokeResponse(None),
            {"tok": "t", "args": B},
            {"return": _struct({})},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_verb_asks_all_that_the_engine_says_and_answers_all_that_is_told(
    verb: str, request_: Any, answer: Any, asked: dict[str, Any], got: dict[str, Any]
) -> None:
    """pulumi's provider.proto has the engine's names, pulumi.provider.experimental.provider the other side's."""
    heard, said = _asked(verb, request_, answer)
    assert {name: heard.get(name) for name in asked} == asked
    assert {name: getattr(said, name) for name in got} == got


def test_an_engine_that_attaches_is_heard_of() -> None:
    heard: list[str] = []
    servicer = Servicer("3.29.0", Listening(None), on_attach=heard.append)  # type: ignore[arg-type]
    asyncio.run(_talk(servicer, lambda stub: stub.Attach(proto.PluginAttach(address="127.0.0.1:7"))))
    assert heard == ["127.0.0.1:7"]
    asyncio.run(_talk(Servicer("3.29.0", Listening(None)), lambda stub: stub.Attach(proto.PluginAttach(address="x"))))  # type: ignore[arg-type]


def test_secrets_are_left_to_the_engine_and_naming_rules_are_taken(ask: Any) -> None:
    answer = ask(lambda stub: stub.Configure(proto.ConfigureRequest(acceptSecrets=True)))
    assert (answer.acceptSecrets, answer.supportsPreview, answer.supports_autonaming_configuration) == (
        False,
        True,
        True,
    )
    assert ask(lambda stub: stub.Handshake(proto.ProviderHandshakeRequest())).supports_autonaming_configuration


def test_what_is_missing_is_named_by_its_property(ask: Any) -> None:
    urn = "urn:pulumi:dev::p::azure-native:keyvault:Vault::v"
    given = _struct({"resourceGroupName": "g", "vaultName": "vault", "location": "x"})
    failures = ask(lambda stub: stub.Check(proto.CheckRequest(urn=urn, news=given))).failures
    assert [(each.property, each.reason) for each in failures] == [("", "missing required property 'properties'")]


def test_a_naming_rule_of_each_mode_reaches_the_check(ask: Any) -> None:
    def named(mode: Any) -> str:
        rule = proto.CheckRequest.AutonamingOptions(proposed_name="proposed", mode=mode)
        request = proto.CheckRequest(urn=GROUP_URN, news=_struct({"location": "x"}), autonaming=rule)
        answer = ask(lambda stub: stub.Check(request))
        return str(_plain(answer.inputs).get("resourceGroupName", [each.reason for each in answer.failures]))

    modes = proto.CheckRequest.AutonamingOptions
    assert named(modes.PROPOSE) == "proposed"
    assert "resourceGroupName" in named(modes.DISABLE) and "proposed" not in named(modes.DISABLE)


def test_the_stacks_naming_rule_reaches_the_check(ask: Any) -> None:
    rule = proto.CheckRequest.AutonamingOptions(
        proposed_name="proposed", mode=proto.CheckRequest.AutonamingOptions.ENFORCE
    )
    request = proto.CheckRequest(urn=GROUP_URN, news=_struct({"location": "x"}), autonaming=rule)
    assert _plain(ask(lambda stub: stub.Check(request)).inputs)["resourceGroupName"] == "proposed"


def test_old_inputs_not_old_outputs_are_compared(ask: Any) -> None:
    request = proto.DiffRequest(
        urn=GROUP_URN,
        id="/id",
        olds=_struct({"location": "westeurope", "type": "noise"}),
        old_inputs=_struct(GROUP_INPUTS),
        news=_struct({**GROUP_INPUTS, "location": "y"}),
    )
    answer = ask(lambda stub: stub.Diff(request))
    assert answer.changes == proto.DiffResponse.DIFF_SOME
    assert list(answer.replaces) == ["location"] and answer.deleteBeforeReplace
    assert answer.detailedDiff["location"].kind == proto.PropertyDiff.UPDATE_REPLACE
    # Of inputs: the engine would else look for it in the outputs.
    assert answer.hasDetailedDiff and answer.detailedDiff["location"].inputDiff
    assert list(answer.diffs) == ["location"]
    request.news.CopyFrom(request.old_inputs)
    assert ask(lambda stub: stub.Diff(request)).changes == proto.DiffResponse.DIFF_NONE


def test_the_whole_life_of_a_resource(ask: Any) -> None:
    async def life(stub: Any) -> list[Any]:
        made = await stub.Create(proto.CreateRequest(urn=GROUP_URN, properties=_struct(GROUP_INPUTS)))
        tagged = _struct({**GROUP_INPUTS, "tags": {"a": "b"}})
        updated = await stub.Update(
            proto.UpdateRequest(
                urn=GROUP_URN, id=made.id, olds=made.properties, old_inputs=_struct(GROUP_INPUTS), news=tagged
            )
        )
        read = await stub.Read(
            proto.ReadRequest(urn=GROUP_URN, id=made.id, properties=updated.properties, inputs=tagged)
        )
        got = await stub.Invoke(
            proto.InvokeRequest(tok="azure-native:resources:getResourceGroup", args=_struct({"resourceGroupName": "g"}))
        )
        await stub.Delete(proto.DeleteRequest(urn=GROUP_URN, id=made.id))
        gone = await stub.Read(proto.ReadRequest(urn=GROUP_URN, id=made.id))
        states = [_plain(each.properties) for each in (made, updated, read)]
        assert [each["location"] for each in states] == ["x"] * 3
        assert [each.get("tags") for each in states] == [None, {"a": "b"}, {"a": "b"}]
        assert read.id == made.id
        return [made.id, _plain(read.inputs), _plain(getattr(got, "return"))["tags"], gone.id]

    identifier = f"/subscriptions/{SUBSCRIPTION}/resourcegroups/g"
    assert ask(life) == [identifier, {**GROUP_INPUTS, "tags": {"a": "b"}}, {"a": "b"}, ""]


def test_a_refusal_is_one_sentence(ask: Any, azure: Any) -> None:
    azure.scripted.append(lambda _: (403, {}, {"error": {"code": "AuthorizationFailed", "message": "You may not."}}))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        ask(lambda stub: stub.Create(proto.CreateRequest(urn=GROUP_URN, properties=_struct(GROUP_INPUTS))))
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert "You may not." in (caught.value.details() or "")
    assert "Traceback" not in (caught.value.details() or "") and "File " not in (caught.value.details() or "")


def test_a_preview_of_what_is_made_has_no_id(ask: Any) -> None:
    request = proto.CreateRequest(urn=GROUP_URN, properties=_struct(GROUP_INPUTS), preview=True)
    assert ask(lambda stub: stub.Create(request)).id == ""


def test_every_verbs_refusal_is_one_sentence(ask: Any, azure: Any) -> None:
    azure.scripted.append(lambda _: (403, {}, {"error": {"code": "AuthorizationFailed", "message": "You may not."}}))
    nobodys = GROUP_URN.replace("resources:ResourceGroup", "nowhere:Thing")
    group, identifier = _struct(GROUP_INPUTS), f"/subscriptions/{SUBSCRIPTION}/resourcegroups/g"
    function = proto.InvokeRequest(
        tok="azure-native:resources:getResourceGroup", args=_struct({"resourceGroupName": "g"})
    )
    asked: list[tuple[Asking, str]] = [
        (lambda stub: stub.Check(proto.CheckRequest(urn=nobodys, news=group)), "nowhere:Thing"),
        (lambda stub: stub.Diff(proto.DiffRequest(urn=nobodys, id="/id", news=group)), "nowhere:Thing"),
        (lambda stub: stub.Update(proto.UpdateRequest(urn=GROUP_URN, id=identifier, news=group)), "You may not."),
        (lambda stub: stub.Read(proto.ReadRequest(urn=GROUP_URN, id=identifier)), "You may not."),
        (lambda stub: stub.Delete(proto.DeleteRequest(urn=GROUP_URN, id=identifier)), "You may not."),
        (lambda stub: stub.Invoke(function), "You may not."),
    ]
    for conversation, word in asked:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            ask(conversation)
        assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION, word
        assert word in (caught.value.details() or "")
        assert "Traceback" not in (caught.value.details() or "")


def test_a_partial_failure_carries_the_resource(ask: Any, azure: Any) -> None:
    accepted: list[bool] = []

    def script(sent: Any) -> Any:
        if sent.method == "PUT":
            accepted.append(True)
            return 202, {"Azure-AsyncOperation": "/op", "Retry-After": "0"}, None
        if sent.path == "/op":
            return 200, {}, {"status": "Failed", "error": {"code": "Quota", "message": "No room."}}
        return (200, {}, {"id": "/the/g", "name": "g"}) if accepted else None

    azure.scripted.append(script)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        ask(lambda stub: stub.Create(proto.CreateRequest(urn=GROUP_URN, properties=_struct(GROUP_INPUTS))))
    metadata = dict(caught.value.trailing_metadata() or ())
    rich, detail = status_pb2.Status(), proto.ErrorResourceInitFailed()
    rich.ParseFromString(metadata["grpc-status-details-bin"])
    assert rich.details[0].Unpack(detail)
    assert (rich.code, rich.message) == (grpc.StatusCode.UNKNOWN.value[0], caught.value.details())
    assert "No room." in rich.message
    assert detail.id == "/the/g" and "No room." in detail.reasons[0]
    assert _plain(detail.properties)["name"] == "g"


def test_there_is_no_schema(ask: Any) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        ask(lambda stub: stub.GetSchema(proto.GetSchemaRequest()))
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    """The plugin's command line."""
    return [sys.executable, "-I", "-m", "azmlflow.localazure.plugin", "127.0.0.1:1"]


@pytest.fixture
def process(command: list[str], tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The plugin running on a local stack that has no Azure."""
    environment = {**os.environ, "AZMLFLOW_CLOUD": f"local:{tmp_path}"}
    running = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
    )
    yield running
    running.kill()
    running.communicate(timeout=60)


def test_the_process_says_its_port_and_ends_on_the_engines_signal(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    with bounded(process):
        port = int(process.stdout.readline())
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        info = provider_pb2_grpc.ResourceProviderStub(channel).GetPluginInfo(empty_pb2.Empty(), timeout=60)
    assert info.version == "3.29.0"
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0
    assert process.stderr is not None
    with bounded(process):
        assert process.stderr.read() == ""


def test_the_process_ends_when_the_engine_is_killed(command: list[str], tmp_path: Path) -> None:
    """The shell stands for an engine that dies without a word; the pipe closes only when the plugin is gone too."""
    environment = {**os.environ, "AZMLFLOW_CLOUD": f"local:{tmp_path}"}
    script = '"$@" & read -r line; kill -9 $$'
    words = ["/bin/sh", "-c", script, "sh", *command]
    with (
        subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True
        ) as engine,
        bounded(engine),
    ):
        assert engine.stdout is not None and engine.stdin is not None
        assert int(engine.stdout.readline()) > 0
        engine.stdin.write("die\n")
        engine.stdin.close()
        assert engine.stdout.read() == ""
        assert engine.wait(timeout=60) == -signal.SIGKILL
