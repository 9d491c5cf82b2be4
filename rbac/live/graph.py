"""The few questions to Microsoft Graph v1.0 that are asked here: who is called so, who is that, who is in a group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from azure.core import PipelineClient
from azure.core.credentials import TokenCredential
from azure.core.pipeline.policies import BearerTokenCredentialPolicy, HeadersPolicy, UserAgentPolicy
from azure.core.pipeline.transport import HttpTransport
from azure.core.rest import HttpRequest

from azmlflow.rbac.grants import PrincipalType
from azmlflow.rbac.live.errors import DirectoryForbidden, MalformedAnswer
from azmlflow.rbac.live.policies import Formed, OneHost, Retries, RetryAfter
from azmlflow.rbac.live.waits import OnWait

HOST = "graph.microsoft.com"
GRAPH = f"https://{HOST}"
# Requests under way at a time; Graph and ARM answer 429 to more than they like, and are obeyed then.
AT_ONCE = 8
COLLECTIONS: tuple[tuple[PrincipalType, str], ...] = (
    ("User", "users"),
    ("Group", "groups"),
    ("ServicePrincipal", "servicePrincipals"),
)


@dataclass(frozen=True)
class Found:
    """Any object of the directory; type `Other` for what cannot be granted access, such as a device in a group."""

    object_id: str
    type: str
    display_name: str


class Graph:
    """The few requests to Microsoft Graph v1.0 that are made here, with retries as Graph asks for them."""

    def __init__(
        self,
        credential: TokenCredential,
        transport: HttpTransport[Any, Any] | None = None,
        on_wait: OnWait | None = None,
    ) -> None:
        """Prepare the client; nothing is sent.

        Args:
            credential: who asks.
            transport: in place of the real one, for tests.
            on_wait: hears of each long wait that Graph asks for.
        """
        policies = [
            HeadersPolicy({"Accept": "application/json"}),
            UserAgentPolicy("azmlflow"),
            Retries(on_wait),
            OneHost(HOST),
            BearerTokenCredentialPolicy(credential, f"{GRAPH}/.default"),
            RetryAfter(),
            Formed("@odata.nextLink"),
        ]
        self._client: PipelineClient[Any, Any] = PipelineClient(GRAPH, policies=policies, transport=transport)

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def user(self, name: str) -> dict[str, Any] | None:
        """A user by principal name (guests' hold `#`) or object id; None if there is none."""
        return self._ask(HttpRequest("GET", f"{GRAPH}/v1.0/users/{quote(name, safe='@')}"), "id", absent=True)

    def find(self, collection: str, property_: str, value: str) -> list[dict[str, Any]]:
        """The objects of a collection (`users`, `groups`, `servicePrincipals`) whose property equals the value."""
        # OData: a quote within a text is doubled.
        text = value.replace("'", "''")
        return list(self._pages(f"/v1.0/{collection}", {"$filter": f"{property_} eq '{text}'"}))

    def beginning(self, collection: str, property_: str, text: str) -> list[dict[str, Any]]:
        """At most a hundred objects of a collection whose property begins so."""
        quoted = text.replace("'", "''")
        params = {"$filter": f"startswith({property_},'{quoted}')", "$top": "100"}
        return list(self._list(HttpRequest("GET", f"{GRAPH}/v1.0/{collection}", params=params))["value"])

    def by_id(self, object_id: str) -> dict[str, Any] | None:
        """Any object by its id, with its `@odata.type`; None if there is none."""
        types = ["user", "group", "servicePrincipal", "application"]
        body = {"ids": [object_id], "types": types}
        answer = self._list(HttpRequest("POST", f"{GRAPH}/v1.0/directoryObjects/getByIds", json=body))
        return next(iter(answer["value"]), None)

    def by_ids(self, object_ids: Sequence[str]) -> list[Found]:
        """Those of at most 1000 objects that exist, whatever their type; a name that may not be read is empty."""
        request = HttpRequest("POST", f"{GRAPH}/v1.0/directoryObjects/getByIds", json={"ids": list(object_ids)})
        answer = self._list(request)
        if answer.get("@odata.nextLink") and len(object_ids) > 1:
            # A further page of an answer to a POST: ask for less instead.
            half = len(object_ids) // 2
            return self.by_ids(object_ids[:half]) + self.by_ids(object_ids[half:])
        return [Found(str(each["id"]).lower(), type_of(each) or "Other", name_of(each)) for each in answer["value"]]

    def members(self, group: str) -> list[tuple[str, bool]]:
        """A group's direct members, object id and whether it is a group itself; none for a group that is gone."""
        found = self._pages(f"/v1.0/groups/{quote(group)}/members", {"$select": "id", "$top": "999"}, absent=True)
        return [(str(each["id"]), type_of(each) == "Group") for each in found]

    def _pages(self, path: str, params: dict[str, str], *, absent: bool = False) -> Iterator[dict[str, Any]]:
        request: HttpRequest | None = HttpRequest("GET", f"{GRAPH}{path}", params=params)
        while request is not None:
            page = self._list(request, absent=absent)
            yield from page["value"]
            following = page.get("@odata.nextLink")
            request = HttpRequest("GET", following) if following else None

    def _list(self, request: HttpRequest, *, absent: bool = False) -> dict[str, Any]:
        """A page of a list; an empty one where what it belongs to is not there and `absent` says that this may be.

        Raises:
            DirectoryForbidden, HttpResponseError: as `_ask`.
        """
        found = self._ask(request, "value", absent=absent)
        return {"value": []} if found is None else found

    def _ask(self, request: HttpRequest, member: str, *, absent: bool) -> dict[str, Any] | None:
        """The answer's JSON, which has that member; None for 404 where `absent` says that it means "there is none".

        Raises:
            DirectoryForbidden: who asks may not read the directory.
            HttpResponseError: Graph refused for another reason, still after retries.
            MalformedAnswer, ForeignAnswer: this is not an answer of Graph's.
        """
        asked = f"{request.method} {request.url.partition('?')[0]}"
        # Every POST made here is a question too.
        response = self._client.send_request(request, retry_on_methods=frozenset(("GET", "POST")))
        if response.status_code == 404 and absent:
            return None
        if response.status_code == 403:
            raise DirectoryForbidden(
                f"the directory may not be read by who is signed in ({asked}: 403): it needs User.Read.All, "
                "GroupMember.Read.All and Application.Read.All; or give the object id and its type (--type)"
            )
        response.raise_for_status()
        found: dict[str, Any] = response.json()  # an object: `Formed` has seen to it
        if found.get(member) is None:
            raise MalformedAnswer(f"nothing called '{member}'", asked)
        return found


def type_of(found: dict[str, Any]) -> PrincipalType | None:
    """The principal type of a directory object; None for what cannot be granted access, such as an application."""
    name = str(found.get("@odata.type", "")).rpartition(".")[2].lower()
    return next((type_ for type_, _ in COLLECTIONS if type_.lower() == name), None)


def name_of(found: dict[str, Any]) -> str:
    """What people call an object; empty where that may not be read."""
    return str(found.get("userPrincipalName") or found.get("displayName") or "")
