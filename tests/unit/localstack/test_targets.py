"""What the front door lets through: nothing that any reader behind it could take for another path."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localstack.door import targets

HOSTILE = [
    "/../../_ministack/reset",
    "/%2e%2e/%2e%2e/_ministack/reset",
    "/%2E%2E%2F_ministack%2Freset",
    "/%252e%252e/_ministack/reset",
    "/%25252e%25252e/_ministack/reset",
    "/.%2e/_ministack/reset",
    "/..;/_ministack/reset",
    "/tasks/..;a=1/_ministack/reset",
    "/tasks/%2F..",
    "/./_ministack/reset",
    "/tasks/.",
    "/..\\_ministack",
    "/..%5c_ministack",
    "/%c0%ae%c0%ae/_ministack",
    "/%c0%af_ministack",
    "/%uff0e%uff0e/_ministack",
    "/%EF%BC%8E%EF%BC%8E/_ministack",
    "/_ministack/reset",
    "/%5fministack/reset",
    "/%255fministack/reset",
    "//_ministack/reset",
    "/%2f_ministack/reset",
    "/_aws/execute-api/tessera/$default/health",
    "/tasks/%00",
    "/tasks/%0d%0aX-Evil:1",
    "http://127.0.0.1/_ministack/reset",
    "*",
    "",
    "/tasks#/../..",
]


@pytest.mark.parametrize("target", HOSTILE)
def test_a_target_that_could_leave_the_api_is_refused(target: str) -> None:
    assert targets.refusal(target)


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/tasks",
        "/tasks/01J8",
        "/tasks?q=../..&x=_y",
        "/s/a_b",
        "/tasks/_x",
        "/files/a..b",
        "/caf%C3%A9",
        "/a/...",
        "/x//y",
    ],
)
def test_an_ordinary_target_passes(target: str) -> None:
    assert targets.refusal(target) == ""


@given(st.text(min_size=1, max_size=30), st.integers(1, 4))
def test_however_often_a_dot_segment_is_encoded_it_is_found(tail: str, times: int) -> None:
    hidden = "../" + tail
    for _ in range(times):
        hidden = "".join(f"%{byte:02x}" for byte in hidden.encode("utf-8", "replace"))

    assert targets.refusal("/tasks/" + hidden)


@given(st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8), min_size=1, max_size=4))
def test_words_and_numbers_in_any_script_pass(segments: list[str]) -> None:
    path = "/" + "/".join(quote(segment) for segment in segments)

    assert targets.refusal(path) == ""


def test_a_path_encoded_without_end_is_refused() -> None:
    assert targets.refusal("/" + "%25" * 1 + "25" * 40 + "41")


def test_the_first_segment_names_the_capability() -> None:
    assert targets.first_segment("/gift-cards/01J8?x=/y") == "gift-cards"
