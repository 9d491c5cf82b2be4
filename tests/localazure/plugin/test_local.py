"""The provider of a local stack: whom it trusts, who it is, what ends it, and to whom it tells what."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from azmlflow.localazure.plugin import local
from azmlflow.localazure.plugin.client import client, identity, transport
from azmlflow.localazure.plugin.log import EngineLog


def _made(environ: dict[str, str], log: EngineLog, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What the provider is made of: connect, stop, subscription, warn."""
    monkeypatch.setattr(local, "AzureProvider", lambda *given: given)
    return local.provider(environ, log)


def test_it_trusts_its_own_authority_alone_and_waits_until_it_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}

    def way(stopped: threading.Event, **options: Any) -> str:
        given.update(stopped=stopped, **options)
        return "way"

    def who(environ: dict[str, str], through: str) -> tuple[dict[str, str], str]:
        return environ, through

    monkeypatch.setattr(transport, "StoppableTransport", way)
    monkeypatch.setattr(identity, "credential", who)
    monkeypatch.setattr(client, "Arm", lambda *args, **options: (*args, options))
    environ, log = {"AZMLFLOW_CLOUD": f"local:{tmp_path}", "ARM_SUBSCRIPTION_ID": "s"}, EngineLog()
    connect, stop, subscription, warn = _made(environ, log, monkeypatch)
    assert (subscription, warn) == ("s", log.warn)
    (first, options), (second, others) = ((arm[:2], arm[2]) for arm in (connect(), connect()))
    assert first == second == ((environ, "way"), "way")
    assert given["verify"] == str(tmp_path / "ca.pem")
    assert not given["stopped"].is_set()
    stop()
    assert given["stopped"].is_set()
    assert options["on_wait"] == log.wait
    assert len({options["correlation_id"], others["correlation_id"]}) == 2
    assert len(options["correlation_id"]) == 36


def test_without_a_subscription_the_stacks_settings_name_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _made({"AZMLFLOW_CLOUD": f"local:{tmp_path}"}, EngineLog(), monkeypatch)[2] == ""


@pytest.mark.parametrize("cloud", [{}, {"AZMLFLOW_CLOUD": ""}, {"AZMLFLOW_CLOUD": "azure"}, {"AZMLFLOW_CLOUD": "/x"}])
def test_any_other_environment_is_refused(cloud: dict[str, str]) -> None:
    with pytest.raises(local.NotLocal) as refused:
        local.provider(cloud, EngineLog())
    assert str(refused.value) == (
        "this azure-native plugin is run by Pulumi's engine on a local stack only, never against the real Azure: "
        'AZMLFLOW_CLOUD is not "local:<folder>"; '
        'use `azmlflow up`, or `eval "$(azmlflow env --engine)"` and `pulumi up`'
    )


def test_before_an_engine_attaches_nobody_is_told() -> None:
    engine = EngineLog()
    engine.warn("urn", "text")
    engine.wait("text")
