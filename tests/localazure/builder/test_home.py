"""What is a credential in what pip reads, and what is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from azmlflow.localazure.builder.home import read


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ("https://me:pass@index.test/simple", "https://index.test/simple"),
        ("https://a.test https://me@b.test/x https://c.test", "https://a.test https://b.test/x https://c.test"),
        ("https://me:p@ss=:w@index.test", "https://index.test"),
        ("me:pass@proxy.test:8080", "proxy.test:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("/opt/wheels", "/opt/wheels"),
        ("https://index.test/@scope/x", "https://index.test/@scope/x"),
    ],
)
def test_an_address_loses_its_user(value: str, plain: str, tmp_path: Path) -> None:
    (tmp_path / "mine" / ".config" / "pip").mkdir(parents=True)
    (tmp_path / "mine" / ".config" / "pip" / "pip.conf").write_text(f"[global]\nindex-url = {value}\n  {value}\n")
    home = read(tmp_path / "home", {"HOME": str(tmp_path / "mine"), "PIP_INDEX_URL": value})
    found = home.plain()
    assert found.variables["PIP_INDEX_URL"] == plain
    assert found.files[".config/pip/pip.conf"].decode() == f"[global]\nindex-url = {plain}\n  {plain}\n"
    assert (found is home) == (value == plain)


def test_what_is_a_credential_whole_is_left_out(tmp_path: Path) -> None:
    for name, content in (
        (".netrc", "machine x login me password p"),
        ("pip.conf", "[global]\nclient_cert = /x\nkeyring-provider: subprocess\npre = 1\n"),
        ("cert.pem", "key"),
        ("ca.pem", "public"),
    ):
        (tmp_path / name).write_text(content)
    told = {"PIP_CLIENT_CERT": "cert.pem", "PIP_CONFIG_FILE": "pip.conf", "PIP_CERT": "ca.pem"}
    told = {name: str(tmp_path / file) for name, file in told.items()}
    home = read(Path("/h"), {"HOME": str(tmp_path), "PIP_KEYRING_PROVIDER": "subprocess", "PIP_PRE": "1", **told})
    assert set(home.files) == {".netrc", *told}
    found = home.plain()
    assert found.files == {"PIP_CONFIG_FILE": b"[global]\npre = 1\n", "PIP_CERT": b"public"}
    kept = {name: value for name, value in found.variables.items() if name.startswith("PIP_")}
    assert kept == {
        "PIP_PRE": "1",
        "PIP_NO_CACHE_DIR": "1",
        "PIP_CONFIG_FILE": "/h/PIP_CONFIG_FILE",
        "PIP_CERT": "/h/PIP_CERT",
    }


def test_a_home_without_credentials_is_itself(tmp_path: Path) -> None:
    home = read(tmp_path / "home", {"HOME": str(tmp_path), "PIP_FIND_LINKS": "/opt/wheels", "TZ": "UTC"})
    assert home.plain() is home
