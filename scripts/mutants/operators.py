"""Small changes that mutmut does not make: a test turned round, a statement, a filter or an operand dropped.

mutmut's own (mutmut/mutation/mutators.py) change comparisons, connectives, numbers, arguments and assignments. Of its
three changes of a text one is kept: a text in capitals and one in small letters find nothing that the first does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import libcst as cst
import libcst.matchers as m

Operator = Callable[[Any], Iterable[cst.CSTNode]]
_OPPOSITES = {
    "min": "max",
    "max": "min",
    "any": "all",
    "all": "any",
    "startswith": "endswith",
    "endswith": "startswith",
}


def conditions(node: cst.If | cst.While) -> Iterable[cst.CSTNode]:
    """The test turned round, where mutmut has no change that does it; an `if` without `else` dropped."""
    equal = m.ComparisonTarget(m.Equal() | m.NotEqual() | m.Is() | m.IsNot() | m.In() | m.NotIn())
    if not m.matches(node.test, m.Comparison(comparisons=[equal]) | m.UnaryOperation(operator=m.Not())):
        inner = node.test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
        yield node.with_changes(test=cst.UnaryOperation(cst.Not(), inner))
    if isinstance(node, cst.If) and node.orelse is None:
        yield cst.SimpleStatementLine([cst.Pass()], leading_lines=node.leading_lines)


def statements(node: cst.Expr) -> Iterable[cst.CSTNode]:
    """A call whose value nobody takes, dropped."""
    if m.matches(node.value, m.Call()):
        yield cst.Pass()


def filters(node: cst.CompFor) -> Iterable[cst.CSTNode]:
    """One filter of a comprehension dropped."""
    for at in range(len(node.ifs)):
        yield node.with_changes(ifs=[*node.ifs[:at], *node.ifs[at + 1 :]])


def operands(node: cst.BooleanOperation) -> Iterable[cst.CSTNode]:
    """One side of an `and` or an `or` dropped."""
    yield node.left
    yield node.right


def opposites(node: cst.Call) -> Iterable[cst.CSTNode]:
    """The opposite function or method: `all` for `any`."""
    name = node.func.attr if isinstance(node.func, cst.Attribute) else node.func
    if isinstance(name, cst.Name) and name.value in _OPPOSITES:
        yield node.with_deep_changes(name, value=_OPPOSITES[name.value])


def texts(node: cst.SimpleString) -> Iterable[cst.CSTNode]:
    """Another text."""
    quote = node.quote
    if len(quote) == 1:
        yield node.with_changes(value=f"{node.prefix}{quote}XX{node.raw_value}XX{quote}")


OPERATORS: tuple[tuple[type, Operator], ...] = (
    (cst.If, conditions),
    (cst.While, conditions),
    (cst.Expr, statements),
    (cst.CompFor, filters),
    (cst.BooleanOperation, operands),
    (cst.Call, opposites),
    (cst.SimpleString, texts),
)
# Of mutmut's own, in place of which one of these stands.
REPLACED = ("operator_string",)
