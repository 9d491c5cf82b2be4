"""`make mutants`: change the access evaluator in every small way, one at a time, and see which rule's test fails.

Each change (a comparison turned round, a condition dropped, a statement deleted, ...) is made in a process of its own
that imports the changed module and runs the evaluator's tests, tests/rbac/test_rules.py first, until one fails. The
report, docs/mutants.md, tells for each change which test failed first; exit code 1 if a change fails none and
`EQUIVALENT` does not say why it may not. (mutmut and cosmic-ray want to copy or rewrite the package: here it is found
through links in src/, and one fork a change is faster than one interpreter.)
"""

from __future__ import annotations

import ast
import functools
import importlib.abc
import importlib.util
import json
import os
import re
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
REPORT = ROOT / "docs" / "mutants.md"
MODULES = ("evaluate", "index", "facts", "patterns", "scopes")
# After the rules: those written by hand, so that a failure says what is wrong; then, for what none of them notices, the
# property tests, the same examples each time.
TESTS = ("evaluate", "patterns", "scopes", "evaluate_properties")
# Seconds of a core, so that a busy machine fails nothing: a change that makes a loop endless has failed by then.
LONGEST = 60

# Changes that no test can fail, since nothing that is promised depends on them: `module.function: change` -> why.
EQUIVALENT: dict[str, str] = {
    "index.barriers: if not self._denies: ... -> pass": "a shortcut: without deny assignments the walk finds none",
    "patterns._best: any(joined) and _fits(pieces, joined, text) -> _fits(pieces, joined, text)": (
        "a shortcut: without a wildcard between slashes this is the match that failed above"
    ),
    "patterns._prepare: for each in ordered if '*' in each.pattern -> for each in ordered": (
        "a shortcut: an exact pattern that matches has been found in the dictionary"
    ),
    "patterns._prepare: False -> True": "only for sorting: all carry the same mark, so the order stays",
    "patterns._fits: True -> False": "a self-check: there is one wildcard fewer than pieces, always",
    "scopes.extension_id: True -> False": "a self-check: the numbers were compared two lines above",
}

_TURNED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
}
_MOVED: dict[type[ast.cmpop], type[ast.cmpop]] = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
_NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}
_METHODS = {"startswith": "endswith", "endswith": "startswith", "lower": "strip"}


@dataclass(frozen=True)
class Mutant:
    """One change.

    Attributes:
        module: name of the module, without package.
        function: the function or method that it is in.
        change: what was and what is, in source text.
        source: the whole changed module.
    """

    module: str
    function: str
    change: str
    source: str

    @property
    def key(self) -> str:
        """Its name in `EQUIVALENT`."""
        return f"{self.module}.{self.function}: {self.change}"


def mutants(module: str, source: str) -> Iterator[Mutant]:
    """Every change of a module's functions."""
    count = sum(1 for _ in _changes(ast.parse(source)))
    for number in range(count):
        tree = ast.parse(source)
        function, was, apply = list(_changes(tree))[number]
        is_ = apply()
        ast.fix_missing_locations(tree)
        yield Mutant(module, function, f"{was} -> {is_}", ast.unparse(tree))


def _changes(tree: ast.Module) -> Iterator[tuple[str, str, Callable[[], str]]]:
    """(function, text before, what makes the change and gives the text after), in a fixed order."""
    for scope in ast.walk(tree):
        if isinstance(scope, ast.FunctionDef):
            for parent, field, at, node in _inside(scope):
                was = _text(node)
                for operator in OPERATORS:
                    for new in operator(node):
                        yield scope.name, was, functools.partial(_put, parent, field, at, new)


def _put(parent: ast.AST, field: str, at: int | None, new: ast.AST) -> str:
    if at is None:
        setattr(parent, field, new)
    else:
        getattr(parent, field)[at] = new
    return _text(new)


def _inside(scope: ast.FunctionDef) -> Iterator[tuple[ast.AST, str, int | None, Any]]:
    """Every node of a function's body with its place; without annotations, docstrings and the words of messages."""
    ahead: list[ast.AST] = [scope]
    while ahead:
        parent = ahead.pop(0)
        for field, value in ast.iter_fields(parent):
            if field in ("annotation", "returns", "decorator_list", "args") and parent is scope:
                continue
            if field == "annotation" or isinstance(parent, ast.JoinedStr):
                continue
            many = isinstance(value, list)
            for at, node in enumerate(value if many else [value]):
                if isinstance(node, ast.AST) and not isinstance(node, ast.FunctionDef):
                    yield parent, field, at if many else None, node
                    ahead.append(node)


def comparisons(node: ast.AST) -> Iterator[ast.AST]:
    """Turned round, and an order's end moved."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        for table in (_TURNED, _MOVED):
            if type(node.ops[0]) in table:
                yield ast.Compare(node.left, [table[type(node.ops[0])]()], node.comparators)


def connectives(node: ast.AST) -> Iterator[ast.AST]:
    """`and` for `or`, and each operand dropped; a `not` or a minus dropped."""
    if isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
        for dropped in range(len(node.values)):
            rest = node.values[:dropped] + node.values[dropped + 1 :]
            yield rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        yield node.operand


def sums(node: ast.AST) -> Iterator[ast.AST]:
    """Plus for minus; one side of a union."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        yield from (node.left, node.right)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        yield ast.BinOp(node.left, ast.Sub() if isinstance(node.op, ast.Add) else ast.Add(), node.right)


def constants(node: ast.AST) -> Iterator[ast.AST]:
    """True for False; one more."""
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield ast.Constant(node.value + 1)


def calls(node: ast.AST) -> Iterator[ast.AST]:
    """The opposite function or method."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _NAMES:
        yield ast.Call(ast.Name(_NAMES[node.func.id], ast.Load()), node.args, node.keywords)
    if isinstance(node, ast.Attribute) and node.attr in _METHODS:
        yield ast.Attribute(node.value, _METHODS[node.attr], ast.Load())


def branches(node: ast.AST) -> Iterator[ast.AST]:
    """One side of a choice only; a filter of a comprehension dropped; a test turned round."""
    if isinstance(node, ast.IfExp):
        yield from (node.body, node.orelse)
    elif isinstance(node, ast.comprehension):
        for at in range(len(node.ifs)):
            yield ast.comprehension(node.target, node.iter, node.ifs[:at] + node.ifs[at + 1 :], node.is_async)
    elif isinstance(node, ast.If | ast.While) and not isinstance(node.test, ast.Compare):
        turned = ast.UnaryOp(ast.Not(), node.test)
        yield type(node)(turned, node.body, node.orelse)


def deletions(node: ast.AST) -> Iterator[ast.AST]:
    """A statement deleted whose absence leaves a program; a return's would be found by the type checker."""
    gone = isinstance(node, ast.If | ast.AugAssign | ast.Continue | ast.Raise)
    if isinstance(node, ast.Expr):
        gone = not isinstance(node.value, ast.Constant)
    elif isinstance(node, ast.Assign):
        gone = all(isinstance(target, ast.Subscript | ast.Attribute) for target in node.targets)
    if gone:
        yield ast.Pass()


OPERATORS = (comparisons, connectives, sums, constants, calls, branches, deletions)


def _text(node: ast.AST) -> str:
    text = ast.unparse(ast.fix_missing_locations(node)).strip().splitlines()
    first = (text or [""])[0] + (" ..." if len(text) > 1 else "")
    return re.sub(r"\s+", " ", first)


# --- running the tests on one change -------------------------------------------------------------------------------


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from the changed source."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant
        self.name = f"azmlflow.rbac.{mutant.module}"

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
        return importlib.util.spec_from_loader(name, self) if name == self.name else None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.mutant.source, f"<{self.mutant.key}>", "exec"), module.__dict__)


class _First:
    """Notes the first test that fails."""

    def __init__(self) -> None:
        self.name = ""

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed and not self.name:
            self.name = report.nodeid

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed and not self.name:
            self.name = f"{report.nodeid}::import"


def run_tests(mutant: Mutant | None, answer: Path) -> None:
    """In a process of its own: run the tests until one fails, and write its name (empty: none) into the file."""
    import pytest

    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    if mutant is not None:
        sys.meta_path.insert(0, _Changed(mutant))
    broken = _broken_rule()
    if broken:
        answer.write_text(json.dumps(broken))
        return
    first = _First()
    files = [str(ROOT / "tests" / "rbac" / f"test_{name}.py") for name in TESTS]
    # Hypothesis is imported before the fork, which its pytest plugin would complain about.
    options = ["-x", "-q", "-p", "no:cacheprovider", "--tb=no", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
    code = pytest.main([*options, *files], plugins=[first])
    if code != 0 and not first.name:
        first.name = f"pytest exit code {int(code)}"
    answer.write_text(json.dumps(first.name))


def _broken_rule() -> str:
    """The first case of tests/rbac/test_rules.py that fails, without pytest's own second; empty if none does."""
    path = ROOT / "tests" / "rbac" / "test_rules.py"
    spec = importlib.util.spec_from_file_location("tests.rbac.test_rules", path)
    if spec is None or spec.loader is None:
        raise ImportError(str(path))
    rules = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = rules
    try:
        spec.loader.exec_module(rules)
    except Exception as fault:  # noqa: BLE001 - a change that does not even import is found
        return f"import of the changed module ({type(fault).__name__})"
    for case in rules.CASES:
        try:
            rules.test_rule(case)
        except Exception:  # noqa: BLE001 - whatever it raises, the case fails
            return f"rule: {case.rule}"
    return ""


def outcomes(changes: Sequence[Mutant | None]) -> list[str]:
    """The first test that each change fails, empty for none; as many at a time as there are cores."""
    import hypothesis
    import pytest

    assert hypothesis and pytest  # imported once, before the forks
    found = [""] * len(changes)
    with tempfile.TemporaryDirectory() as folder:
        ahead = list(enumerate(changes))
        running: dict[int, int] = {}
        while ahead or running:
            while ahead and len(running) < (os.cpu_count() or 1):
                number, change = ahead.pop(0)
                pid = os.fork()
                if pid == 0:
                    try:
                        resource.setrlimit(resource.RLIMIT_CPU, (LONGEST, LONGEST))
                        run_tests(change, Path(folder) / str(number))
                    finally:
                        os._exit(0)
                running[pid] = number
            for pid, number in list(running.items()):
                ended, status, used = os.wait4(pid, os.WNOHANG)
                if not ended:
                    continue
                answer = Path(folder) / str(number)
                if answer.exists():
                    found[number] = json.loads(answer.read_text())
                elif os.WIFSIGNALED(status) and used.ru_utime + used.ru_stime >= LONGEST - 1:
                    found[number] = f"no end within {LONGEST} s of a core"
                else:
                    found[number] = "the process died"
                del running[pid]
                if number % 50 == 0:
                    sys.stderr.write(f"{number} of {len(changes)}\n")
            time.sleep(0.02)
    return found


# --- the report ----------------------------------------------------------------------------------------------------


def name_of(test: str) -> str:
    """What a failed test is called in the report."""
    return test.rpartition("/")[2]


def report(changes: Sequence[Mutant], failed: Sequence[str]) -> str:
    """docs/mutants.md."""
    rows = list(zip(changes, failed, strict=True))
    lines = [
        "# Mutation testing of the access evaluator",
        "",
        "Made by `make mutants` (scripts/mutants.py): every small change of `rbac/"
        + "`, `rbac/".join(f"{name}.py" for name in MODULES)
        + "`, one at a time, and the first",
        "test that fails. A name after `rule:` is a rule of tests/rbac/test_rules.py; the rules run first; last, on",
        "what no case written by hand notices, the property tests (tests/rbac/test_evaluate_properties.py).",
        "",
        "| module | changes | failed by a rule's case | by another test | by none |",
        "|---|---:|---:|---:|---:|",
    ]
    for name in (*MODULES, "all"):
        mine = [test for change, test in rows if name in (change.module, "all")]
        by_rule = sum(test.startswith("rule: ") for test in mine)
        none = mine.count("")
        lines.append(f"| {name} | {len(mine)} | {by_rule} | {len(mine) - by_rule - none} | {none} |")
    lines += ["", "## Failed by none", "", "Nothing that is promised depends on these:", ""]
    survivors = [change for change, test in rows if not test]
    for change in survivors:
        lines.append(f"- `{change.key}`: {EQUIVALENT.get(change.key, '**not explained**')}")
    lines += ["", "## Rules, and how many changes each is the first to notice", "", "| rule | changes |", "|---|---:|"]
    for rule, count in sorted(Counter(test for _, test in rows).items()):
        if rule.startswith("rule: "):
            lines.append(f"| {rule.removeprefix('rule: ')} | {count} |")
    lines += ["", "## Every change", "", "| place | change | first failure |", "|---|---|---|"]
    for change, test in rows:
        text = change.change.replace("|", "\\|")
        lines.append(f"| {change.module}.{change.function} | `{text}` | {name_of(test) or 'none'} |")
    return "\n".join(lines) + "\n"


def main(names: Sequence[str]) -> int:
    """Change, test, report. With names of modules, only those, and the report is printed instead."""
    wanted = [name for name in MODULES if not names or name in names]
    changes = [mutant for name in wanted for mutant in mutants(name, (ROOT / "rbac" / f"{name}.py").read_text("utf-8"))]
    unchanged, *failed = outcomes([None, *changes])
    if unchanged:
        sys.stderr.write(f"the unchanged evaluator fails {unchanged}; nothing can be told\n")
        return 1
    text = report(changes, failed)
    if names:
        sys.stdout.write(text)
    else:
        REPORT.parent.mkdir(exist_ok=True)
        REPORT.write_text(text, encoding="utf-8")
    survivors = {change.key for change, test in zip(changes, failed, strict=True) if not test}
    unexplained = sorted(survivors - EQUIVALENT.keys())
    stale = sorted(EQUIVALENT.keys() - survivors) if not names else []
    for key in unexplained:
        sys.stderr.write(f"no test fails: {key}\n")
    for key in stale:
        sys.stderr.write(f"explained, but a test fails, or there is no such change: {key}\n")
    sys.stderr.write(f"{len(changes)} changes, {len(survivors)} fail no test, {len(unexplained)} unexplained\n")
    return 1 if unexplained or stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
