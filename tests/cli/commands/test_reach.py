"""`azmlflow reach` over an embedded Azure in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.pulumi.deployment import State
from tests.cli.desk import OUTPUTS, Desk
from tests.localazure.control import CHAIN, NETWORK, PRIVATE_ENDPOINT, STORAGE, SUBNET, WORKSPACE, Azure
from tests.localazure.sdk import Credential, transport


@pytest.fixture
def closed(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A stack whose storage account is closed and has a private endpoint without a zone."""
    azure = Azure(tmp_path / "cloud")
    azure.make(*CHAIN[:6], NETWORK, SUBNET, PRIVATE_ENDPOINT)
    body = azure.arm("GET", STORAGE).body
    body["properties"]["publicNetworkAccess"] = "Disabled"
    azure.arm("PUT", STORAGE, body)
    azure.wait()
    desk.settings()
    desk.stand()
    desk.stack.held = State(outputs={**OUTPUTS, "workspaceId": WORKSPACE, "workspaceName": "ws-one"})
    monkeypatch.setattr(desk.arm, "open", lambda: ResourceManager(transport(azure), Credential()))
    yield desk
    azure.cloud.store.close()


def test_a_matrix(closed: Desk) -> None:
    done = closed.run("reach")
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        "reached from      internet  network  computes\n"
        "workspace ws-one  yes       yes      yes\n"
        "blob stacct1      -         -        -\n"
        "file stacct1      -         -        -\n"
        "vault kv-one      yes       yes      yes\n"
        "network: vnet-one\n"
        "computes: those without a subnet\n"
        "why, and what would open it: azmlflow reach --explain --stack local\n"
    )


def test_the_reason_and_the_setting(closed: Desk) -> None:
    done = closed.run("reach", "--explain")
    assert done.code == 0
    text = " ".join(done.out.split())
    assert "from internet: no, the public network access of storage account stacct1 is disabled; opened by" in text
    assert "no zone privatelink.blob.core.windows.net is linked to it" in text


def test_json_and_html(closed: Desk, tmp_path: Path) -> None:
    told = json.loads(closed.run("reach", "-o", "json", "--address", "198.51.100.7").out)
    assert told["origins"] == ["internet:198.51.100.7", f"network:{NETWORK}", f"managed:{WORKSPACE}"]
    blob = next(each for each in told["cells"] if each["to"] == "blob" and each["from"].startswith("internet"))
    assert (blob["allowed"], blob["way"], blob["setting"]) == (False, "refused", "network.mode: public")
    assert blob["host"] == "stacct1.blob.core.windows.net"
    path = tmp_path / "reach.html"
    assert closed.run("reach", "-o", "html", "--file", str(path)).code == 0
    page = path.read_text(encoding="utf-8")
    assert '<td class="no"><b>no</b>the public network access of storage account stacct1 is disabled' in page
    assert "<script" not in page


def test_an_address_that_is_none(closed: Desk) -> None:
    refused = closed.run("reach", "--address", "home")
    assert (refused.code, "'home' is not an address" in refused.err) == (2, True)


def test_a_stack_that_does_not_stand(desk: Desk) -> None:
    desk.settings()
    refused = desk.run("reach")
    assert refused.code == 1
    assert "does not stand" in refused.err
