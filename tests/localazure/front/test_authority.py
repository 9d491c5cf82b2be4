"""The certificate authority: real TLS handshakes for the names it is for, refused for all others."""

from __future__ import annotations

import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from azmlflow.localazure.core.clock import ManualClock, SystemClock
from azmlflow.localazure.front import authority
from azmlflow.localazure.machine.folder import Folder

HOSTS = (
    "management.azure.com",
    "westeurope.management.azure.com",
    "login.microsoftonline.com",
    "graph.microsoft.com",
    "westeurope.api.azureml.ms",
    "00000000-0000-0000-0000-000000000001.workspace.westeurope.api.azureml.ms",
    "account.blob.core.windows.net",
    "account.queue.core.windows.net",
    "kv.vault.azure.net",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    made = Folder.at(tmp_path_factory.mktemp("authority"))
    assert authority.ensure(made, SystemClock())
    return made


def handshake(ca: Path, chain: Path, key: Path, host: str) -> None:
    """A TLS handshake in memory, verified as strictly as Python 3.13 does by default."""
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(chain, key)
    client_side = ssl.create_default_context(cafile=str(ca))
    client_side.verify_flags |= ssl.VERIFY_X509_STRICT
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_side.wrap_bio(to_server, to_client, server_side=True)
    client = client_side.wrap_bio(to_client, to_server, server_hostname=host)
    waiting = {client, server}
    while waiting:
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            waiting.discard(side)


@pytest.mark.parametrize("host", HOSTS)
def test_azures_names_are_trusted(folder: Folder, host: str) -> None:
    handshake(folder.ca, folder.leaf, folder.leaf_key, host)


@pytest.mark.parametrize("host", ["example.org", "127.0.0.1", "localhost", "a.b.blob.core.windows.net", "azure.com"])
def test_other_names_are_not(folder: Folder, host: str) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(folder.ca, folder.leaf, folder.leaf_key, host)


@pytest.mark.parametrize(
    ("name", "trusted"), [("x.vault.azure.net", True), ("example.org", False), ("azure.net", False)]
)
def test_the_constraints_hold_even_for_one_with_the_key(tmp_path: Path, name: str, trusted: bool) -> None:
    start, end = datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(hours=1)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = authority._authority(ca_key, start, end)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(authority, "CERTIFIED", (name,))
        leaf = authority._leaf(ca, ca_key, key, start, end)
    for file, content in (("ca.pem", ca), ("leaf.pem", leaf)):
        (tmp_path / file).write_bytes(content.public_bytes(serialization.Encoding.PEM))
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "leaf.key").write_bytes(key.private_bytes(*plain))
    files = (tmp_path / "ca.pem", tmp_path / "leaf.pem", tmp_path / "leaf.key")
    if trusted:
        handshake(*files, name)
    else:
        with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
            handshake(*files, name)


def test_addresses_are_excluded_critically(folder: Folder) -> None:
    ca = x509.load_pem_x509_certificate(folder.ca.read_bytes())
    found = ca.extensions.get_extension_for_class(x509.NameConstraints)
    assert found.critical
    assert {str(entry.value) for entry in found.value.excluded_subtrees or ()} == {"0.0.0.0/0", "::/0"}
    permitted = {entry.value for entry in found.value.permitted_subtrees or ()}
    assert {"management.azure.com", "blob.core.windows.net", "vault.azure.net", "api.azureml.ms"} <= permitted
    assert not any(name.count(".") < 2 and name != "azureml.ms" for name in permitted)


def test_the_authoritys_key_is_nowhere(folder: Folder) -> None:
    assert {path.name for path in folder.path.iterdir()} == {"ca.pem", "leaf.pem", "leaf.key"}
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in folder.path.iterdir())
    key = serialization.load_pem_private_key(folder.leaf_key.read_bytes(), password=None)
    ca = x509.load_pem_x509_certificate(folder.ca.read_bytes())
    assert key.public_key() != ca.public_key()


def test_a_good_authority_stays(folder: Folder) -> None:
    before = folder.ca.read_bytes()
    assert not authority.ensure(folder, SystemClock())
    assert folder.ca.read_bytes() == before


@pytest.mark.parametrize(("days", "renewed"), [(0, False), (336, False), (338, True), (500, True), (-2, True)])
def test_it_is_renewed_near_its_end(tmp_path: Path, days: int, renewed: bool) -> None:
    folder, clock = Folder.at(tmp_path), ManualClock()
    authority.ensure(folder, clock)
    clock.advance(days * 86400)
    assert authority.ensure(folder, clock) is renewed


@pytest.mark.parametrize("lost", ["ca.pem", "leaf.pem", "leaf.key"])
def test_a_torn_set_is_made_anew(tmp_path: Path, lost: str) -> None:
    folder, clock = Folder.at(tmp_path), ManualClock()
    authority.ensure(folder, clock)
    (tmp_path / lost).unlink()
    assert authority.ensure(folder, clock)
    assert not authority.ensure(folder, clock)


@pytest.mark.parametrize("broken", ["ca.pem", "leaf.pem", "leaf.key"])
def test_a_set_that_cannot_be_read_is_made_anew(tmp_path: Path, broken: str) -> None:
    folder, clock = Folder.at(tmp_path), ManualClock()
    authority.ensure(folder, clock)
    (tmp_path / broken).write_bytes(b"-----BEGIN NONSENSE-----")
    assert authority.ensure(folder, clock)
    assert not authority.ensure(folder, clock)


def test_another_authoritys_leaf_is_made_anew(tmp_path: Path) -> None:
    mine, other = Folder.at(tmp_path / "mine"), Folder.at(tmp_path / "other")
    for folder in (mine, other):
        folder.make()
        authority.ensure(folder, ManualClock())
    mine.leaf.write_bytes(other.leaf.read_bytes())
    assert authority.ensure(mine, ManualClock())
