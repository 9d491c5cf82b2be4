"""One broken document stops nobody: it is left out, and told once."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from azmlflow.localazure.cloud.skipped import Skipped, left_out
from azmlflow.localazure.core.collections import RESOURCES
from azmlflow.localazure.core.errors import AzureError
from tests.localazure.control import BODIES, CHAIN, COMPUTE, RG, STORAGE, SUB, VAULT, WORKSPACE, Azure


def _break(azure: Azure, id_: str, document: dict[str, Any]) -> None:
    """Keep under an id what no request could have put there, as an older version might have."""
    azure.cloud.store.put(RESOURCES, id_.lower(), document)


def test_what_cannot_be_made_is_left_out_and_told_once(azure: Azure, caplog: pytest.LogCaptureFixture) -> None:
    skipped = Skipped(azure.cloud.state)
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            assert skipped.each(["1", "x", "3"], lambda text: f"the {text}", int) == [1, 3]
    assert [record.getMessage().splitlines()[0] for record in caplog.records] == [
        "'the x' is broken (ValueError) and left out; this is said once:"
    ]
    assert left_out(azure.cloud.state) == (("the x", "ValueError"),)
    Skipped(azure.cloud.state)
    assert left_out(azure.cloud.state) == (), "what an earlier one left out is forgotten"


def test_what_azure_says_is_no_broken_document(azure: Azure) -> None:
    def refused(_thing: str) -> None:
        raise AzureError(403, "AuthorizationFailed", "no")

    with pytest.raises(AzureError):
        Skipped(azure.cloud.state).each(["x"], str, refused)


def test_lists_go_on_without_a_broken_resource(azure: Azure) -> None:
    azure.make(*CHAIN[:6])
    broken = STORAGE.replace("stacct1", "broken1")
    _break(azure, broken, {"id": broken, "name": "broken1", "type": "Microsoft.Storage/storageAccounts"})
    for path in (f"{RG}/resources", f"{SUB}/resources"):
        told = azure.arm("GET", path)
        assert (told.status, VAULT in [each["id"] for each in told.body["value"]]) == (200, True)
    assert azure.arm("GET", f"{SUB}/resourcegroups").status == 200


def test_an_idle_time_that_is_none_or_endless_is_refused(azure: Azure) -> None:
    azure.make(*CHAIN[:6], COMPUTE)
    idle = {**BODIES[COMPUTE]["properties"]["properties"]["scaleSettings"]}
    for length in ("P99999999999999D", "P36501D", "PT", "P", "1 day", 7):
        scale = {**idle, "nodeIdleTimeBeforeScaleDown": length}
        inner = {**BODIES[COMPUTE]["properties"]["properties"], "scaleSettings": scale}
        body = {**BODIES[COMPUTE], "properties": {**BODIES[COMPUTE]["properties"], "properties": inner}}
        refused = azure.arm("PUT", f"{WORKSPACE}/computes/endless", body)
        assert (refused.status, refused.code) == (400, "BadRequest"), length


def test_a_character_that_is_none_is_never_kept(azure: Azure) -> None:
    azure.make(RG)
    with pytest.raises(AzureError, match="cannot be written as UTF-8"):
        azure.cloud.store.put(RESOURCES, "x", {"tags": {"a": "\ud800"}})
    with pytest.raises(AzureError, match="a number that is not one"):
        azure.cloud.store.put(RESOURCES, "x", {"amount": float("nan")})
    assert azure.arm("GET", f"{SUB}/resourcegroups").status == 200
