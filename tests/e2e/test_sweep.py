"""`sweep` over the embedded Azure: five groups, four of which are meant, one of which holds something foreign."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.e2e.estate import Estate
from tests.e2e.many import OWNER, group_id, make_groups

pytestmark = pytest.mark.e2e

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


def test_expired_groups_go_and_nothing_else(bare_estate: Estate) -> None:
    bare_estate.azmlflow("local", "start")
    gone = ["pr-1", "pr-2", "pr-3"]
    arm = make_groups(bare_estate, [*gone, "pr-4"], 9 * _DAY, -_HOUR, workspace=True)
    make_groups(bare_estate, ["pr-5"], _HOUR, _DAY, workspace=True)
    foreign = f"{group_id('pr-4')}/providers/Microsoft.Storage/storageAccounts/stforeign"
    arm.put(foreign, "2024-01-01", {"sku": {"name": "Standard_LRS"}, "kind": "StorageV2", "properties": {}})

    seen = bare_estate.azmlflow("sweep", "--expired", "-o", "json").json()["groups"]
    assert {group["name"]: bool(group["refused"]) for group in seen} == {**dict.fromkeys(gone, False), "pr-4": True}
    assert {group["owner"] for group in seen} == {OWNER}
    assert all(arm.stands(group_id(name), "2024-03-01") for name in (*gone, "pr-4", "pr-5"))

    done = bare_estate.azmlflow("sweep", "--expired", "--apply", "--width", "3", "-o", "json", fails=True)
    assert {group["name"]: group["result"] for group in done.json()["groups"]} == {
        **dict.fromkeys(gone, "removed"),
        "pr-4": "failed",
    }
    assert [arm.stands(group_id(name), "2024-03-01") for name in (*gone, "pr-4", "pr-5")] == [False] * 3 + [True] * 2
    assert arm.stands(foreign, "2024-01-01")
    place = group_id("x").split("/resourceGroups")[0]
    buried = arm.ask("GET", f"{place}/providers/Microsoft.KeyVault/deletedVaults", "2023-07-01").body["value"]
    assert buried == []  # purged with their groups: their names are free

    lines = [json.loads(line) for line in Path(done.json()["audit"]).read_text().splitlines()]
    assert sorted(line["result"] for line in lines) == ["began"] * 3 + ["failed"] + ["removed"] * 3
    assert {line["who"] for line in lines} == {OWNER}

    again = bare_estate.azmlflow("sweep", "--older-than", "1w", "-o", "json").json()["groups"]
    assert [group["name"] for group in again] == ["pr-4"]
