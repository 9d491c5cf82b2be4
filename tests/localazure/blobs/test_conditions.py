"""Conditional headers: If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since."""

from __future__ import annotations

import pytest

from tests.localazure.blobs.world import (
    Azure,
    block_list,
)


def test_if_none_match_keeps_what_is_there(azure: Azure) -> None:
    assert azure.put("a", b"first", If_None_Match="*").status_code == 201
    again = azure.put("a", b"second", If_None_Match="*")
    assert (again.status_code, again.headers["x-ms-error-code"]) == (409, "BlobAlreadyExists")
    azure.put_block("a", 1, b"third")
    listed = azure.put_block_list("a", ("Latest", 1), If_None_Match="*")
    assert (listed.status_code, listed.headers["x-ms-error-code"]) == (409, "BlobAlreadyExists")
    assert azure.http.get(azure.url("a")).content == b"first"


def test_conditions_on_the_etag(azure: Azure) -> None:
    etag = azure.put("a", b"first").headers["etag"]
    assert azure.http.get(azure.url("a"), headers={"If-None-Match": etag}).status_code == 304
    assert azure.http.get(azure.url("a"), headers={"If-Match": '"other"'}).status_code == 412
    assert azure.put("a", b"second", If_Match='"other"').headers["x-ms-error-code"] == "ConditionNotMet"
    assert azure.put("new", b"second", If_Match=etag).status_code == 412
    assert azure.put("a", b"second", If_Match=etag).status_code == 201


def test_conditions_on_the_date(azure: Azure) -> None:
    modified = azure.put("a", b"first").headers["last-modified"]
    azure.clock.advance(60)
    assert azure.http.get(azure.url("a"), headers={"If-Modified-Since": modified}).status_code == 304
    azure.put("a", b"second")
    assert azure.http.get(azure.url("a"), headers={"If-Modified-Since": modified}).status_code == 200
    assert azure.http.get(azure.url("a"), headers={"If-Unmodified-Since": modified}).status_code == 412


@pytest.mark.parametrize("header", ["If-Modified-Since", "If-Unmodified-Since"])
def test_a_date_that_cannot_be_read_is_refused_and_not_left_out(azure: Azure, header: str) -> None:
    """A write would go on without the condition that it was to have. Microsoft, "Common REST API error codes":
    InvalidHeaderValue."""
    azure.put("a", b"first")
    for answer in (
        azure.http.get(azure.url("a"), headers={header: "soon"}),
        azure.put("a", b"second", **{header.replace("-", "_"): "soon"}),
    ):
        assert (answer.status_code, answer.headers["x-ms-error-code"]) == (400, "InvalidHeaderValue")
    assert azure.http.get(azure.url("a")).content == b"first"


def test_an_etag_without_quotes_is_the_same(azure: Azure) -> None:
    """Lists of blobs tell them so, and clients send them on."""
    etag = azure.put("a", b"first").headers["etag"].strip('"')
    assert azure.http.get(azure.url("a"), headers={"If-Match": etag}).status_code == 200
    assert azure.http.get(azure.url("a"), headers={"If-None-Match": etag}).status_code == 304


def test_either_of_two_conditions_is_enough_to_read(azure: Azure) -> None:
    put = azure.put("a", b"first")
    azure.clock.advance(60)
    since = put.headers["last-modified"]
    other = azure.http.get(azure.url("a"), headers={"If-Modified-Since": since, "If-None-Match": '"other"'})
    same = azure.http.get(azure.url("a"), headers={"If-Modified-Since": since, "If-None-Match": put.headers["etag"]})
    assert (other.status_code, same.status_code) == (200, 304)
    assert azure.put("none", b"", If_Unmodified_Since=since).status_code == 412


@pytest.mark.parametrize("query", ["&comp=metadata", "&comp=properties", "&comp=blocklist"])
def test_every_write_has_its_conditions(azure: Azure, query: str) -> None:
    etag = azure.put("a", b"first").headers["etag"]
    url, body = azure.url("a", more=query), block_list()
    wrong = azure.http.put(url, headers={"If-Match": '"other"'}, content=body)
    assert (wrong.status_code, wrong.headers["x-ms-error-code"]) == (412, "ConditionNotMet")
    assert azure.http.put(url, headers={"If-Match": etag}, content=body).is_success
    assert azure.http.delete(azure.url("a"), headers={"If-Match": etag}).status_code == 412, "it has another one now"
