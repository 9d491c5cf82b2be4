"""conda's package specifications, as pip takes them.

    numpy              numpy                 numpy=1.21         numpy==1.21.*
    numpy==1.21.0      numpy==1.21.0         numpy=1.21.*       numpy==1.21.*
    numpy>=1.20,<2     numpy>=1.20,<2        numpy=1.21.0=py39  numpy==1.21.0 (a build is conda's own)
    conda-forge::numpy, numpy[version='>=1.20'], "numpy >=1.20"

Source: conda's documentation, "Package match specifications". What conda calls otherwise, and what PyPI has only as
another thing of the same name, is in the two tables here; everything else is asked of pip's index under its own name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from azmlflow.localazure.environments.errors import UnusableEnvironment

OTHER_NAMES = {
    "beautifulsoup": "beautifulsoup4",
    "dask-core": "dask",
    "faiss": "faiss-cpu",
    "matplotlib-base": "matplotlib",
    "msgpack-python": "msgpack",
    "opencv": "opencv-python",
    "py-opencv": "opencv-python",
    "py-xgboost": "xgboost",
    "pyqt": "pyqt5",
    "pytables": "tables",
    "python-graphviz": "graphviz",
    "pytorch": "torch",
    "pytorch-cpu": "torch",
}
# On PyPI there is nothing of the name, or something else.
CONDA_ALONE = frozenset(
    {"blas", "libgcc-ng", "libstdcxx-ng", "mpich", "openmpi", "openssl", "r-base"}
    | {"cpuonly", "cuda", "cudatoolkit", "cudnn", "nccl", "pytorch-cuda", "pytorch-mutex"}
    | {"compilers", "conda", "ffmpeg", "gcc", "git", "graphviz", "gxx", "mamba", "nodejs", "openjdk"}
)
_SPECIFICATION = re.compile(
    r"(?:[^\s:]+::)?(?P<name>[A-Za-z0-9_][A-Za-z0-9_.-]*)\s*"
    r"(?:\[\s*version\s*=\s*['\"]?(?P<inner>[^\]'\"]*)['\"]?\s*\]|(?P<version>[\s=<>!~0-9].*)?)"
)
_CLAUSE = re.compile(r"(?P<operator>===|==|>=|<=|!=|~=|=|<|>)?\s*(?P<version>[A-Za-z0-9_.+!*-]+)")


@dataclass(frozen=True)
class Package:
    """A package of conda's: what it is called there and on PyPI, and which versions will do, in pip's syntax."""

    name: str
    pypi: str
    versions: str

    @property
    def requirement(self) -> str:
        """The line for pip."""
        return f"{self.pypi}{self.versions}"

    @property
    def conda_alone(self) -> bool:
        """Whether pip need not be asked."""
        return self.name in CONDA_ALONE or self.name.startswith(("_", "r-"))


def package(text: str) -> Package:
    """Read one specification.

    Raises:
        UnusableEnvironment: it is none, or says what pip has no words for.
    """
    found = _SPECIFICATION.fullmatch(text.strip())
    if found is None:
        raise UnusableEnvironment(f"'{text}' is not a package specification of conda's")
    name = found["name"].lower()
    versions = _versions(text, (found["inner"] or found["version"] or "").strip())
    return Package(name, OTHER_NAMES.get(name, canonicalize_name(name)), versions)


def _versions(text: str, told: str) -> str:
    if not told or told == "*":
        return ""
    if "|" in told:
        raise UnusableEnvironment(f"'{text}' offers versions to choose from ('|'), which pip cannot: name one range")
    words = told.split()
    if len(words) > 1 and "," not in told and not re.fullmatch(r"[=<>!~]+", words[0]):
        told = words[0]  # "numpy 1.21.0 py39_0": the third word is the build
    exact = re.fullmatch(r"={0,2}\s*([^=<>!~,\s]+)=([^=<>!~,\s]+)", told)
    if exact:
        told = f"=={exact[1]}" if exact[2] != "*" else f"={exact[1]}"
    clauses = []
    for part in told.split(","):
        clause = _CLAUSE.fullmatch(part.strip())
        if clause is None:
            raise UnusableEnvironment(f"'{text}': the version '{part.strip()}' cannot be expressed for pip")
        clauses.append(_clause(clause["operator"] or "", clause["version"]))
    specifier = ",".join(clause for clause in clauses if clause)
    try:
        SpecifierSet(specifier)
    except InvalidSpecifier as error:
        raise UnusableEnvironment(f"'{text}': the version '{told}' cannot be expressed for pip") from error
    return specifier


def _clause(operator: str, version: str) -> str:
    stem = version.rstrip("*").rstrip(".")
    if not stem:
        return ""
    starred = version.endswith("*")
    if operator == "=" or (operator in ("", "==") and starred):
        return f"=={stem}.*"
    if operator == "!=" and starred:
        return f"!={stem}.*"
    return f"{operator or '=='}{stem}"
