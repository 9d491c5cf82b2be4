"""An answer that Graph does not give is an error, and never taken for an empty directory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from azmlflow.rbac.live.azure import read_facts
from azmlflow.rbac.live.people import read_directory
from azmlflow.rbac.live.principals import resolve_principal
from tests.rbac.live.test_azure import cloud
from tests.rbac.wire import ALICE, SCOPE, SUB, Answer, Credential, Wire

ASKED: dict[str, Callable[[Wire], object]] = {
    "by id": lambda wire: resolve_principal(Credential(), ALICE, transport=wire.transport()),
    "by name": lambda wire: resolve_principal(Credential(), "alice", transport=wire.transport()),
    "by address": lambda wire: resolve_principal(Credential(), "alice@contoso.com", transport=wire.transport()),
    "names": lambda wire: read_directory(Credential(), [ALICE], transport=wire.transport()),
}


@pytest.mark.parametrize("answer", [(200, b"<h1>Sign in</h1>"), (200, {}), (200, []), (200, {"value": None})])
@pytest.mark.parametrize("asked", ASKED)
def test_an_answer_of_another_shape_is_an_error(asked: str, answer: Any) -> None:
    with pytest.raises(HttpResponseError, match=r"graph\.microsoft\.com"):
        ASKED[asked](Wire(lambda *_: answer))


@pytest.mark.parametrize("asked", ["by id", "by name", "names"])
def test_a_list_that_is_not_there_is_not_an_empty_one(asked: str) -> None:
    """Everybody would be told to be deleted."""
    with pytest.raises(HttpResponseError):
        ASKED[asked](Wire(lambda *_: (404, {"error": {"code": "Request_ResourceNotFound", "message": "?"}})))


def test_the_members_of_a_group_that_is_gone_are_none() -> None:
    def answer(method: str, path: str, query: Mapping[str, str], body: Any) -> Answer:
        if path.endswith("/members"):
            return 404, {"error": {"code": "Request_ResourceNotFound"}}
        return cloud(method, path, query, body)

    assert read_facts(Credential(), SUB, SCOPE, transport=Wire(answer).transport()).memberships == {}
