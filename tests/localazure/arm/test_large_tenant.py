"""A large tenant on the embedded Azure, read page by page through the real clients and judged: nobody is left out."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
from benchmarks.tenant import tenant, write

from azmlflow.localazure.core.constants import SUBSCRIPTION_ID
from azmlflow.rbac.live.people import read_tenant
from azmlflow.rbac.report.access import COLUMNS, matrix
from tests.localazure.control import CHAIN, DEVELOPER, WORKSPACE, Azure
from tests.rbac.naive import truth
from tests.rbac.wire import Answer, Credential, Wire

QUESTIONS = {column.operation.name: column.operation.actions for column in COLUMNS}


class Served:
    """An embedded Azure at the end of a wire: one request at a time, as its one event loop takes them.

    Every twentieth request is refused for its rate, once.
    """

    def __init__(self, azure: Azure) -> None:
        self.azure, self.lock, self.count, self.refused = azure, threading.Lock(), 0, 0
        self.under_way, self.most = 0, 0

    def answer(self, method: str, path: str, query: Mapping[str, str], body: Any) -> Answer:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        with self.lock:
            self.count += 1
            self.under_way -= 1
            if self.count % 20 == 0:
                self.refused += 1
                return 429, {"error": {"code": "TooManyRequests", "message": "Too many requests."}}
            host, _, rest = path.partition("/")
            target = f"/{rest}?{urlencode(query)}"
            if host == "management.azure.com":
                found = self.azure.arm(method, target, body)
            else:
                found = self.azure.graph(method, target.removeprefix("/v1.0"), body)
            return found.status, found.body


def test_a_large_tenant_is_fetched_whole_and_judged_as_by_hand(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    """4,000 assignments, 500 definitions, 1,000 users in nested groups, against a decision written a second time."""
    monkeypatch.setattr("azure.core.pipeline.transport.RequestsTransport.sleep", lambda *_: None)
    azure.make(*CHAIN)
    facts = tenant(4000, WORKSPACE)
    write(azure.cloud.store, facts)
    served = Served(azure)
    wire = Wire(served.answer)
    found = read_tenant(Credential(), SUBSCRIPTION_ID, WORKSPACE, transport=wire.transport())

    theirs = {each.id for each in found.facts.assignments}
    assert {each.id for each in facts.assignments} <= theirs
    assert {role.name for role in facts.definitions} <= {role.name for role in found.facts.definitions}
    assert found.facts.memberships == {who: frozenset(held) for who, held in facts.memberships.items()}
    asked = Counter(each.rpartition("/")[2] for each in wire.asked)
    assert asked["roleAssignments"] > len(theirs) / 100, "it came in pages"
    assert served.refused > 3, "and was refused now and then"
    assert served.most > 2, "several requests were under way at a time"

    table = matrix(found.facts, WORKSPACE, found.directory)
    judged = {
        row.object_id: {
            column.operation.name: cell.verdict for column, cell in zip(table.columns, row.cells, strict=True)
        }
        for row in table.rows
    }
    expected = truth(facts, WORKSPACE, QUESTIONS)
    assert len(expected) == 1100
    assert {who: judged[who] for who in expected} == expected
    names = {row.name for row in table.rows}
    assert {DEVELOPER, "user0@tenant.test", "everybody"} <= names
    assert not any(row.notes for row in table.rows)
    verdicts = Counter(verdict for row in expected.values() for verdict in row.values())
    assert all(verdicts[each] > 10 for each in ("allowed", "refused", "unknown")), "each verdict is among them"
