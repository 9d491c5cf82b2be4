# mypy: disable-error-code="no-untyped-call, no-any-return, attr-defined"
"""MLflow reads each request whole, or refuses it.

Its own handlers fall over values of another type (a list for a number, a number for the body): they answer 500, and
clients, which take that for a passing fault, ask again for minutes. And what protobuf cannot read, if no rule of the
handler's names it, is left out with all that comes after it, and the rest is done.
"""

from __future__ import annotations

import contextvars
from typing import Any

from google.protobuf.json_format import ParseError
from mlflow.exceptions import MlflowException

# What protobuf could not read of the request that is answered now.
_UNREAD: contextvars.ContextVar[list[ParseError] | None] = contextvars.ContextVar("unread", default=None)
_FAULTS = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RecursionError)


def refuse_what_cannot_be_read() -> None:
    """Have MLflow's handlers refuse, as INVALID_PARAMETER_VALUE, what they cannot read."""
    from mlflow.server import handlers

    parse, read, check = handlers.parse_dict, handlers._get_request_message, handlers._validate_batch_log_api_req

    def parsing(*given: Any, **named: Any) -> Any:
        try:
            return parse(*given, **named)
        except ParseError as error:
            unread = _UNREAD.get()
            if unread is not None:
                unread.append(error)
            raise

    def reading(*given: Any, **named: Any) -> Any:
        unread: list[ParseError] = []
        mark = _UNREAD.set(unread)
        try:
            found = read(*given, **named)
        except _FAULTS as error:
            raise _refused() from error
        finally:
            _UNREAD.reset(mark)
        if unread:
            raise _refused() from unread[0]
        return found

    def checking(*given: Any, **named: Any) -> Any:
        try:
            return check(*given, **named)
        except _FAULTS as error:
            raise _refused() from error

    handlers.parse_dict, handlers._get_request_message = parsing, reading
    handlers._validate_batch_log_api_req = checking


def _refused() -> MlflowException:
    return MlflowException.invalid_parameter_value("The request gives a value of another type than is asked for.")
