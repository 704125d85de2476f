"""The far ends of the connections: what is sent again, and what is not."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from functions.live.realtime import ports
from functions.live.realtime.ports import Gone, Sockets, TooSlow
from tessera import aws

URL = "http://sockets.test"


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code}}, "PostToConnection")


class Management:
    """What API Gateway says to one post after the other."""

    def __init__(self, *answers: Exception | None) -> None:
        self.answers, self.frames = list(answers), list[bytes]()

    def post_to_connection(self, ConnectionId: str, Data: bytes) -> None:
        self.frames.append(Data)
        answer = self.answers.pop(0)
        if answer is not None:
            raise answer


@pytest.fixture
def answering(monkeypatch):
    given: dict[str, Any] = {}

    def answer(*answers: Exception | None) -> Management:
        given["management"] = Management(*answers)
        return given["management"]

    monkeypatch.setattr(ports.aws, "client", lambda *_, **config: given["management"])
    return answer


@pytest.mark.parametrize("first", [refused("LimitExceededException"), EndpointConnectionError(endpoint_url=URL)])
def test_what_was_not_taken_is_sent_again(answering, first):
    management = answering(first, None)

    Sockets(URL).post("c1", "frame")

    assert management.frames == [b"frame", b"frame"]


def test_what_may_have_arrived_is_not_sent_again(answering):
    management = answering(ReadTimeoutError(endpoint_url=URL), None)

    with pytest.raises(TooSlow):
        Sockets(URL).post("c1", "frame")

    assert management.frames == [b"frame"]


def test_a_socket_that_takes_nothing_is_given_up(answering):
    management = answering(*[refused("LimitExceededException")] * ports.POST_TRIES)

    with pytest.raises(TooSlow):
        Sockets(URL).post("c1", "frame")

    assert len(management.frames) == ports.POST_TRIES


@pytest.mark.parametrize(("code", "raised"), [("GoneException", Gone), ("PayloadTooLargeException", ClientError)])
def test_what_cannot_be_sent_is_told_at_once(answering, code, raised):
    management = answering(refused(code))

    with pytest.raises(raised):
        Sockets(URL).post("c1", "frame")

    assert len(management.frames) == 1


def test_the_client_repeats_nothing_by_itself():
    """Its repetition cannot tell what may have arrived from what was not taken."""
    client = Sockets(URL)._client()

    assert client.meta.config.retries["total_max_attempts"] == 1
    assert client is aws.client("apigatewaymanagementapi", endpoint=URL, retries=ports._ONCE)
