"""One reading of paths, queries and JSON bodies."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from azmlflow.localazure.core import spelling
from azmlflow.localazure.core.errors import AzureError


def scope(path: str = "/", query: str = "") -> dict[str, Any]:
    return {"raw_path": path.encode("latin-1"), "path": path, "query_string": query.encode("latin-1")}


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("/a/b", "/a/b"),
        ("/%61/b", "/a/b"),
        ("/a%252Fb", "/a%2Fb"),
        ("/%E6%97%A5", "/日"),
        ("/a%2Fb", "/a/b"),
        ("/", "/"),
    ],
)
def test_a_path_is_decoded_once(sent: str, read: str) -> None:
    assert spelling.decoded(spelling.sent_path(scope(f"{sent}?x=1"))) == read


@pytest.mark.parametrize(
    "sent",
    ["/a/../b", "/a/%2e%2e/b", "/a/.%2E", "/./a", "/%ff", "/a%00", "/a%0d%0aX: y", "/a%", "/a%4", "/a%zz", "/\xe9"],
)
def test_a_path_that_can_be_read_in_two_ways_is_refused(sent: str) -> None:
    with pytest.raises(AzureError) as refused:
        spelling.decoded(spelling.sent_path(scope(sent)))
    assert (refused.value.status, refused.value.code) == (400, "InvalidRequestUri")


def test_names_of_parameters_have_no_case_and_one_value() -> None:
    assert spelling.query(scope(query="Api-Version=1&x=a%26b&y=&api-version=1")) == {
        "api-version": "1", "x": "a&b", "y": ""
    }  # fmt: skip
    assert spelling.query(scope(query="run_ids=a&run_ids=b"), ["run_ids"]) == {"run_ids": "b"}
    for two in ("a=1&a=2", "a=1&A=2", "a=%ff"):
        with pytest.raises(AzureError, match=r"two values|UTF-8"):
            spelling.query(scope(query=two))


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"a": 1, "a": 2}', "'a' is given twice"),
        (b'{"x": [{"a": 1, "\\u0061": 2}]}', "'a' is given twice"),
        (b'{"a": NaN}', "not a number"),
        (b'{"a": -Infinity}', "not a number"),
        (b'{"a": 1e999}', "too large"),
        (b'{"a": "\\ud800"}', "UTF-8"),
        (b'{"\\uDFFF": 1}', "UTF-8"),
        (b'{"a": "\xff"}', "not encoded as UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "not encoded as UTF-8"),
        (b"[" * 100_000, "too deeply"),
        (b"[" * 65 + b"1" + b"]" * 65, "more than 64 levels"),
        (b'{"a":' * 500 + b"1" + b"}" * 500, "more than 64 levels"),
        (b"{", "Expecting"),
        (b'{"a": 1} x', "Extra data"),
    ],
)
def test_json_that_is_none_or_two_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(spelling.NotOneReading, match=why):
        spelling.parsed(body)


def test_json_is_read() -> None:
    assert spelling.parsed(b"[" * 64 + b"1" + b"]" * 64)
    assert spelling.parsed(b'\xef\xbb\xbf{"a": ["\\ud83d\\ude00", 1.5, null]}') == {"a": ["😀", 1.5, None]}


@pytest.mark.parametrize(
    "headers",
    [
        {"content-encoding": "gzip"},
        {"content-type": "application/json; charset=utf-16"},
        {"content-type": 'application/json;charset="latin1"'},
    ],
)
def test_other_forms_of_a_body_are_refused(headers: dict[str, str]) -> None:
    with pytest.raises(AzureError) as refused:
        spelling.check_form(headers)
    assert refused.value.status == 415


def test_the_usual_forms_of_a_body_pass() -> None:
    spelling.check_form({})
    spelling.check_form({"content-encoding": "identity", "content-type": "application/json; charset=UTF-8"})


@pytest.mark.parametrize("name", [b"authorization", b"Content-Type", b"x-ms-version", b"X-MS-Copy-Source"])
def test_a_header_that_is_given_twice_is_refused(name: bytes) -> None:
    with pytest.raises(AzureError, match="given twice"):
        spelling.check_headers({"type": "http", "headers": [(name, b"a"), (name.lower(), b"b")]})
    spelling.check_headers({"type": "http", "headers": [(name, b"a"), (b"accept", b"a"), (b"accept", b"b")]})


@pytest.mark.parametrize(
    ("coding", "version", "good"),
    [
        (b"chunked", "1.1", True),
        (b"Chunked ", "1.1", True),
        (b"gzip, chunked", "1.1", False),
        (b"identity", "1.1", False),
        (b"chunked", "1.0", False),
    ],
)
def test_a_body_in_another_coding_than_chunks_is_refused(coding: bytes, version: str, good: bool) -> None:
    scope = {"type": "http", "http_version": version, "headers": [(b"transfer-encoding", coding)]}
    with contextlib.nullcontext() if good else pytest.raises(AzureError, match="transfer-encoding"):
        spelling.check_headers(scope)
