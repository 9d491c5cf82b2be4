"""Brings a YAML text to other contents, and leaves as it stands what stays: comments, order, quotes, spelling.

What is written is the smallest part that has to be: a value, a line of a mapping, an entry of a list. A text is cut by
the marks that PyYAML's nodes have, so no second reader of YAML is here. Whoever calls reads the result back: a text in
a style that is beyond this (anchors, lists of lists) may come out as something else.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import yaml

Cut = tuple[int, int, str]  # from, to, and what stands there then
Dump = Callable[..., str]


def edited(text: str, root: yaml.Node, now: Mapping[str, Any], wanted: Mapping[str, Any], dump: Dump) -> str:
    """The text with other contents.

    Args:
        text: the text, whose lines end with a line feed.
        root: its node, a mapping.
        now: what it holds.
        wanted: what it is to hold.
        dump: writes a value as YAML; with `flow=True` on one line.
    """
    if text and not text.endswith("\n"):
        text += "\n"
    for begin, end, new in sorted(_Editor(text, dump).value(root, now, wanted), reverse=True):
        text = text[:begin] + new + text[end:]
    return text


class _Editor:
    def __init__(self, text: str, dump: Dump) -> None:
        self.text, self.dump = text, dump

    def value(self, node: yaml.Node, now: Any, wanted: Any, colon: int | None = None) -> Iterator[Cut]:
        """What has to be cut for a node's value to be another; `colon`: where its key's ends, if it has a key."""
        if _same(now, wanted):
            return
        block = isinstance(node, yaml.CollectionNode) and not node.flow_style
        if block and isinstance(node, yaml.MappingNode) and isinstance(wanted, Mapping) and wanted and now:
            yield from self._mapping(node, now, wanted)
        elif block and isinstance(node, yaml.SequenceNode) and isinstance(wanted, list) and wanted and now:
            yield from self._sequence(node, now, wanted)
        elif block and isinstance(wanted, Mapping | list) and wanted:
            # Further in than before: a list may stand below its key's own column, a mapping may not.
            deeper = 0 if colon is None else 2
            lines = self._block(wanted, node.start_mark.column + deeper)
            yield node.start_mark.index, _end(node), " " * deeper + lines
        elif block and colon is not None:
            # What is on one line stands behind the key, and the block's lines go.
            yield colon, colon, f" {self.dump(wanted, flow=True)}"
            yield self._line_end(colon), self._line_end(_end(node)), ""
        else:
            yield node.start_mark.index, _end(node), self.dump(wanted, flow=True)

    def _mapping(self, node: yaml.MappingNode, now: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[Cut]:
        pairs = [(str(key.value), key, value) for key, value in node.value]
        for at, (name, key, value) in enumerate(pairs):
            if name not in wanted:
                yield self._without(key, value, pairs[at + 1][1] if at + 1 < len(pairs) else None)
                continue
            colon = self.text.index(":", key.end_mark.index) + 1
            if _is_empty(value) and not _same(now[name], wanted[name]):
                yield colon, colon, self._beside(wanted[name], key.start_mark.column)
            else:
                yield from self.value(value, now[name], wanted[name], colon)
        added = {name: value for name, value in wanted.items() if name not in now}
        if added:
            place = self._line_end(_end_of_pair(*node.value[-1]))
            yield place, place, self._lines(self._block(added, node.start_mark.column), node.start_mark.column)

    def _without(self, key: yaml.Node, value: yaml.Node, following: yaml.Node | None) -> Cut:
        """A key and its value taken out; in the first line of a list's entry the next key moves up."""
        begin = self.text.rfind("\n", 0, key.start_mark.index) + 1
        if self.text[begin : key.start_mark.index].strip() and following is not None:
            return key.start_mark.index, following.start_mark.index, ""
        return begin, self._line_end(_end_of_pair(key, value)), ""

    def _sequence(self, node: yaml.SequenceNode, now: Sequence[Any], wanted: Sequence[Any]) -> Iterator[Cut]:
        column = node.start_mark.column
        old, new = ([json.dumps(each, sort_keys=True, default=str) for each in side] for side in (now, wanted))
        for what, i, k, j, m in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
            if what == "equal":
                continue
            shared = min(k - i, m - j)
            for offset in range(shared):
                yield from self.value(node.value[i + offset], now[i + offset], wanted[j + offset])
            for each in node.value[i + shared : k]:
                begin = self.text.rfind("\n", 0, each.start_mark.index) + 1
                yield begin, self._line_end(_end(each)), ""
            if j + shared < m:
                at = i + shared
                place = self._line_end(_end(node.value[at - 1])) if at else node.start_mark.index - column
                yield place, place, self._lines(self._block(list(wanted[j + shared : m]), column), column)

    def _beside(self, value: Any, column: int) -> str:
        """A value for a key that had none."""
        if isinstance(value, Mapping | list) and value:
            return "\n" + " " * (column + 2) + self._block(value, column + 2)
        return f" {self.dump(value, flow=True)}"

    def _block(self, value: Any, column: int) -> str:
        """A value in lines, the first without its indent, the last without its end."""
        return self.dump(value).rstrip("\n").replace("\n", "\n" + " " * column)

    def _lines(self, block: str, column: int) -> str:
        return f"{' ' * column}{block}\n"

    def _line_end(self, index: int) -> int:
        """Where the line ends that an index is in, its line feed included."""
        found = self.text.find("\n", index)
        return len(self.text) if found < 0 else found + 1


def _same(one: Any, other: Any) -> bool:
    """Equal, and of one type: YAML's `true` is not 1."""
    return json.dumps(one, sort_keys=True, default=str) == json.dumps(other, sort_keys=True, default=str)


def _is_empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.start_mark.index == node.end_mark.index


def _end_of_pair(key: yaml.Node, value: yaml.Node) -> int:
    return key.end_mark.index if _is_empty(value) else _end(value)


def _end(node: yaml.Node) -> int:
    """Where a node's own text ends; PyYAML's mark of a block is where the next one begins."""
    if isinstance(node, yaml.MappingNode) and not node.flow_style and node.value:
        return _end_of_pair(*node.value[-1])
    if isinstance(node, yaml.SequenceNode) and not node.flow_style and node.value:
        return _end(node.value[-1])
    if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">"):
        return node.end_mark.index - 1
    return node.end_mark.index
