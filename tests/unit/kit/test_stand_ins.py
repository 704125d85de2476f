import httpx
import pytest

from tests.kit.stand_ins import Answer, Fault, WireStandIn


class Echo(WireStandIn):
    def answer(self, asked):
        return Answer.json({"path": asked.path, "query": dict(asked.query)})


@pytest.fixture
def echo():
    with Echo() as stand_in:
        yield stand_in


def test_it_answers_over_a_real_socket_and_keeps_a_journal(echo):
    answer = httpx.post(f"{echo.url}/rates?base=EUR", json={"a": 1})

    assert answer.json() == {"path": "/rates", "query": {"base": "EUR"}}
    assert [(asked.method, asked.json()) for asked in echo.journal] == [("POST", {"a": 1})]


def test_scripted_faults_come_in_their_order_and_then_it_answers_again(echo):
    echo.next(Fault.status(503, **{"retry-after": "7"}), Fault.garbage())

    first, second, third = (httpx.get(echo.url) for _ in range(3))

    assert (first.status_code, first.headers["retry-after"]) == (503, "7")
    assert second.content == b"<html>"
    assert third.status_code == 200


@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        (Fault.hang_up(), httpx.RemoteProtocolError),
        (Fault.cut_short(), httpx.RemoteProtocolError),
        (Fault.silence(), httpx.ReadTimeout),
    ],
    ids=["hang up", "cut short", "silence"],
)
def test_a_broken_connection_looks_broken_to_the_caller(echo, fault, seen):
    echo.next(fault)

    with pytest.raises(seen):
        httpx.get(echo.url, timeout=0.3)

    assert httpx.get(echo.url).status_code == 200
