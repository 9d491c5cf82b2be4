"""What pip reads of the user's way to its index, for a build as another user: variables, and files for a home there.

With credentials (a netrc, a user's name in an address, a client's certificate) it is for pip alone, while that runs no
code of a package. Setup code runs where there are none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# Variables that name a file which pip reads.
_FILES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "PIP_CERT", "PIP_CLIENT_CERT", "PIP_CONFIG_FILE")
_SETTINGS = (".config/pip/pip.conf", ".pip/pip.conf", "PIP_CONFIG_FILE")
_NETRC = ".netrc"
# Of pip's settings, those that are or lead to credentials whole (pip, "Authentication").
_WHOLE = ("client-cert", "keyring-provider")
# A user's name, and mostly a password, before a host: in an address, or in a proxy's without a scheme.
_USER = re.compile(r"(?<=://)[^\s/]+@|(?<![^\s='\"])[^\s/:='\"]+:[^\s/]*@")


@dataclass(frozen=True)
class Home:
    """A home for pip.

    Attributes:
        path: where it is.
        variables: what pip sees.
        files: by their names below the home.
    """

    path: Path
    variables: Mapping[str, str]
    files: Mapping[str, bytes]

    def plain(self) -> Home:
        """It without credentials; it itself where it has none."""
        variables = {
            name: _USER.sub("", value)
            for name, value in self.variables.items()
            if name.removeprefix("PIP_").replace("_", "-").lower() not in _WHOLE
        }
        files = {
            name: _without_credentials(content) if name in _SETTINGS else content
            for name, content in self.files.items()
            if name not in (_NETRC, "PIP_CLIENT_CERT")
        }
        found = Home(self.path, variables, files)
        return self if found == self else found


def read(path: Path, variables: Mapping[str, str]) -> Home:
    """A home with copies of what pip reads in the user's.

    Args:
        path: where it will be; beside it is a folder `tmp`.
        variables: what pip would see as that user.
    """
    told = dict(variables)
    theirs = Path(told.get("HOME") or Path.home())
    settings = Path(told.pop("XDG_CONFIG_HOME", "") or theirs / ".config") / "pip" / "pip.conf"
    netrc = Path(told.pop("NETRC", "") or theirs / _NETRC)
    copies = {_SETTINGS[0]: settings, _SETTINGS[1]: theirs / ".pip" / "pip.conf", _NETRC: netrc}
    for name in _FILES:
        if Path(told.get(name, "")).is_file():
            copies[name] = Path(told[name])
            told[name] = str(path / name)
    told.pop("XDG_CACHE_HOME", None)
    # What the setup code of one environment leaves in a cache would be in the next one.
    told |= {"HOME": str(path), "TMPDIR": str(path.parent / "tmp"), "PIP_NO_CACHE_DIR": "1"}
    return Home(path, told, {name: file.read_bytes() for name, file in copies.items() if file.is_file()})


def _without_credentials(settings: bytes) -> bytes:
    lines = [
        _USER.sub("", line)
        for line in settings.decode(errors="surrogateescape").splitlines(keepends=True)
        if re.split(r"[=:]", line, maxsplit=1)[0].strip().lower().replace("_", "-") not in _WHOLE
    ]
    return "".join(lines).encode(errors="surrogateescape")
