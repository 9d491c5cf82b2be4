"""What the machine refuses is not an unexpected fault: it has words, a place and a next step, whoever ran into it."""

from __future__ import annotations

import errno
import os

import pytest
from azure.core.exceptions import ServiceRequestError

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.project import report
from azmlflow.rbac.live.errors import PrincipalUnknown


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EROFS, errno.EACCES])
def test_no_refusal_of_the_machine_is_unexpected(number: int) -> None:
    known = report.known(OSError(number, os.strerror(number), "/srv/p/x"))
    assert known is not None
    assert known.where == "/srv/p/x"
    assert known.next


def test_a_lack_of_descriptors_is_not_told_as_a_silent_azure() -> None:
    fault = ServiceRequestError("HTTPSConnection: failed to establish a new connection")
    fault.__cause__ = OSError(errno.EMFILE, "Too many open files")
    known = report.known(fault)
    assert known is not None
    assert "file descriptor" in known.what


def test_a_thread_that_cannot_start_is_told() -> None:
    known = report.known(RuntimeError("can't start new thread"))
    assert known is not None
    assert "process or thread" in known.what


def test_a_typed_error_keeps_its_own_words() -> None:
    fault = CliError("cannot write x: No space left on device", next="ls -ld .")
    fault.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    assert report.known(fault) is fault


def test_bytes_that_are_no_text_are_told_as_they_came() -> None:
    with pytest.raises(UnicodeEncodeError) as failed:
        b"ali\xffce".decode("utf-8", "surrogateescape").encode()
    known = report.known(failed.value)
    assert known is not None
    assert known.what == "`ali\\udcffce` is not valid UTF-8"


def test_a_mistake_of_ours_stays_one() -> None:
    assert report.known(KeyError("x")) is None
    assert report.known(RuntimeError("x")) is None


@pytest.mark.parametrize(
    ("cloud", "next_"),
    [
        ("local:/somewhere", "azmlflow local user list, or azmlflow local user add NAME@DOMAIN"),
        ("", "az ad user list --output table"),
    ],
)
def test_nobody_of_that_name_is_looked_for_where_the_people_are(
    monkeypatch: pytest.MonkeyPatch, cloud: str, next_: str
) -> None:
    monkeypatch.setenv("AZMLFLOW_CLOUD", cloud)
    fault = PrincipalUnknown("no user 'alise' in the directory", "az ad user list --output table")
    assert "`az ad user list --output table` shows who is there" in str(fault)
    told = report.known(fault)
    assert told is not None
    assert (told.what, told.next) == ("no user 'alise' in the directory", next_)
    told = report.known(PrincipalUnknown("an empty name is nobody's"))
    assert told is not None
    assert told.next in (next_, "azmlflow grant --help")
