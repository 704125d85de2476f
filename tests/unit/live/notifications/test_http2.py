"""HTTP/2 down to the socket: every server here is one of this machine, with a certificate of its own."""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from h2.errors import ErrorCodes
from h2.settings import SettingCodes
from hyperframe.frame import ContinuationFrame, DataFrame, GoAwayFrame, HeadersFrame, PingFrame, SettingsFrame

from functions.live.notifications.providers.http2.client import HTTP2, MAX_FREE, Limits, trust
from functions.live.notifications.providers.outcomes import Failed, Refused, Unsure
from functions.live.notifications.providers.wire import MAX_BYTES
from tessera import clock, log
from tessera.safehttp.client import SPARE_SECONDS
from tessera.safehttp.gate import Gate
from tests.kit.http2_server import (
    NAME,
    Act,
    Asked,
    HTTP2Server,
    Session,
    answer,
    answers_and_leaves,
    drips,
    falls_silent,
    hangs_up,
    is_silent,
    leaves,
    leaves_and_answers,
    resets,
    says,
)
from tests.kit.logs import logged
from tests.kit.races import together

EVERY_STREAM = 2**31 - 1


@pytest.fixture
def server(tmp_path: Path) -> Iterator[HTTP2Server]:
    with HTTP2Server(tmp_path) as found:
        yield found
        assert found.errors == []


def client(server: HTTP2Server, *, authority: str | None = None, **limits: float) -> HTTP2:
    return HTTP2(
        server.origin,
        server.gate,
        limits=Limits(**limits),
        resolve=server.resolve,
        trust=lambda: trust(authority or server.certificate),
    )


def ask(web: HTTP2, path: str = "/3/device/ab", body: bytes = b"{}", **headers: str):
    return web.post(path, body, {name.replace("_", "-"): value for name, value in headers.items()}, purpose="test")


def test_a_request_arrives_as_it_was_asked(server: HTTP2Server) -> None:
    server.next(says(200, apns_id="AB-CD"))

    found = ask(client(server), body=b'{"aps":1}', authorization="bearer x", apns_topic="a.b")

    (asked,) = server.journal
    assert asked.headers == {
        ":method": "POST",
        ":scheme": "https",
        ":authority": f"{NAME}:{server.port}",
        ":path": "/3/device/ab",
        "authorization": "bearer x",
        "apns-topic": "a.b",
    }
    assert asked.body == b'{"aps":1}'
    assert server.sessions[0].h2.remote_settings.enable_push == 0
    assert (found.status, dict(found.headers), found.body, found.truncated) == (200, {"apns-id": "AB-CD"}, b"", False)


@pytest.mark.parametrize("status", [200, 400, 410, 429, 503])
def test_an_answer_of_any_status_is_given_back(server: HTTP2Server, status: int) -> None:
    server.next(says(status, json.dumps({"reason": "R"}).encode(), retry_after="30"))

    found = ask(client(server))

    assert (found.status, json.loads(found.body), found.headers["retry-after"]) == (status, {"reason": "R"}, "30")


def test_a_connection_is_kept_for_the_requests_that_follow(server: HTTP2Server) -> None:
    web = client(server)

    assert [ask(web).status for _ in range(5)] == [200] * 5
    assert server.connections == [1] * 5
    assert [asked.stream for asked in server.journal] == [1, 3, 5, 7, 9]


def test_a_request_without_a_body_is_whole_by_its_head(server: HTTP2Server) -> None:
    assert ask(client(server), body=b"").status == 200


def answers_and_hangs_up(session: Session, asked: Asked) -> None:
    says(200)(session, asked)
    session.hang_up()


@pytest.mark.parametrize("act", [answers_and_hangs_up, answers_and_leaves], ids=["closed", "going away"])
def test_what_ended_between_two_requests_is_made_anew(server: HTTP2Server, act: Act) -> None:
    web = client(server)
    server.next(act)

    ask(web)
    server.done()

    assert ask(web).status == 200
    assert server.connections == [1, 2]


def test_a_connection_that_fell_silent_is_found_out_before_anything_is_sent(server: HTTP2Server) -> None:
    web = client(server, ping_after_seconds=0)
    server.next(says(200), falls_silent)

    assert [ask(web).status for _ in range(3)] == [200] * 3
    assert server.connections == [1, 1, 2]


def test_with_one_that_fell_silent_those_go_that_were_silent_before(server: HTTP2Server) -> None:
    web = client(server, ping_after_seconds=0)
    both = meets(threading.Barrier(2))

    def act(session: Session, asked: Asked) -> None:
        both(session, asked)
        session.is_mute = True

    server.next(act, act)
    together(lambda: ask(web), times=2)

    assert [ask(web).status for _ in range(2)] == [200] * 2
    assert server.connections[2:] == [3, 3]
    assert {server.ended.get(timeout=10) for _ in range(2)} == {1, 2}


def test_a_connection_that_was_silent_for_long_is_not_used_again(server: HTTP2Server) -> None:
    web = client(server, keep_seconds=0)

    assert [ask(web).status for _ in range(2)] == [200] * 2
    assert server.connections == [1, 2]


def test_what_the_server_still_answers_though_it_goes_away_is_heard(server: HTTP2Server) -> None:
    web = client(server)
    server.next(leaves_and_answers)

    assert ask(web).body == b"late"
    assert ask(web).status == 200
    assert server.connections == [1, 2]


NOT_PROCESSED = pytest.mark.parametrize(
    ("stream_is", "act"),
    [
        ("going-away", leaves(0)),
        ("going-away", leaves(EVERY_STREAM, 0)),
        ("stream-refused", resets(ErrorCodes.REFUSED_STREAM)),
    ],
    ids=["going away", "going away in two steps", "refused"],
)


@NOT_PROCESSED
def test_what_a_kept_connection_has_not_processed_is_sent_once_more(
    server: HTTP2Server, stream_is: str, act: Act
) -> None:
    web = client(server)
    ask(web)
    # The stream of the first request is 1 here, so that 0 does not cover it either.
    server.next(act)

    assert ask(web).status == 200
    assert server.connections == [1, 1, 2]


@NOT_PROCESSED
def test_what_a_new_connection_has_not_processed_failed(server: HTTP2Server, stream_is: str, act: Act) -> None:
    server.next(act)

    with pytest.raises(Failed, match=stream_is):
        ask(client(server))
    assert server.connections == [1]


def test_it_is_tried_twice_and_no_more(server: HTTP2Server) -> None:
    web = client(server)
    ask(web)
    server.next(leaves(1), leaves(0))

    with pytest.raises(Failed, match="going-away"):
        ask(web)
    assert server.connections == [1, 1, 2]


def leaves_and_hangs_up(session: Session, asked: Asked) -> None:
    leaves(asked.stream)(session, asked)
    session.hang_up()


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (hangs_up, "connection-broke"),
        (leaves_and_hangs_up, "connection-broke"),
        (resets(ErrorCodes.INTERNAL_ERROR), "stream-reset"),
    ],
    ids=["hung up", "went away with it", "reset"],
)
@pytest.mark.parametrize("is_kept", [False, True], ids=["new", "kept"])
def test_what_may_have_been_processed_is_never_sent_again(
    server: HTTP2Server, act: Act, reason: str, is_kept: bool
) -> None:
    web = client(server)
    if is_kept:
        ask(web)
    server.next(act)

    with pytest.raises(Unsure, match=reason):
        ask(web)
    assert server.connections == [1, 1] if is_kept else [1]
    assert ask(web).status == 200
    assert server.connections[-1] == 2


def test_what_drips_ends_with_the_whole_that_an_answer_may_take(server: HTTP2Server) -> None:
    web = client(server, total_seconds=1)
    server.next(drips)

    with pytest.raises(Unsure, match="timeout"):
        ask(web)
    assert ask(web).status == 200
    assert server.connections == [1, 2]


def test_nothing_is_waited_for_longer_than_the_function_lives(server: HTTP2Server) -> None:
    web = client(server)
    ask(web)
    server.next(is_silent)

    with log.scope("notifications") as scope, pytest.raises(Unsure, match="timeout"):
        scope.deadline = clock.monotonic() + SPARE_SECONDS + 0.2
        ask(web)
    assert ask(web).status == 200
    assert server.connections == [1, 1, 2]


def endless(session: Session, asked: Asked) -> None:
    """As much as fits into the window that an answer begins with, and no end of it."""
    session.h2.send_headers(asked.stream, [(":status", "413")])
    for _ in range(5):
        session.h2.send_data(asked.stream, b"x" * 13_107)
    session.flush()


def test_an_answer_that_is_too_long_is_cut(server: HTTP2Server) -> None:
    web = client(server)
    server.next(endless)

    found = ask(web)

    assert (found.status, len(found.body), found.truncated) == (413, MAX_BYTES, True)
    assert ask(web).status == 200
    assert server.connections == [1, 2]


def test_answers_are_read_for_longer_than_one_window(server: HTTP2Server) -> None:
    web = client(server)
    server.next(*(says(200, b"x" * 30_000) for _ in range(5)))

    assert [len(ask(web).body) for _ in range(5)] == [30_000] * 5
    assert server.connections == [1] * 5


def long_header(session: Session, asked: Asked) -> None:
    says(200, **{f"x_{number}": "y" * 4_000 for number in range(5)})(session, asked)


def endless_header(session: Session, asked: Asked) -> None:
    head = HeadersFrame(asked.stream, b"\x00" * 16_000)
    session.frames(head, *(ContinuationFrame(asked.stream, b"\x00" * 16_000) for _ in range(20)))


def no_status(session: Session, asked: Asked) -> None:
    session.h2.config.validate_outbound_headers = False
    session.h2.send_headers(asked.stream, [(":status", "many")], end_stream=True)
    session.flush()


def large_frame(session: Session, asked: Asked) -> None:
    # Its head alone: the rest of it is not waited for.
    session.socket.sendall(DataFrame(asked.stream, b"x" * 16_385).serialize()[:9])


def flood(session: Session, asked: Asked) -> None:
    session.frames(*[PingFrame(0, b"12345678")] * 20_000)


def no_frames(session: Session, asked: Asked) -> None:
    session.socket.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")


@pytest.mark.parametrize(
    "act", [long_header, endless_header, no_status, large_frame, flood, no_frames], ids=lambda act: act.__name__
)
def test_what_is_no_answer_or_too_much_of_one_is_given_up(server: HTTP2Server, act: Act) -> None:
    web = client(server)
    server.next(act)

    with pytest.raises(Unsure, match=r"not-http2|connection-broke"):
        ask(web)
    assert ask(web).status == 200
    assert server.connections == [1, 2]


def test_no_more_is_sent_than_the_server_has_room_for(tmp_path: Path) -> None:
    body = bytes(range(256)) * 4
    with HTTP2Server(tmp_path, settings={SettingCodes.INITIAL_WINDOW_SIZE: 100}) as server:
        ask(client(server), body=body)

        (asked,) = server.journal
        assert asked.body == body
        assert max(asked.pieces) <= 100
        assert server.errors == []


def answers_and_stops(session: Session, asked: Asked) -> None:
    """There would be room for the body now, but nobody wants it any more (RFC 9113 8.1)."""
    session.h2.increment_flow_control_window(10, asked.stream)
    answer(session, asked, 413, b"enough")
    session.h2.reset_stream(asked.stream, ErrorCodes.NO_ERROR)
    session.flush()


def test_an_answer_that_comes_before_all_is_sent_is_an_answer(tmp_path: Path) -> None:
    with HTTP2Server(tmp_path, settings={SettingCodes.INITIAL_WINDOW_SIZE: 0}, is_hasty=True) as server:
        web = client(server)
        server.next(answers_and_stops, says(200))

        assert [(found.status, found.body) for found in (ask(web), ask(web))] == [(413, b"enough"), (200, b"")]
        # What is left of the first request would be in the way of the second one.
        assert server.connections == [1, 2]


def test_a_server_that_takes_no_stream_now_was_sent_nothing(tmp_path: Path) -> None:
    with HTTP2Server(tmp_path, settings={SettingCodes.MAX_CONCURRENT_STREAMS: 0}) as server:
        with pytest.raises(Failed):
            ask(client(server))

        assert server.journal == []


def test_a_certificate_that_nobody_vouches_for_is_refused(server: HTTP2Server, tmp_path: Path) -> None:
    other = HTTP2Server(tmp_path).certificate

    with pytest.raises(Failed, match="tls-failed"):
        ask(client(server, authority=other))
    assert server.journal == []


def test_a_certificate_of_another_name_is_refused(tmp_path: Path) -> None:
    with HTTP2Server(tmp_path, name="other.example") as server:
        with pytest.raises(Failed, match="tls-failed"):
            ask(client(server))

        assert server.journal == []


def test_only_the_systems_authorities_are_trusted_and_no_old_tls(server: HTTP2Server) -> None:
    assert trust().minimum_version == ssl.TLSVersion.TLSv1_2
    assert (trust().verify_mode, trust().check_hostname) == (ssl.CERT_REQUIRED, True)


@pytest.mark.parametrize("alpn", [(), ("http/1.1",)], ids=["none", "another"])
def test_a_server_that_agrees_on_no_http_2_is_refused(tmp_path: Path, alpn: tuple[str, ...]) -> None:
    with HTTP2Server(tmp_path, alpn=alpn) as server:
        with pytest.raises(Failed, match=r"not-http2|tls-failed"):
            ask(client(server))

        assert server.journal == []


@pytest.mark.parametrize(
    "greeting",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x00\x00\x00\x04",
        SettingsFrame(0).serialize() + GoAwayFrame(0).serialize(),
    ],
    ids=["text", "short", "away at once"],
)
def test_a_server_that_only_promises_http_2_is_sent_no_request(tmp_path: Path, greeting: bytes) -> None:
    with HTTP2Server(tmp_path, greeting=greeting) as server:
        with pytest.raises(Failed, match=r"not-http2|connection-broke"):
            ask(client(server))

        assert server.journal == []


def test_a_port_where_nobody_listens_was_sent_nothing(tmp_path: Path) -> None:
    server = HTTP2Server(tmp_path)
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        server.port = taken.getsockname()[1]

    with pytest.raises(Failed, match="not-reached"):
        ask(client(server))


def test_a_request_that_comes_too_late_is_not_sent(server: HTTP2Server) -> None:
    web = client(server)
    ask(web)

    late = client(server, total_seconds=0)
    with pytest.raises(Failed):
        ask(late)
    assert server.connections == [1]


@pytest.mark.parametrize(
    ("addresses", "error", "reason"),
    [(["10.0.0.1"], Refused, "address-refused"), ([], Failed, "dns-failed")],
    ids=["our own network", "none"],
)
def test_a_name_that_leads_to_the_wrong_place_is_not_followed(
    addresses: list[str], error: type[Exception], reason: str
) -> None:
    web = HTTP2("https://api.push.apple.com", Gate(), resolve=lambda host, port: addresses)

    with pytest.raises(error, match=reason):
        ask(web)


def meets(barrier: threading.Barrier) -> Callable[[Session, Asked], None]:
    """An answer that waits for all the others, and is that of its own request."""

    def act(session: Session, asked: Asked) -> None:
        barrier.wait(timeout=10)
        says(200, asked.body)(session, asked)

    return act


def test_threads_wait_for_no_other_and_hear_their_own_answers(server: HTTP2Server) -> None:
    web = client(server)
    numbers = iter(range(12))
    server.next(*[meets(threading.Barrier(6))] * 6)

    def one() -> tuple[bytes, bytes]:
        body = str(next(numbers)).encode()
        return body, ask(web, body=body).body

    results = together(one, times=6)

    pairs = [result.value for result in results]
    assert {body for body, _ in pairs} == {str(number).encode() for number in range(6)}
    assert all(body == said for body, said in pairs)
    assert sorted(server.connections) == [1, 2, 3, 4, 5, 6]
    # And what they leave behind is used again.
    for _ in range(3):
        ask(web)
    assert max(server.connections) == 6


def test_of_many_connections_only_some_are_kept(server: HTTP2Server) -> None:
    web = client(server)
    many = MAX_FREE + 2
    server.next(*[meets(threading.Barrier(many))] * many)

    together(lambda: ask(web), times=many)

    assert len({server.ended.get(timeout=10) for _ in range(2)}) == 2
    assert server.ended.empty()


def test_the_log_says_what_became_of_it_and_no_address(server: HTTP2Server) -> None:
    web = client(server)
    server.next(says(410), hangs_up)

    with logged() as written:
        ask(web, "/3/device/secret-token", authorization="bearer secret-token")
        with pytest.raises(Unsure):
            ask(web, "/3/device/secret-token", authorization="bearer secret-token")

    first, second = (json.loads(line) for line in written().splitlines())
    assert (first["kind"], first["outcome"], first["status"]) == ("notify:test", "done", 410)
    assert (second["outcome"], second["status"]) == ("connection-broke", 0)
    assert "secret-token" not in written() and NAME not in written()
