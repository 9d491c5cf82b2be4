"""docs/troubleshooting.md, made from the table."""

from __future__ import annotations

from azmlflow.cli.why.record import Record
from azmlflow.cli.why.records import FAMILIES

_HEAD = """\
# Troubleshooting

Made from the table of `azmlflow why`; not to be edited by hand.

Have the error looked up here, and asked about at your stack, with the end of its text:

```
azmlflow why "RESOURCE_DOES_NOT_EXIST: No Experiment with id=7 exists"
azmlflow run -- python train.py 2>&1 | azmlflow why
```

The answer has three lines: the cause, whether the stack bears it out, and what to type. The text is neither kept nor
shown again. What is not in the table is said to be unknown.
"""
_ASKED = "`azmlflow why` asks the stack whether it is so."
_NOT_ASKED = "No stack can tell: it is known by its text."


def page() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *(_family(name, records) for name, records in FAMILIES.items())])


def _family(name: str, records: tuple[Record, ...]) -> str:
    return "\n".join([f"## {name}\n", *(_record(each) for each in records)])


def _record(record: Record) -> str:
    seen = f"Seen with {record.seen}." if record.seen else "Not seen here: from its text."
    return "\n".join(
        [
            f"### {record.name}\n",
            f"```text\n{record.example}\n```\n",
            f"{_plain(record.cause)} {_ASKED if record.ask else _NOT_ASKED}\n",
            f"```text\n{_plain(record.next)}\n```\n",
            f"{seen} [Source]({record.source})\n",
        ]
    )


def _plain(text: str) -> str:
    """A text for any case: what an error would name is a word in capitals."""
    return text.format_map(_Capitals())


class _Capitals(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return name.upper()
