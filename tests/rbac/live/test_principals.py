"""Whom a name, an address or an id means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from azmlflow.rbac.grants import PrincipalType
from azmlflow.rbac.live.errors import AmbiguousPrincipal, DirectoryForbidden, PrincipalUnknown
from azmlflow.rbac.live.principals import Grantee, resolve_principal
from tests.rbac.wire import (
    ALICE,
    APP,
    APP_OBJECT,
    BOB,
    NOBODY,
    SERVICE,
    SUBTEAM,
    TEAM,
    Credential,
    Wire,
    forbidden,
    graph,
)


def resolve(text: str, kind: PrincipalType | None = None, answer: Any = graph) -> Grantee:
    """The principal, by the directory above."""
    return resolve_principal(Credential(), text, kind=kind, transport=Wire(answer).transport())


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("alice@contoso.com", None, Grantee(ALICE, "User", "alice@contoso.com")),
        (" alice@contoso.com ", "User", Grantee(ALICE, "User", "alice@contoso.com")),
        ("alice.o'hara@contoso.com", None, Grantee(ALICE, "User", "alice@contoso.com")),  # mail, a quote doubled
        ("bob_other.com#EXT#@contoso.com", None, Grantee(BOB, "User", "bob_other.com#EXT#@contoso.com")),
        ("bob@other.com", None, Grantee(BOB, "User", "bob_other.com#EXT#@contoso.com")),
        ("team@contoso.com", None, Grantee(TEAM, "Group", "Sam")),
        ("Alice O'Hara", None, Grantee(ALICE, "User", "alice@contoso.com")),
        ("Subteam", None, Grantee(SUBTEAM, "Group", "Subteam")),
        ("trainer", None, Grantee(SERVICE, "ServicePrincipal", "trainer")),
        ("Sam", "Group", Grantee(TEAM, "Group", "Sam")),  # the type decides between two of a name
        (ALICE.upper(), None, Grantee(ALICE, "User", "alice@contoso.com")),
        (TEAM, "Group", Grantee(TEAM, "Group", "Sam")),
        (SERVICE, None, Grantee(SERVICE, "ServicePrincipal", "trainer")),
        # Neither the application id nor the application's own object id can be granted anything.
        (APP, None, Grantee(SERVICE, "ServicePrincipal", "trainer")),
        (APP_OBJECT, None, Grantee(SERVICE, "ServicePrincipal", "trainer")),
    ],
)
def test_everything_that_a_principal_is_called_leads_to_its_object_id(
    text: str, kind: PrincipalType | None, expected: Grantee
) -> None:
    assert resolve(text, kind) == expected


def test_a_name_of_two_is_refused_and_both_are_listed() -> None:
    with pytest.raises(AmbiguousPrincipal) as caught:
        resolve("Sam")
    assert {object_id for object_id, _, _ in caught.value.candidates} == {BOB, TEAM}
    head, *lines = str(caught.value).splitlines()
    assert "'Sam' names 2 principals" in head
    assert [line.split() for line in lines] == [
        [BOB, "User", "bob_other.com#EXT#@contoso.com"],
        [TEAM, "Group", "Sam"],
    ]


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("carol@contoso.com", None, r"no user, group or application 'carol@contoso.com'.*az ad user list"),
        ("team@contoso.com", "User", r"no user 'team@contoso.com'.*az ad user list"),  # it is a group's
        ("bob@other.com", "Group", r"no group 'bob@other.com'.*az ad group list"),
        ("nobodies", "Group", r"no group 'nobodies'.*az ad group list"),
        ("alice@contoso.com", "ServicePrincipal", r"no application 'alice@contoso.com'.*az ad sp list"),
        (NOBODY, None, f"has the id {NOBODY}.*az ad sp create --id {NOBODY}"),
        (ALICE, "Group", f"{ALICE} is a User, not a Group"),
        ("  ", None, "^an empty name is nobody's"),
    ],
)
def test_nobody_is_said_so_with_the_next_step(text: str, kind: PrincipalType | None, message: str) -> None:
    with pytest.raises(PrincipalUnknown, match=message):
        resolve(text, kind)


def test_an_address_is_asked_for_where_there_are_addresses() -> None:
    wire = Wire(graph)
    with pytest.raises(PrincipalUnknown):
        resolve_principal(Credential(), "carol@contoso.com", transport=wire.transport())
    collections = ("users", "groups", "servicePrincipals")
    assert wire.asked == [
        "GET graph.microsoft.com/v1.0/users/carol@contoso.com",
        # by mail, which no service principal has; then by name; then for a name that is near
        *(f"GET graph.microsoft.com/v1.0/{each}" for each in (*collections[:2], *collections, *collections)),
    ]


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("alise@contoso.com", "alice@contoso.com"),
        ("Zubteam", None),
        ("Subteem", "Subteam"),
        ("TRAINR", "trainer"),
        ("O'Hara", None),
    ],
)
def test_a_misspelt_name_gets_the_nearest(text: str, near: str | None) -> None:
    with pytest.raises(PrincipalUnknown) as unknown:
        resolve(text)
    assert ("did you mean" in str(unknown.value)) is (near is not None)
    assert f"(did you mean '{near}'?)" in str(unknown.value) or near is None


def test_where_graph_tells_no_near_names_the_answer_is_the_same() -> None:
    def plain(method: str, path: str, query: Mapping[str, str], body: Any) -> Any:
        if "startswith" in query.get("$filter", ""):
            return 400, {"error": {"code": "Request_UnsupportedQuery"}}
        return graph(method, path, query, body)

    with pytest.raises(PrincipalUnknown, match=r"'alise@contoso\.com' in the directory;"):
        resolve("alise@contoso.com", None, plain)


def test_without_the_directory_an_object_id_and_its_type_are_enough() -> None:
    assert resolve(ALICE, "User", forbidden) == Grantee(ALICE, "User", "")
    for text, kind in ((ALICE, None), ("alice@contoso.com", "User"), ("alice", None)):
        with pytest.raises(DirectoryForbidden, match=r"User\.Read\.All.*--type"):
            resolve(text, kind, forbidden)  # type: ignore[arg-type]


def test_other_refusals_are_not_hidden() -> None:
    with pytest.raises(HttpResponseError):
        resolve("alice", None, lambda *_: (400, {"error": {"code": "BadRequest"}}))


def test_graph_gets_a_token_for_graph_only() -> None:
    wire = Wire(graph)
    resolve_principal(Credential(), "trainer", transport=wire.transport())
    assert wire.tokens == {"Bearer for https://graph.microsoft.com/.default"}
    assert wire.asked == [f"GET graph.microsoft.com/v1.0/{each}" for each in ("users", "groups", "servicePrincipals")]
