"""What a stack costs a month while nothing runs, as orders of magnitude, from one dated file (`prices.json`). Pure.

A type, or a value that decides on its price, which the file does not have is unknown, and said so: never 0.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azmlflow.infra.plan.changes import at
from azmlflow.resourcetypes.table import UnknownType, of_token

_WORKSPACE = "Microsoft.MachineLearningServices/workspaces"
_RULE = f"{_WORKSPACE}/outboundRules"


@dataclass(frozen=True)
class Line:
    """What resources of one kind cost, or what else Azure makes for one.

    Attributes:
        what: the kind, for people.
        count: how many.
        month: dollars a month of all of them while idle; None where it is unknown.
        use: what is paid beside it, by use.
    """

    what: str
    count: int
    month: float | None
    use: str = ""


@dataclass(frozen=True)
class Bill:
    """What a stack costs.

    Attributes:
        lines: by kind, the dearest first, the unknown before all.
        date: month of the list prices.
        currency: of the prices.
    """

    lines: tuple[Line, ...]
    date: str
    currency: str

    @property
    def month(self) -> float:
        """The sum of what is known."""
        return sum(line.month or 0 for line in self.lines)

    @property
    def unknown(self) -> tuple[str, ...]:
        """The kinds whose price is unknown."""
        return tuple(line.what for line in self.lines if line.month is None)

    def document(self) -> dict[str, Any]:
        """As `--output json` prints it; an unknown price is null."""
        return {
            "currency": self.currency,
            "date": self.date,
            "month": round(self.month, 1),
            "unknown": list(self.unknown),
            "resources": [
                {"what": line.what, "count": line.count, "month": line.month, "use": line.use or None}
                for line in self.lines
            ],
        }

    def text(self) -> list[str]:
        """Lines for people; what costs nothing while idle, whatever is done, is left out."""
        rest = f", and what is unknown: {', '.join(self.unknown)}" if self.unknown else ""
        rows = [f"idle, about {rounded(self.month)} {self.currency} a month{rest} (list prices of {self.date})"]
        for line in self.lines:
            if line.month or line.month is None or line.use:
                price = "unknown" if line.month is None else rounded(line.month)
                use = f"  + {line.use}" if line.use else ""
                rows.append(f"  {price:>8}  {line.count} x {line.what}{use}")
        return rows


def rounded(month: float) -> str:
    """A sum as an order of magnitude: two digits at most."""
    return f"{float(f'{month:.2g}'):g}"


def bill(resources: Iterable[tuple[str, Mapping[str, Any]]]) -> Bill:
    """What resources cost while idle.

    Args:
        resources: Pulumi's type token and the inputs of each.
    """
    found: dict[tuple[str, str], list[tuple[float | None, str]]] = {}
    once: dict[str, Line] = {}
    for token, inputs in resources:
        name, called = _named(token)
        entry = _entry(name, inputs)
        price, word = _price(entry, inputs)
        extra = entry.get("once", {}).get(word)
        if extra:
            once[extra] = Line(extra, 1, price)
            price = 0.0
        if name == _WORKSPACE:
            once |= {line.what: line for line in _beside(inputs)}
        kind = f"{called} ({word})" if word and word != "0" else called
        found.setdefault((name, kind), []).append((price, entry.get("use", "")))
    lines = [_line(kind, each) for (_, kind), each in found.items()]
    lines += once.values()
    lines.sort(key=lambda line: (line.month is not None, -(line.month or 0), line.what))
    return Bill(tuple(lines), _prices()["date"], _prices()["currency"])


def firewall(resources: Iterable[tuple[str, Mapping[str, Any]]]) -> str:
    """What the firewall of a managed network costs, for people; empty where no rule asks for one."""
    lines = [(line, _prices()["types"][_RULE]["once"]) for line in bill(resources).lines]
    found = next((line for line, once in lines if line.what in once.values()), None)
    if found is None:
        return ""
    price = "unknown" if found.month is None else f"about {rounded(found.month)} {_prices()['currency']} a month"
    return f"{found.what}: {price} (list prices of {_prices()['date']})"


def _beside(workspace: Mapping[str, Any]) -> Iterator[Line]:
    """What Azure makes beside a workspace."""
    if at(workspace, "encryption.status") == "Enabled":
        more = _prices()["encryption"]["serviceSide" if workspace.get("enableServiceSideCMKEncryption") else "classic"]
        yield Line(more["what"], 1, None if more["month"] is None else float(more["month"]))
    network = _prices()["managedNetwork"]
    if isolation := at(workspace, network["by"]):
        month = network["months"].get(isolation)
        yield Line(network["what"], 1, None if month is None else float(month))


def _line(kind: str, each: list[tuple[float | None, str]]) -> Line:
    known = [price for price, _ in each if price is not None]
    month = round(sum(known), 2) if len(known) == len(each) else None
    return Line(kind, len(each), month, each[0][1])


def _entry(name: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the file has of a type, or of one of its kinds; empty for nothing."""
    entry: Mapping[str, Any] = _prices()["types"].get(name, {})
    kinds = entry.get("kinds", {})
    kind = str(at(inputs, kinds["by"])) if kinds else ""
    return {**kinds[kind], "kind": kind} if kind in kinds else entry


def _price(entry: Mapping[str, Any], inputs: Mapping[str, Any]) -> tuple[float | None, str]:
    """A price, and the word that decided on it."""
    if not entry:
        return None, ""
    if "by" not in entry:
        return float(entry["month"]), str(entry.get("kind", ""))
    value = at(inputs, entry["by"])
    word = f"{value:g}" if isinstance(value, float) else "" if value is None else str(value)
    price = entry["months"].get(word)
    many = at(inputs, entry["times"]) if "times" in entry else 1
    return None if price is None or many is None else float(price) * float(many), word


def _named(token: str) -> tuple[str, str]:
    try:
        kind = of_token(token)
    except UnknownType:
        return token, token.rpartition(":")[2]
    return kind.name, kind.called()


@functools.cache
def _prices() -> Mapping[str, Any]:
    document: Mapping[str, Any] = json.loads(Path(__file__).with_name("prices.json").read_text("utf-8"))
    return document
