"""The grammar of MLflow's searches, as far as it is one for all of them: filters, and what to order by.

    filter     = comparison *( "AND" comparison )
    comparison = key operator value | key "IS" [ "NOT" ] "NULL"
    key        = [ entity "." ] name         entity: metrics, params, tags, attributes, datasets; none is attributes
    name       = word | "`" text "`" | '"' text '"'
    operator   = "=" | "!=" | "<" | "<=" | ">" | ">=" | [ "NOT" ] "LIKE" | "ILIKE" | [ "NOT" ] "IN"
    value      = "'" text "'" | '"' text '"' | number | "(" value *( "," value ) ")"
    order      = key [ "ASC" | "DESC" ]

Source: MLflow's `utils/search_utils.py`, and the pages that the modules beside this one name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from azmlflow.localazure.core.errors import AzureError, bad_request

ATTRIBUTE, METRIC, PARAMETER, TAG, DATASET = "Attribute", "Metric", "Param", "Tag", "Dataset"
_ENTITIES = {
    **dict.fromkeys(("attribute", "attributes", "attr", "run"), ATTRIBUTE),
    **dict.fromkeys(("metric", "metrics"), METRIC),
    **dict.fromkeys(("parameter", "parameters", "param", "params"), PARAMETER),
    **dict.fromkeys(("tag", "tags"), TAG),
    **dict.fromkeys(("dataset", "datasets"), DATASET),
}
_WORD = r"(?:`[^`]*`|\"[^\"]*\"|[^\s=!<>`\"'(),])+"
# No text can be read in two ways: else one that fits none is tried in all of them, for years.
_VALUE = r"'(?:[^']|'')*'|\"[^\"]*\"|[\w.+-]+"
_COMPARISON = re.compile(
    rf"\s*(?P<key>{_WORD})\s*"
    r"(?:(?P<null>\bIS(?:\s+NOT)?\s+NULL)\b|"
    r"(?P<operator><=|>=|!=|=|<|>|\b(?:NOT\s+)?I?LIKE\b|\b(?:NOT\s+)?IN\b)\s*"
    rf"(?P<value>{_VALUE}|\(\s*(?:{_VALUE})\s*(?:,\s*(?:{_VALUE})\s*)*(?:,\s*)?\)))\s*",
    re.IGNORECASE,
)
_AND = re.compile(r"AND\b", re.IGNORECASE)
_QUOTED = re.compile(r"[`\"]")


@dataclass(frozen=True)
class Key:
    """What a comparison or an order is about.

    Attributes:
        entity: one of the above.
        name: within it, without quotes.
        text: as it was written.
    """

    entity: str
    name: str
    text: str

    @property
    def escaped(self) -> bool:
        """Whether it was written in quotes."""
        return _QUOTED.search(self.text) is not None


@dataclass(frozen=True)
class Comparison:
    """One condition of a filter.

    Attributes:
        key: what is compared.
        operator: in capitals; `IS NULL` and `IS NOT NULL` have no value.
        value: as it was written.
    """

    key: Key
    operator: str
    value: str

    @property
    def text(self) -> str:
        """The condition, spelt for MLflow."""
        return " ".join(filter(None, (self.key.text, self.operator, self.value)))

    @property
    def plain(self) -> str:
        """The value without its quotes."""
        return self.value[1:-1] if self.value[:1] in ("'", '"') else self.value


def comparisons(text: str) -> list[Comparison]:
    """The conditions of a filter.

    Raises:
        AzureError: 400, it cannot be read, in the words of Azure/azure-sdk-for-python#42155.
    """
    found: list[Comparison] = []
    at = 0
    while text[at:].strip():
        if found:
            joint = _AND.match(text, at)
            if joint is None:
                raise unsupported(text)
            at = joint.end()
        match = _COMPARISON.match(text, at)
        if match is None:
            raise unsupported(text)
        operator = " ".join((match["null"] or match["operator"]).upper().split())
        found.append(Comparison(key(match["key"]), operator, match["value"] or ""))
        at = match.end()
    return found


def key(text: str) -> Key:
    """A key as it is written; without an entity it is an attribute, of one that nobody knows MLflow refuses it."""
    entity, dot, name = text.partition(".")
    known = _ENTITIES.get(entity.strip("`")) if dot else None
    return Key(ATTRIBUTE, _unquoted(text), text) if known is None else Key(known, _unquoted(name), text)


def order(text: str) -> tuple[Key, str]:
    """What to order by, and `ASC` or `DESC`; "" for neither."""
    head, _, last = text.strip().rpartition(" ")
    if head and last.upper() in ("ASC", "DESC"):
        return key(head.strip()), last.upper()
    return key(text.strip()), ""


def unsupported(text: str) -> AzureError:
    """400 for a filter that Azure Machine Learning does not take."""
    return bad_request(
        "UserError",
        f"Currently unsupported filter string format (we currently do not support OR). Provided filter string: {text}",
    )


def _unquoted(name: str) -> str:
    return name[1:-1] if len(name) > 1 and name[0] == name[-1] and name[0] in "`\"'" else name
