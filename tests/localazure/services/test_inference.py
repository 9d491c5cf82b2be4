"""Scoring: who may, which deployment answers, what a client is told of a model's failure, and what no model sees."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from azmlflow.localazure.cloud.serving import Backend
from azmlflow.localazure.core.clock import SystemClock
from azmlflow.localazure.principals.tokens import MACHINE_LEARNING, MANAGEMENT, Tokens
from azmlflow.localazure.process.app import build_app
from azmlflow.localazure.services import inference
from tests.localazure.answering import Model
from tests.localazure.control import ALICE, BLUE, CHAIN, DEVELOPER, ENDPOINT, GREEN, WORKSPACE, Azure

URL = "https://wine.westeurope.inference.ml.azure.com/score"


class Scoring:
    """An endpoint with two deployments, whose processes are models of the test's."""

    def __init__(self, azure: Azure, folder: Path) -> None:
        self.azure, self.folder = azure, folder
        self.models = {BLUE: Model(), GREEN: Model(chunks=(b"[2.5]",))}
        self.draws = [0.0]
        self.cloud = replace(azure.cloud, tokens=Tokens(azure.cloud.store, azure.clock, folder))

    def key(self) -> str:
        kept = self.cloud.store.get("secrets", ENDPOINT.lower())
        assert kept is not None
        return str(kept["primary"])

    def put(self, **properties: Any) -> None:
        body = {"location": "westeurope", "properties": {"authMode": "Key", **properties}}
        assert self.azure.arm("PUT", ENDPOINT, body).status in (200, 201)
        self.azure.wait()

    def settings(self, **told: Any) -> None:
        document = self.azure.arm("GET", BLUE).body
        document["properties"]["requestSettings"] |= told
        assert self.azure.arm("PUT", BLUE, document).status == 200
        self.azure.wait()

    def ask(self, *, key: str | None = None, url: str = URL, method: str = "POST", **more: Any) -> httpx.Response:
        async def script(client: httpx.AsyncClient) -> httpx.Response:
            return await self.send(client, key=key, url=url, method=method, **more)

        answer: httpx.Response = self.run(script)
        return answer

    async def send(self, client: httpx.AsyncClient, *, key: str | None = None, **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.key() if key is None else key}", **more.pop("headers", {})}
        asked = {"method": "POST", "url": URL, **more}
        if asked["method"] == "POST" and "content" not in asked:
            asked["json"] = asked.get("json", {"input_data": [1]})
        return await client.request(**asked, headers=headers)

    def run(self, script: Callable[[httpx.AsyncClient], Awaitable[Any]]) -> Any:
        """Run something against the service while the models answer."""

        async def whole() -> Any:
            servers = []
            for number, (key, model) in enumerate(self.models.items()):
                path = self.folder / f"{number}.sock"
                servers.append(await asyncio.start_unix_server(model.serve, str(path)))
                self.cloud.serving.backends[key.lower()] = Backend(str(path))
            app = inference.service(self.cloud, lambda: self.draws.pop(0) if len(self.draws) > 1 else self.draws[0])
            try:
                async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
                    return await script(client)
            finally:
                for server in servers:
                    server.close()
                    await server.wait_closed()

        return asyncio.run(whole())


@pytest.fixture
def scoring(azure: Azure, tmp_path: Path) -> Scoring:
    azure.make(*CHAIN[:6], ENDPOINT, BLUE, GREEN)
    found = Scoring(azure, tmp_path)
    found.settings(requestTimeout="PT3M")  # however slow this machine is
    found.put(traffic={"blue": 90, "green": 10})
    return found


def test_a_key_scores_and_the_model_sees_the_request_without_it(scoring: Scoring) -> None:
    answer = scoring.ask(headers={"x-ms-client-request-id": "mine", "x-own": "1"})
    assert (answer.status_code, answer.json()) == (200, [1.5])
    assert answer.headers["azureml-model-deployment"] == "blue"
    assert scoring.cloud.serving.asked == {ENDPOINT.lower(): 1}
    line, headers, body = scoring.models[BLUE].seen[0]
    assert (line, json.loads(body)) == ("POST /score HTTP/1.1", {"input_data": [1]})
    assert headers["x-own"] == "1" and headers["x-ms-client-request-id"] == "mine"
    assert "authorization" not in headers


@pytest.mark.parametrize("given", ["", "Basic abc", "Bearer ", "Bearer wrong"])
def test_without_a_key_nothing_is_answered(scoring: Scoring, given: str) -> None:
    answer = scoring.ask(headers={"authorization": given})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "key_auth_access_denied")
    assert not scoring.models[BLUE].seen


def test_a_key_of_before_and_one_of_another_endpoint(scoring: Scoring) -> None:
    old = scoring.key()
    scoring.azure.arm("POST", f"{ENDPOINT}/regenerateKeys", {"keyType": "Primary"})
    assert scoring.ask(key=old).status_code == 401
    other = f"{WORKSPACE}/onlineEndpoints/other"
    scoring.azure.arm("PUT", other, {"location": "westeurope", "properties": {"authMode": "Key"}})
    scoring.azure.wait()
    theirs = scoring.azure.arm("POST", f"{other}/listKeys").body["primaryKey"]
    assert scoring.ask(key=theirs).status_code == 401
    assert scoring.ask().status_code == 200


def _token(scoring: Scoring) -> str:
    azure = scoring.azure
    object.__setattr__(azure.cloud, "tokens", scoring.cloud.tokens)
    return str(azure.arm("POST", f"{ENDPOINT}/token").body["accessToken"])


def test_a_token_of_the_endpoints_own(scoring: Scoring) -> None:
    scoring.put(authMode="AMLToken", traffic={"blue": 100})
    token = _token(scoring)
    told = scoring.azure.arm("POST", f"{ENDPOINT}/token").body
    assert isinstance(told["expiryTimeUtc"], int) and told["refreshAfterTimeUtc"] < told["expiryTimeUtc"]
    assert scoring.ask(key=token).status_code == 200
    scoring.azure.clock.advance(3601)
    assert (expired := scoring.ask(key=token)).status_code == 401
    assert expired.json()["error"]["code"] == "token_auth_access_denied"


def test_a_token_of_an_endpoint_that_was_made_again(scoring: Scoring) -> None:
    scoring.put(authMode="AMLToken", traffic={"blue": 100})
    token = _token(scoring)
    scoring.azure.arm("DELETE", ENDPOINT)
    scoring.azure.wait()
    scoring.put(authMode="AMLToken")
    assert scoring.ask(key=token).status_code == 401


def test_a_token_of_entra_takes_the_right_to_score(scoring: Scoring) -> None:
    scoring.put(authMode="AADToken", traffic={"blue": 100})
    owner, alice = scoring.azure.who(DEVELOPER).object_id, scoring.azure.who(ALICE).object_id
    issue = scoring.cloud.tokens.issue
    assert scoring.ask(key=issue(owner, MACHINE_LEARNING.audiences[0], 60)[0]).status_code == 200
    assert scoring.ask(key=issue(owner, MANAGEMENT.audiences[0], 60)[0]).status_code == 401
    refused = scoring.ask(key=issue(alice, MACHINE_LEARNING.audiences[0], 60)[0])
    assert refused.status_code == 401 and "onlineEndpoints/score/action" in refused.json()["error"]["message"]
    scoring.azure.assign(ALICE, "AzureML Data Scientist", ENDPOINT)
    assert scoring.ask(key=issue(alice, MACHINE_LEARNING.audiences[0], 60)[0]).status_code == 200


def test_traffic_goes_by_weight_or_where_the_request_says(scoring: Scoring) -> None:
    def answered(draw: float, **headers: str) -> Any:
        scoring.draws = [draw]
        return scoring.ask(headers=headers).json()

    assert [answered(draw) for draw in (0.0, 0.89, 0.9, 0.99)] == [[1.5], [1.5], [2.5], [2.5]]
    assert answered(0.0, **{"azureml-model-deployment": "green"}) == [2.5]
    assert scoring.ask(headers={"azureml-model-deployment": "red"}).status_code == 404


def test_without_traffic_only_a_named_deployment_answers(scoring: Scoring) -> None:
    scoring.put()
    assert scoring.ask().status_code == 404
    assert scoring.ask(headers={"azureml-model-deployment": "blue"}).status_code == 200


@pytest.mark.parametrize(
    ("url", "method", "status"),
    [
        (URL.replace("wine", "beer"), "POST", 404),
        (URL.replace("westeurope", "eastus"), "POST", 404),
        (URL.replace("/score", "/other"), "POST", 404),
        (URL.replace("/score", "/swagger.json"), "POST", 405),
        (URL, "PUT", 405),
        (URL.replace("/score", "/swagger.json?version=3"), "GET", 200),
    ],
)
def test_where_something_is(scoring: Scoring, url: str, method: str, status: int) -> None:
    assert scoring.ask(url=url, method=method).status_code == status
    if status == 200:
        assert scoring.models[BLUE].seen[0][0] == "GET /swagger.json?version=3 HTTP/1.1"


@pytest.mark.parametrize("status", [400, 415, 500])
def test_a_model_that_fails_is_told_as_such(scoring: Scoring, status: int) -> None:
    scoring.models[BLUE].status, scoring.models[BLUE].chunks = status, (b'{"message": "no"}',)
    answer = scoring.ask()
    assert (answer.status_code, answer.json()) == (424, {"message": "no"})
    assert answer.headers["ms-azureml-model-error-statuscode"] == str(status)
    assert answer.headers["ms-azureml-model-error-reason"] == "model_error"


def test_a_process_that_ends_in_mid_request(scoring: Scoring) -> None:
    scoring.models[BLUE].breaks = True
    answer = scoring.ask()
    assert (answer.status_code, answer.headers["ms-azureml-model-error-statuscode"]) == (424, "502")
    assert scoring.cloud.serving.backends[BLUE.lower()].pending == 0


def test_a_process_that_ends_under_load(scoring: Scoring) -> None:
    scoring.settings(maxConcurrentRequestsPerInstance=8)
    key = scoring.key()

    async def script(client: httpx.AsyncClient) -> list[int]:
        model = scoring.models[BLUE]
        model.wait, model.breaks = asyncio.Event(), True
        waiting = [asyncio.create_task(scoring.send(client, key=key)) for _ in range(16)]
        while len(model.seen) < 16:
            await asyncio.sleep(0)
        model.wait.set()
        told = [each.status_code for each in await asyncio.gather(*waiting)]
        model.wait, model.breaks = None, False
        return [*told, (await scoring.send(client, key=key)).status_code]

    assert scoring.run(script) == [424] * 16 + [200]
    assert scoring.cloud.serving.backends[BLUE.lower()].pending == 0


def test_a_deployment_that_goes_while_it_answers(scoring: Scoring) -> None:
    key = scoring.key()

    async def script(client: httpx.AsyncClient) -> list[int]:
        model = scoring.models[BLUE]
        model.wait = asyncio.Event()
        under_way = asyncio.create_task(scoring.send(client, key=key))
        while not model.seen:
            await asyncio.sleep(0)
        del scoring.cloud.serving.backends[BLUE.lower()]
        after = await scoring.send(client, key=key)
        model.wait.set()
        return [(await under_way).status_code, after.status_code]

    assert scoring.run(script) == [200, 424]


def test_a_body_that_claims_a_hundred_megabytes_is_not_read(scoring: Scoring) -> None:
    assert scoring.ask(content=b"x", headers={"content-length": str(100 * 1024 * 1024)}).status_code == 413
    assert not scoring.models[BLUE].seen


def test_a_deployment_whose_process_does_not_run(scoring: Scoring) -> None:
    async def script(client: httpx.AsyncClient) -> httpx.Response:
        del scoring.cloud.serving.backends[BLUE.lower()]
        return await scoring.send(client)

    assert scoring.run(script).status_code == 424


def test_a_model_that_is_slow_is_not_waited_for(scoring: Scoring) -> None:
    scoring.settings(requestTimeout="PT0.05S")

    async def script(client: httpx.AsyncClient) -> httpx.Response:
        scoring.models[BLUE].wait = never = asyncio.Event()
        answer = await scoring.send(client)
        never.set()
        return answer

    answer = scoring.run(script)
    assert (answer.status_code, answer.json()["error"]["message"]) == (408, "upstream request timeout")
    assert scoring.cloud.serving.backends[BLUE.lower()].pending == 0


def test_more_than_can_wait_are_turned_away(scoring: Scoring) -> None:
    key = scoring.key()

    async def script(client: httpx.AsyncClient) -> list[int]:
        model = scoring.models[BLUE]
        model.wait = asyncio.Event()
        waiting = [asyncio.create_task(scoring.send(client, key=key)) for _ in range(2)]
        while len(model.seen) < 2:
            await asyncio.sleep(0)
        third = await scoring.send(client, key=key)
        model.wait.set()
        return [third.status_code, *[each.status_code for each in await asyncio.gather(*waiting)]]

    assert scoring.run(script) == [429, 200, 200]  # twice the one at a time that a deployment takes by default


def test_a_body_that_is_too_large(scoring: Scoring) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b"x" * 1024 * 1024

    assert scoring.ask(content=b"x" * (10 * 1024 * 1024 + 1)).status_code == 413
    assert scoring.ask(content=chunks()).status_code == 413
    assert scoring.ask(content=b"x" * (10 * 1024 * 1024)).status_code == 200


def test_a_copy_is_seen_by_another_and_by_none_where_one_is_named(scoring: Scoring) -> None:
    scoring.put(traffic={"blue": 100}, mirrorTraffic={"green": 50})

    def seen(draw: float, **headers: str) -> int:
        scoring.models[GREEN].seen.clear()

        async def script(client: httpx.AsyncClient) -> None:
            scoring.draws = [0.0, draw, draw]
            answer = await scoring.send(client, headers=headers)
            assert answer.json() == [1.5]
            if draw < 0.5 and not headers:
                await asyncio.wait_for(_seen(scoring.models[GREEN]), 60)

        scoring.run(script)
        return len(scoring.models[GREEN].seen)

    assert seen(0.49) == 1
    assert json.loads(scoring.models[GREEN].seen[0][2]) == {"input_data": [1]}
    assert seen(0.51) == 0
    assert seen(0.1, **{"azureml-model-deployment": "blue"}) == 0


async def _seen(model: Model) -> None:
    while not model.seen:
        await asyncio.sleep(0.01)


def test_a_payload_is_in_no_log(scoring: Scoring, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    object.__setattr__(scoring.cloud, "clock", SystemClock())
    app = build_app(scoring.cloud)

    async def script(_client: httpx.AsyncClient) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
            return await scoring.send(client, json={"input_data": "swordfish"})

    assert scoring.run(script).status_code == 200
    assert "POST wine.westeurope.inference.ml.azure.com /score 200" in caplog.text
    assert "swordfish" not in caplog.text and scoring.key() not in caplog.text
