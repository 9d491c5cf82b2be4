"""Reads Pulumi.yaml and the settings files, and only what every reader of YAML reads alike.

The same file is read by two programs: by us with PyYAML (YAML 1.1), by Pulumi's engine with gopkg.in/yaml.v3 (1.2, and
parts of 1.1: its README, "Compatibility"). What they take for different things - `yes`, `0123`, `190:20:30`, a key
given twice - is refused, with its line: quotes say which is meant.
"""

from __future__ import annotations

import contextlib
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.project.yaml_edit import edited

_LARGEST = 1024 * 1024  # bytes; ours have a few thousand
# Plain words that one reader takes for a truth value, a number or a time, and another for a text or another number.
_AMBIGUOUS = re.compile(
    r"""(?ix)
    (y|n|yes|no|on|off)                      # truth values of YAML 1.1
    | [-+]?0[0-9_]+                          # octal, or not
    | [-+]?0[xob][0-9a-f_]+                  # other bases
    | [-+]?[0-9][0-9_]*_[0-9_]*(\.[0-9_]*)?  # 1_000
    | [-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?  # base 60
    | [-+]?([0-9]+|[0-9]*\.[0-9]+|[0-9]+\.)e[-+]?[0-9]+
    | [-+]?\.(inf|nan)
    """
)
_TIMESTAMP = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([Tt ].*)?")
_TIMES = ("until", "createdOn", "expiresOn")  # settings that are times, which each reader gives as text in the end


class _Loader(yaml.SafeLoader):
    """PyYAML's safe one, which leaves times as the text that they are."""


_Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _Dumper(yaml.SafeDumper):
    """PyYAML's safe one, which puts texts in quotes that another reader would take for something else."""


def _represent(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    plain = not (_AMBIGUOUS.fullmatch(text) or _TIMESTAMP.fullmatch(text))
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else "'")


_Dumper.add_representer(str, _represent)


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a file; an empty file is an empty one.

    Raises:
        CliError: it cannot be read, is not YAML, no mapping, or holds what is read in two ways.
    """
    return parse_yaml(_text(path), path)


def parse_yaml(text: str, path: Path) -> dict[str, Any]:
    """The mapping in the text of a file; raises as `read_yaml` does."""
    document = _loaded(text, path)
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise CliError(f"{path.name} must be a mapping", where=str(path), next=f"edit {path.name}")
    return document


def parse_value(text: str) -> Any:
    """A value that was typed, read as one in a file would be.

    Raises:
        CliError: it is not YAML, or is read in two ways.
    """
    return _loaded(text, Path("VALUE"))


def _loaded(text: str, path: Path) -> Any:
    try:
        node = yaml.compose(text, _Loader)
        for mark, fault in _faults(node):
            raise CliError(f"{path.name}: {fault}", where=f"{path}:{mark.line + 1}", next=f"edit {path.name}")
        return yaml.load(text, _Loader)
    except yaml.YAMLError as fault:
        problem = getattr(fault, "problem_mark", None)
        where = f"{path}:{problem.line + 1}" if problem else str(path)
        raise CliError(f"{path.name} is not valid YAML", where=where, next=f"edit {path.name}") from fault
    except RecursionError as fault:
        raise CliError(f"{path.name} is nested too deeply", where=str(path), next=f"edit {path.name}") from fault
    except ValueError as fault:
        raise CliError(
            f"{path.name} holds a value that cannot be: {fault}", where=str(path), next=f"edit {path.name}"
        ) from fault


def dump_yaml(document: Mapping[str, Any]) -> str:
    """A mapping as text that every reader reads alike."""
    return dump_value(document) if document else "{}\n"


def dump_value(value: Any, *, flow: bool = False) -> str:
    """A value as text that every reader reads alike; `flow`: on one line, without its end."""
    wide = float("inf") if flow else None
    text = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=flow, width=wide)
    return text.removesuffix("...\n").rstrip("\n") if flow else text


def change_yaml(path: Path, wanted: Mapping[str, Any]) -> str:
    """The text that a file's mapping has with other contents: as it stands where nothing changes, comments included.

    Raises:
        CliError: the file cannot be read.
    """
    text, ending = _text(path), "\r\n" if b"\r\n" in path.read_bytes() else "\n"
    now, changed = parse_yaml(text, path), dump_yaml(wanted)
    with contextlib.suppress(CliError, ValueError):  # of a style that is beyond it
        root = yaml.compose(text, _Loader)
        kept = edited(text, root, now, wanted, dump_value) if root is not None and now else changed
        changed = kept if parse_yaml(kept, path) == wanted else changed
    return changed.replace("\n", ending)


def _text(path: Path) -> str:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise CliError(f"{path.name} is not a file", where=str(path), next=f"ls -l {path}")
        if path.stat().st_size > _LARGEST:
            raise CliError(f"{path.name} is larger than {_LARGEST // 1024} KiB", where=str(path), next=f"ls -l {path}")
        return path.read_text(encoding="utf-8")
    except OSError as fault:
        raise CliError(f"cannot read {path.name}: {fault.strerror}", where=str(path), next=f"ls -l {path}") from fault
    except UnicodeDecodeError as fault:
        raise CliError(
            f"{path.name} is not in UTF-8, which Pulumi and azmlflow read (byte {fault.start})",
            where=str(path),
            next=f"iconv -f LATIN1 -t UTF-8 {path.name}    (or from whichever it is in)",
        ) from fault


def _faults(root: yaml.Node | None) -> Iterator[tuple[Any, str]]:
    """What is read in two ways, with where it stands. An alias leads to a node that was seen already."""
    waiting: list[tuple[yaml.Node, str]] = [(root, "")] if root is not None else []
    seen: set[int] = set()
    while waiting:
        node, key = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.ScalarNode):
            if fault := _scalar_fault(node, key):
                yield node.start_mark, fault
        elif isinstance(node, yaml.SequenceNode):
            waiting += [(each, key) for each in node.value]
        elif isinstance(node, yaml.MappingNode):
            names: set[str] = set()
            for name, value in node.value:
                if name.tag == "tag:yaml.org,2002:merge":
                    pass
                elif not isinstance(name, yaml.ScalarNode) or name.tag != "tag:yaml.org,2002:str":
                    yield name.start_mark, "a key is not text: put it in quotes"
                elif name.value in names:
                    yield name.start_mark, f"`{name.value}` is there twice"
                else:
                    names.add(name.value)
                waiting.append((value, str(name.value).rpartition(":")[2]))


def _scalar_fault(node: yaml.ScalarNode, key: str) -> str | None:
    if node.style is not None:  # in quotes, or a block
        return None
    if _AMBIGUOUS.fullmatch(node.value) or (_TIMESTAMP.fullmatch(node.value) and key not in _TIMES):
        return f"`{node.value}` is read in different ways: put it in quotes if a text is meant"
    return None
