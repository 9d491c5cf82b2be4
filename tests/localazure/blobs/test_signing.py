"""Signed blob URLs: what is signed, with which key."""

from __future__ import annotations

import base64
import dataclasses
import hmac
import stat
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from azmlflow.localazure.blobs.signing import Signing
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.collections import SECRETS
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.machine.private import kept_secret
from tests.localazure.transport import make_cloud

ACCOUNT_ID = "/subscriptions/s/resourcegroups/g/providers/microsoft.storage/storageaccounts/account"
BLOB = "/account/azureml/ExperimentRun/dcid.1/model.bin"
WHO = {"skoid": "00000000-0000-0000-0000-00000000000a"}


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    made = make_cloud(tmp_path)
    made.store.put("resources", ACCOUNT_ID, {"id": ACCOUNT_ID})
    made.store.put(SECRETS, ACCOUNT_ID, {"keys": [base64.b64encode(b"first key").decode(), ""]})
    return made


def test_a_signed_url_is_a_service_sas_by_the_first_key(cloud: Cloud) -> None:
    fields = parse_qs(Signing(cloud).url(BLOB, "cw", cloud.clock.now() + timedelta(hours=1)))
    assert {name: fields[name] for name in ("sp", "sr", "spr", "se")} == {
        "sp": ["cw"],
        "sr": ["b"],
        "spr": ["https"],
        "se": ["2026-01-01T01:00:00Z"],
    }
    lines = ["cw", "", "2026-01-01T01:00:00Z", f"/blob{BLOB}", "", "", "https", "2024-11-04", "b", *[""] * 7]
    expected = hmac.digest(b"first key", "\n".join(lines).encode(), "sha256")
    assert base64.b64decode(fields["sig"][0]) == expected


def test_no_url_is_signed_for_an_account_that_is_not_there(cloud: Cloud) -> None:
    with pytest.raises(AzureError) as refused:
        Signing(cloud).container("stranger", "azureml", "r", cloud.clock.now() + timedelta(hours=1))
    assert refused.value.status == 404


def test_a_delegation_key_follows_from_its_fields_and_the_clouds_key(cloud: Cloud) -> None:
    key = Signing(cloud).delegation_key("account", WHO)
    assert key == Signing(cloud).delegation_key("account", WHO) != Signing(cloud).delegation_key("account", {})
    assert key != Signing(dataclasses.replace(cloud, sas_key=b"another")).delegation_key("account", WHO)


def test_a_kept_secret_is_made_once_and_nobody_elses_to_read(tmp_path: Path) -> None:
    first = kept_secret(tmp_path, "sas.key", lambda: b"first")
    assert kept_secret(tmp_path, "sas.key", lambda: b"second") == first == b"first"
    assert stat.S_IMODE((tmp_path / "sas.key").stat().st_mode) == 0o600
