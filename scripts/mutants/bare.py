"""Functions without their decorators, so that mutmut changes them too: it leaves decorated ones alone.

`@property def name(self): BODY` becomes `def name__bare(self): BODY`, which is changed, and `@property def name(self):
return self.name__bare()`, which is not. The same for context managers, validators and commands. Caches are taken away:
mutmut tries a change on the tests that ran a function, and after the first of them a cache runs it no more.
"""

from __future__ import annotations

import libcst as cst
import libcst.matchers as m

SUFFIX = "__bare"
_CACHE = m.Attribute(attr=m.Name("cache") | m.Name("lru_cache"))
# mutmut changes what has one of these alone.
_METHOD = m.Name("staticmethod") | m.Name("classmethod")
# These have no body of their own, or one whose name another function has, or nothing to be called by.
_LEFT = m.OneOf(
    m.Name("overload"), m.Name("abstractmethod"), m.Name("staticmethod"), m.Attribute(attr=m.Name("setter"))
)


def bared(source: str) -> str:
    """A module's source with each decorated function split in two."""
    return cst.parse_module(source).visit(_Splitter()).code


class _Splitter(cst.CSTTransformer):
    def __init__(self) -> None:
        self._classes = 0
        self._functions = 0

    def visit_ClassDef(self, node: cst.ClassDef) -> None:  # noqa: ARG002 - libcst's signature
        self._classes += 1

    def leave_ClassDef(
        self,
        original_node: cst.ClassDef,  # noqa: ARG002
        updated_node: cst.ClassDef,
    ) -> cst.ClassDef:
        self._classes -= 1
        return updated_node

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:  # noqa: ARG002
        self._functions += 1

    def leave_FunctionDef(
        self,
        original_node: cst.FunctionDef,  # noqa: ARG002
        updated_node: cst.FunctionDef,
    ) -> cst.FunctionDef | cst.FlattenSentinel[cst.BaseStatement]:
        self._functions -= 1
        updated_node = _uncached(updated_node)
        decorators = [each.decorator for each in updated_node.decorators]
        plain = not decorators or (len(decorators) == 1 and m.matches(decorators[0], _METHOD))
        if self._functions or plain or any(m.matches(each, _LEFT) for each in decorators):
            return updated_node
        bare = updated_node.name.value + SUFFIX
        kept = [each for each in updated_node.decorators if m.matches(each.decorator, _METHOD)]
        body = updated_node.with_changes(
            name=cst.Name(bare), decorators=kept, params=_without_defaults(updated_node.params)
        )
        call = _call(updated_node, bare, bool(self._classes))
        waits = updated_node.asynchronous is not None and not m.findall(updated_node.body, m.Yield())
        told = cst.Await(call) if waits else call
        forward = updated_node.with_changes(
            asynchronous=updated_node.asynchronous if waits else None,
            body=cst.IndentedBlock([cst.SimpleStatementLine([cst.Return(told)])]),
        )
        return cst.FlattenSentinel([body, forward])


def _uncached(function: cst.FunctionDef) -> cst.FunctionDef:
    """The function without `functools.cache` and `lru_cache`; a `cached_property` is kept with its object only."""
    kept = [each for each in function.decorators if not m.matches(each.decorator, _CACHE | m.Call(func=_CACHE))]
    return function.with_changes(decorators=kept)


def _without_defaults(params: cst.Parameters) -> cst.Parameters:
    """The forwarder gives every argument, so a changed default would change nothing."""

    def bare(given: tuple[cst.Param, ...]) -> list[cst.Param]:
        return [each.with_changes(default=None, equal=cst.MaybeSentinel.DEFAULT) for each in given]

    return params.with_changes(
        params=bare(tuple(params.params)),
        kwonly_params=bare(tuple(params.kwonly_params)),
        posonly_params=bare(tuple(params.posonly_params)),
    )


def _call(function: cst.FunctionDef, bare: str, method: bool) -> cst.Call:
    """The call of the bare function with all that the decorated one was given."""
    params = function.params
    positional = [*params.posonly_params, *params.params]
    func: cst.BaseExpression = cst.Name(bare)
    if method:
        func, positional = cst.Attribute(positional[0].name, cst.Name(bare)), positional[1:]
    arguments = [cst.Arg(each.name) for each in positional]
    if isinstance(params.star_arg, cst.Param):
        arguments.append(cst.Arg(params.star_arg.name, star="*"))
    arguments += [cst.Arg(each.name, keyword=each.name) for each in params.kwonly_params]
    if params.star_kwarg is not None:
        arguments.append(cst.Arg(params.star_kwarg.name, star="**"))
    return cst.Call(func, arguments)
