"""Which headers the front door passes on."""

import pytest

from localstack.door import headers, problems


def sent(*pairs: tuple[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in headers.onwards(pairs, peer="127.0.0.9", secret="s3cret"):
        found.setdefault(name.lower(), []).append(value)
    return found


@pytest.mark.parametrize(
    "name",
    [
        "Forwarded",
        "X-Forwarded-For",
        "x_forwarded_for",
        "X-Real-IP",
        "X-Tessera-Edge",
        "x_tessera_edge",
        "X-Amz-Target",
        "X-Original-URL",
    ],
)
def test_a_claim_of_the_client_does_not_get_through(name: str) -> None:
    assert "6.6.6.6" not in str(sent((name, "6.6.6.6")))


def test_the_socket_s_other_end_is_the_only_address() -> None:
    found = sent(("X-Forwarded-For", "6.6.6.6"), ("Accept", "*/*"))

    assert found["x-forwarded-for"] == ["127.0.0.9"]
    assert found["x-tessera-edge"] == ["s3cret"]
    assert found["accept"] == ["*/*"]


def test_headers_of_one_connection_stay_behind() -> None:
    found = sent(
        ("Connection", "close, X-Secret"), ("X-Secret", "a"), ("Transfer-Encoding", "chunked"), ("Host", "evil")
    )

    assert {"connection", "x-secret", "transfer-encoding", "host"}.isdisjoint(found)


def test_repeated_headers_stay_repeated() -> None:
    assert sent(("If-Match", '"1"'), ("If-Match", '"2"'))["if-match"] == ['"1"', '"2"']


def test_several_cookies_come_back() -> None:
    assert headers.back([("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("Server", "x")]) == [
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
    ]


@pytest.mark.parametrize("value", ["AWS4-HMAC-SHA256 Credential=test/...", "aws4-hmac-sha256 x", "AWS test:signature"])
def test_an_aws_signature_is_recognised(value: str) -> None:
    assert headers.calls_aws([("authorization", value)])


def test_a_bearer_token_is_no_aws_signature() -> None:
    assert not headers.calls_aws([("Authorization", "Bearer AWS4-not")])


@pytest.mark.parametrize(
    ("status", "found", "foreign"),
    [
        (404, {"content-type": "application/json"}, True),
        (500, {}, True),
        (200, {"content-type": "application/json"}, False),
        (404, {"content-type": "application/problem+json; charset=utf-8"}, False),
        (400, {"content-type": "application/json", "x-request-id": "r"}, False),
    ],
)
def test_an_error_that_no_app_wrote_is_recognised(status: int, found: dict[str, str], foreign: bool) -> None:
    assert problems.is_foreign(status, found) is foreign
