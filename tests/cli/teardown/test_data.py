"""What data a resource holds, in the plan's words; what cannot be read is told as that, and not guessed at."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from azmlflow.cli.azure.errors import ArmError
from azmlflow.cli.teardown.data import asked_per_day, describing, measured
from azmlflow.cli.teardown.ownership import Resource
from tests.cli.desk import GROUP_ID, WORKSPACE_ID, FakeArm

VAULT = f"{GROUP_ID}/providers/Microsoft.KeyVault/vaults/kv"
STORAGE = f"{GROUP_ID}/providers/Microsoft.Storage/storageAccounts/st"
ENDPOINT = f"{WORKSPACE_ID}/onlineEndpoints/wine"
METRICS = "providers/Microsoft.Insights/metrics"


def told(arm: FakeArm, id_: str) -> str:
    return describing(arm.open())(Resource.of({"id": id_, "type": "/".join(id_.split("/")[-3:-1])}))


def put_metric(arm: FakeArm, id_: str, *averages: float | None) -> None:
    points = [{} if each is None else {"average": each} for each in averages]
    arm.put(f"{id_}/{METRICS}/m", timeseries=[{"data": points}])


class Closed(FakeArm):
    """Nothing below a resource may be read."""

    def get(self, path: str) -> dict[str, Any] | None:
        raise ArmError(403, "AuthorizationFailed", "no", path)

    def list(self, path: str) -> Any:
        raise ArmError(403, "AuthorizationFailed", "no", path)


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({}, ""),
        ({"enablePurgeProtection": False, "softDeleteRetentionInDays": 7}, ""),
        (
            {"enablePurgeProtection": True, "softDeleteRetentionInDays": 7},
            "purge protection keeps it, soft-deleted, and its name, for 7 days",
        ),
        # Microsoft, "Azure Key Vault soft-delete overview": 90 days, if nothing is said.
        ({"enablePurgeProtection": True}, "purge protection keeps it, soft-deleted, and its name, for 90 days"),
    ],
)
def test_a_vault_that_nobody_can_purge_says_so(properties: dict[str, Any], words: str) -> None:
    arm = FakeArm()
    assert told(arm, VAULT) == ""
    arm.put(VAULT, properties=properties)
    assert told(arm, VAULT) == words


def test_what_may_not_be_read_is_told_as_that() -> None:
    assert told(Closed(), VAULT) == "whether purge protection keeps it cannot be read: AuthorizationFailed"
    assert told(Closed(), STORAGE) == "its containers cannot be counted: AuthorizationFailed"
    assert measured(Closed().open(), STORAGE, "UsedCapacity") is None
    assert asked_per_day(Closed().open(), ENDPOINT) is None


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (3 * 1024**2, "3.0 MiB"),
        (5 * 1024**3, "5.0 GiB"),
        (2 * 1024**4, "2.0 TiB"),
        (3000 * 1024**4, "3000.0 TiB"),
    ],
)
def test_an_accounts_containers_and_what_they_hold(size: float, words: str) -> None:
    arm = FakeArm()
    arm.put(f"{STORAGE}/blobServices/default/containers/a")
    assert told(arm, STORAGE) == "1 container"
    put_metric(arm, STORAGE, size)
    assert told(arm, STORAGE) == f"1 container, {words}"


def test_the_last_measure_counts_and_points_without_one_do_not() -> None:
    arm = FakeArm()
    put_metric(arm, STORAGE, 1.0, 2.0, None)
    assert measured(arm.open(), STORAGE, "UsedCapacity") == 2.0
    put_metric(arm, STORAGE, None)
    assert measured(arm.open(), STORAGE, "UsedCapacity") is None
    arm.put(f"{STORAGE}/{METRICS}/m", timeseries=[{"data": None}])
    assert measured(arm.open(), STORAGE, "UsedCapacity") is None
    arm.put(f"{STORAGE}/{METRICS}/m", timeseries=None)
    assert measured(arm.open(), STORAGE, "UsedCapacity") is None


def test_requests_of_a_minute_are_told_by_the_day() -> None:
    arm = FakeArm()
    put_metric(arm, ENDPOINT, 2.0)
    assert asked_per_day(arm.open(), ENDPOINT) == 2880


def test_the_requests_asked_for_are_those_of_the_last_day() -> None:
    """Microsoft, "Metrics - List": `timespan` is two moments with a slash between them, `interval` a duration."""
    asked: list[dict[str, list[str]]] = []

    class Asked(FakeArm):
        def respond(self, request: Any) -> Any:
            asked.append(parse_qs(urlsplit(request.url).query))
            return super().respond(request)

    asked_per_day(Asked().open(), ENDPOINT)
    (query,) = asked
    assert (query["metricnames"], query["interval"], query["aggregation"]) == (
        *(["RequestsPerMinute"], ["P1D"]),
        ["Average"],
    )
    began, ended = query["timespan"][0].split("/")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", ended)
    assert datetime.fromisoformat(ended) - datetime.fromisoformat(began) == timedelta(days=1)
