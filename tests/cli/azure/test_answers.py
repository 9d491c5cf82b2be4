"""Answers that are not Azure's, or lead away from it: a typed error, no token, and nothing taken for an empty list."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.core.pipeline import PipelineContext, PipelineRequest, PipelineResponse
from azure.core.rest import HttpRequest

from azmlflow.cli.azure.errors import ArmError, ForeignAnswer, MalformedAnswer
from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.project import report
from azmlflow.rbac.live.policies import RetryAfter
from tests.cli.azure.asked import GROUP, SUBSCRIPTION, VAULTS, WORKSPACE, Asked
from tests.cli.wire import ENDPOINT, Response, answer

ID = SUBSCRIPTION.rpartition("/")[2]
SERVICE = "https://westeurope.api.azureml.ms/mlflow/v2.0/x/api/2.0/mlflow/experiments/search"
Ask = Callable[[ResourceManager], Any]

ELSEWHERE = [
    ("https://evil.example/x", "https://evil.example"),
    ("https://management.azure.com.evil.example/x", "https://management.azure.com.evil.example"),
    ("https://evil.example/management.azure.com", "https://evil.example"),
    ("https://management.azure.com@evil.example/x", "https://evil.example"),
    ("https://management.azure.com:secret@evil.example/x", "https://evil.example"),
    (r"https://management.azure.com\@evil.example/x", "https://evil.example"),
    ("https://management.azure.com:8443/x", "https://management.azure.com:8443"),
    ("http://management.azure.com/x", "http://management.azure.com"),
    ("ftp://management.azure.com/x", "ftp://management.azure.com"),
    ("https://westeurope.api.azureml.ms/x", "https://westeurope.api.azureml.ms"),
]
# How an answer leads somewhere, and what was asked.
WAYS: dict[str, tuple[Callable[[str], Response], Ask]] = {
    "a next page": (lambda url: answer(200, {"value": [], "nextLink": url}), lambda arm: arm.list(VAULTS)),
    "a next page of subscriptions": (
        lambda url: answer(200, {"value": [], "nextLink": url}),
        lambda arm: arm.subscriptions(),
    ),
    "a next page of groups": (lambda url: answer(200, {"value": [], "nextLink": url}), lambda arm: arm.groups(ID)),
    "a next page of locks": (lambda url: answer(200, {"value": [], "nextLink": url}), lambda arm: arm.locks(GROUP)),
    "a next page of assignments": (
        lambda url: answer(200, {"value": [], "nextLink": url}),
        lambda arm: arm.role_assignments(SUBSCRIPTION),
    ),
    "an operation": (lambda url: answer(202, None, {"Azure-AsyncOperation": url}), lambda arm: arm.delete(WORKSPACE)),
    "a location": (lambda url: answer(202, None, {"Location": url}), lambda arm: arm.post(f"{VAULTS}/kv", "purge")),
    "a redirect": (lambda url: answer(302, None, {"Location": url}), lambda arm: arm.get(WORKSPACE)),
    "a redirect of a deletion": (lambda url: answer(307, None, {"Location": url}), lambda arm: arm.delete(WORKSPACE)),
    "a redirect of a client of Microsoft's": (
        lambda url: answer(308, None, {"Location": url}),
        lambda arm: arm.group(GROUP),
    ),
}


@pytest.mark.parametrize(("url", "told"), ELSEWHERE)
@pytest.mark.parametrize("way", WAYS)
def test_an_answer_that_leads_elsewhere_is_not_followed(way: str, url: str, told: str) -> None:
    leads, ask = WAYS[way]
    azure = Asked(leads(f"{url}?sig=SECRET"), answer(200, {"value": [], "status": "Succeeded"}))
    with pytest.raises(ForeignAnswer) as caught:
        ask(azure.arm)
    assert len(azure.requests) == 1
    assert f"{told}:" in caught.value.what
    assert "https://management.azure.com" in caught.value.what
    assert "azmlflow doctor" in str(caught.value.next)
    assert "secret" not in str(caught.value.document()).lower()


@pytest.mark.parametrize("url", ["//evil.example/x", "/x", "x", "mailto:a@b"])
def test_an_operation_that_leads_to_no_host_is_not_followed(url: str) -> None:
    azure = Asked(answer(202, None, {"Location": url}), answer(200))
    with pytest.raises(ForeignAnswer):
        azure.arm.delete(WORKSPACE)
    assert len(azure.requests) == 1


@pytest.mark.parametrize("host", ["management.azure.com", "MANAGEMENT.azure.com", "management.azure.com:443"])
def test_the_same_host_is_followed_with_the_token(host: str) -> None:
    for leads, ask in WAYS.values():
        url = f"https://{host}/y"
        azure = Asked(leads(url), answer(200, {"id": "/x", "value": [], "status": "Succeeded"}))
        ask(azure.arm)
        assert url in azure.tokens()


def test_an_operation_that_leads_elsewhere_at_the_second_look_is_not_followed() -> None:
    azure = Asked(
        answer(202, None, {"Location": f"{ENDPOINT}/r/1"}), answer(202, None, {"Location": "https://evil.example/r/2"})
    )
    with pytest.raises(ForeignAnswer) as caught:
        azure.arm.delete(WORKSPACE)
    assert len(azure.requests) == 2
    assert caught.value.where == "/r/2"


def test_the_machine_learning_service_is_asked_with_the_token_and_leads_nowhere_else() -> None:
    azure = Asked(answer(200, {"experiments": [{}]}))
    assert azure.arm.call("POST", SERVICE, {"max_results": 1}) == {"experiments": [{}]}
    assert azure.tokens() == {SERVICE}
    for url in ("https://evil.example/x", f"{ENDPOINT}/x", "https://eastus.api.azureml.ms/x"):
        azure = Asked(answer(307, None, {"Location": url}), answer(200, {}))
        with pytest.raises(ForeignAnswer):
            azure.arm.call("POST", SERVICE, {})
        assert len(azure.requests) == 1


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/.api.azureml.ms",
        "https://westeurope.api.azureml.ms@evil.example/x",
        "https://westeurope.api.azureml.ms.evil.example/x",
        "https://evil.example#.api.azureml.ms",
        "https://evil.example?.api.azureml.ms",
        r"https://evil.example\.api.azureml.ms",
        "https://a@evil.example:1/.api.azureml.ms",
        "http://westeurope.api.azureml.ms/x",
        "https://evil.example:443\t.api.azureml.ms/x",
    ],
)
def test_what_a_workspace_says_of_its_region_leads_to_no_other_service(url: str) -> None:
    azure = Asked(answer(200, {}))
    with pytest.raises(ForeignAnswer):
        azure.arm.call("GET", url)
    assert azure.requests == []


# Seconds, or a date 90 seconds after the answer's own, in each of RFC 9110's three forms (5.6.7).
PAUSES = [
    ("7", [7]),
    ("0.5", [0.5]),
    ("Wed, 25 Nov 2026 10:01:30 GMT", [90]),
    ("Wednesday, 25-Nov-26 10:01:30 GMT", [90]),
    ("Wed Nov 25 10:01:30 2026", [90]),
    ("Wed, 25 Nov 2026 09:00:00 GMT", [1]),
    ("soon", [1]),
    ("", [1]),
    ("-5", [1]),
    ("inf", [1]),
    ("nan", [1]),
    ("1e999", [1]),
    ("1e300", [1]),
    ("86400", [1]),
    ("86399", [86399]),
    ("Fri, 25 Nov 2056 10:00:00 GMT", [1]),
    ("Wed, 99 Nov 2026 10:01:30 GMT", [1]),
    ("25 Nov 99999 10:01:30 GMT", [1]),
]


@pytest.mark.parametrize(("said", "slept"), PAUSES)
def test_a_pause_is_seconds_or_a_date_or_what_azure_core_makes_of_none(said: str, slept: list[float]) -> None:
    headers = {"Location": f"{ENDPOINT}/r/1", "Date": "Wed, 25 Nov 2026 10:00:00 GMT", "Retry-After": said}
    azure = Asked(answer(202, None, headers), answer(202, None, headers), answer(200), longest=1e6)
    assert azure.arm.delete(WORKSPACE)
    assert azure.slept == slept


@pytest.mark.parametrize(("said", "slept"), [(said, [] if slept == [1] else slept) for said, slept in PAUSES])
def test_so_it_is_before_another_attempt(said: str, slept: list[float]) -> None:
    headers = {"Date": "Wed, 25 Nov 2026 10:00:00 GMT", "Retry-After": said}
    azure = Asked(answer(429, None, headers), answer(200, {"id": WORKSPACE}))
    assert azure.arm.get(WORKSPACE) == {"id": WORKSPACE}
    assert azure.slept == slept  # azure-core's second attempt comes at once


def test_a_date_without_the_answers_own_is_taken_from_the_clock() -> None:
    policy = RetryAfter(lambda: datetime(2026, 11, 25, 10, 0, tzinfo=UTC))
    request = PipelineRequest(HttpRequest("GET", ENDPOINT), PipelineContext(None))
    response = answer(429, None, {"Retry-After": "Wed, 25 Nov 2026 10:00:12 GMT", "x-ms-retry-after-ms": "late"})
    policy.on_response(request, PipelineResponse(request.http_request, response, request.context))
    assert dict(response.headers) == {"Retry-After": "12.0"}


LISTS: dict[str, Ask] = {
    "by path": lambda arm: arm.list(VAULTS),
    "of subscriptions": lambda arm: arm.subscriptions(),
    "of groups": lambda arm: arm.groups(ID),
    "of resources": lambda arm: arm.resources(GROUP),
    "of locks": lambda arm: arm.locks(SUBSCRIPTION),
    "of assignments": lambda arm: arm.role_assignments(WORKSPACE),
    "of roles": lambda arm: arm.custom_roles(SUBSCRIPTION),
    "of roles of a name": lambda arm: arm.roles_called("n", GROUP),
    "of permissions": lambda arm: arm.permissions(GROUP),
}


@pytest.mark.parametrize("which", LISTS)
@pytest.mark.parametrize(
    "document",
    [
        {},
        {"error": "x"},
        {"value": None},
        {"value": {}},
        {"value": "x"},
        {"value": [None]},
        {"value": ["x"]},
        [],
        [{}],
        "x",
    ],
)
def test_a_list_without_entries_is_no_empty_list(which: str, document: object) -> None:
    azure = Asked(answer(200, document))
    with pytest.raises(MalformedAnswer, match="not Azure's") as caught:
        LISTS[which](azure.arm)
    assert str(caught.value.where).startswith("/subscriptions")
    assert "azmlflow doctor" in str(caught.value.next)


def test_the_second_page_is_looked_at_as_the_first() -> None:
    first = answer(200, {"value": [{"id": "x"}], "nextLink": f"{ENDPOINT}/page2"})
    for ask in LISTS.values():
        with pytest.raises(MalformedAnswer):
            ask(Asked(first, answer(200, {})).arm)


@pytest.mark.parametrize("entry", [{}, {"id": None}, {"id": 7}])
def test_a_resource_has_an_id(entry: object) -> None:
    """Else it could neither be told from others, nor deleted."""
    for ask in LISTS.values():
        if ask is not LISTS["of permissions"]:
            with pytest.raises(MalformedAnswer, match="without `id`"):
                ask(Asked(answer(200, {"value": [entry]})).arm)


@pytest.mark.parametrize("document", [{"value": []}, {}, {"id": 7, "properties": {}}, {"id": None}])
def test_what_is_got_by_its_id_has_one(document: object) -> None:
    """Else a page of a list, in its place, would be a resource that has no properties, whoever asks for them."""
    by_type: list[Callable[[ResourceManager], object]] = [
        lambda arm: arm.get(WORKSPACE), lambda arm: arm.group(GROUP), lambda arm: arm.role_assignment(f"{GROUP}/x"),
        lambda arm: arm.role_definition(f"{GROUP}/x"), lambda arm: arm.provider("s", "Microsoft.Storage"),
        lambda arm: arm.subscription("s"),
    ]  # fmt: skip
    for ask in by_type:
        with pytest.raises(MalformedAnswer, match="a resource without `id`"):
            ask(Asked(answer(200, document)).arm)


def test_what_microsofts_models_cannot_hold_is_told_in_one_line() -> None:
    with pytest.raises(ValueError, match="deserialize") as caught:
        Asked(answer(200, {"value": [{"id": "x", "properties": {"createdOn": "soon"}}]})).arm.role_assignments(GROUP)
    told = report.known(caught.value)
    assert told is not None
    assert "not Azure's" in told.what


def test_a_next_page_is_an_address() -> None:
    with pytest.raises(MalformedAnswer, match="nextLink"):
        Asked(answer(200, {"value": [], "nextLink": {"href": "x"}})).arm.list(VAULTS)


DOCUMENTS: dict[str, Ask] = {
    "by id": lambda arm: arm.get(WORKSPACE),
    "subscription": lambda arm: arm.subscription(ID),
    "provider": lambda arm: arm.provider(ID, "Microsoft.KeyVault"),
    "group": lambda arm: arm.group(GROUP),
    "assignment": lambda arm: arm.role_assignment(f"{GROUP}/providers/Microsoft.Authorization/roleAssignments/a"),
    "role": lambda arm: arm.role_definition(f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/a"),
    "registration": lambda arm: arm.register(ID, "Microsoft.KeyVault"),
    "answer to a question": lambda arm: arm.ask(f"{VAULTS.rpartition('/')[0]}/checkNameAvailability", {}),
    "answer of the service": lambda arm: arm.call("GET", SERVICE),
    **LISTS,
}


@pytest.mark.parametrize("body", [b"<html>sign in</html>", b"", b"{", b"[]", b'"x"', b"null", b"7", b"\xff\xfe"])
@pytest.mark.parametrize("which", DOCUMENTS)
def test_what_is_no_json_object_is_not_azures(which: str, body: bytes) -> None:
    with pytest.raises(MalformedAnswer, match="not Azure's: it is not a JSON object"):
        DOCUMENTS[which](Asked(Response(200, body)).arm)


@pytest.mark.parametrize("body", [b"", b"null", b'"done"', b'{"id": "x"}'])
def test_what_a_deletion_answers_is_nobodys_business(body: bytes) -> None:
    accepted = answer(202, None, {"Location": f"{ENDPOINT}/r/1"})
    assert Asked(Response(200, body)).arm.delete(WORKSPACE)
    assert Asked(accepted, Response(200, body)).arm.delete(WORKSPACE)


@pytest.mark.parametrize("body", [b"<html>sign in</html>", b"{", b"\xff\xfe", b'{"id": 5}', b'{"properties": []}'])
def test_a_page_in_place_of_a_deletions_answer_is_not_taken_for_its_success(body: bytes) -> None:
    with pytest.raises(MalformedAnswer):
        Asked(Response(200, body)).arm.delete(WORKSPACE)
    with pytest.raises(MalformedAnswer):
        Asked(answer(202, None, {"Location": f"{ENDPOINT}/r/1"}), Response(200, body)).arm.delete(WORKSPACE)


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{}", b"<html>", b'{"status": ""}', b'{"status": null}'])
def test_an_operation_without_a_status_has_not_ended(body: bytes) -> None:
    azure = Asked(answer(202, None, {"Azure-AsyncOperation": f"{ENDPOINT}/o"}), Response(200, body))
    with pytest.raises(MalformedAnswer, match=r"without a status|not a JSON object") as caught:
        azure.arm.delete(WORKSPACE)
    assert caught.value.where == WORKSPACE


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error": "no"}', b'{"error": ["no"]}', b'{"error": null}'])
def test_a_refusal_in_another_form_is_a_refusal(body: bytes) -> None:
    for ask in DOCUMENTS.values():
        with pytest.raises(ArmError, match="403: no reason given"):
            ask(Asked(Response(403, body)).arm)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        b"{}",
        b'{"error": "no"}',
        b'{"error": {"message": "no page"}}',
        b'{"code": "NotFound", "message": "no page"}',
    ],
)
def test_a_404_that_gives_no_reason_of_azures_is_no_absence(body: bytes) -> None:
    """Else who answers in Azure's place would have everything count as gone."""
    for name, ask in (*DOCUMENTS.items(), ("deletion", WAYS["an operation"][1])):
        if name != "answer of the service":
            with pytest.raises(MalformedAnswer, match="a 404 without a reason"):
                ask(Asked(Response(404, body)).arm)
    assert Asked(Response(404, body)).arm.call("GET", SERVICE) is None


@pytest.mark.parametrize("way", WAYS)
def test_what_is_no_address_is_not_azures(way: str) -> None:
    leads, ask = WAYS[way]
    azure = Asked(leads("https://[x/y"), answer(200, {"value": []}))
    with pytest.raises(MalformedAnswer, match="not an address"):
        ask(azure.arm)
    assert len(azure.requests) == 1


def test_a_redirect_that_leads_nowhere_is_a_refusal() -> None:
    for ask in (*DOCUMENTS.values(), WAYS["an operation"][1]):
        with pytest.raises(ArmError, match="304: no reason given"):
            ask(Asked(answer(304)).arm)
    with pytest.raises(ArmError, match="302: no reason given"):  # azure-core follows it for a GET only
        Asked(answer(302, None, {"Location": f"{ENDPOINT}/x"})).arm.delete(WORKSPACE)


def test_a_usages_name_is_azures() -> None:
    """(Microsoft, Azure Machine Learning "Usages - List" and "Quotas - List".)"""
    usage = {
        "id": "/x",
        "name": {"value": "Standard DSv2 Family", "localizedValue": "?"},
        "currentValue": 1,
        "limit": 9,
    }
    assert Asked(answer(200, {"value": [usage]})).arm.list(VAULTS) == (usage,)
