"""The port that a person names."""

import errno
import socket

import pytest

from tools import doctor, ports, up
from tools.say import Failure


@pytest.mark.parametrize("said", ["abc", "0", "-1", "65536", "99999", "8000.5", "80 00", "٨٠٠٠"])
def test_what_is_no_port_is_refused_with_one_that_would_do(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv("PORT", said)

    with pytest.raises(Failure, match="PORT must be a number from 1 to 65535") as failed:
        ports.wanted(8000)

    assert repr(said) in failed.value.what and "PORT=8000" in failed.value.remedy


@pytest.mark.parametrize(("said", "port"), [("", 8000), ("8001", 8001), ("65535", 65535)])
def test_without_one_it_is_the_usual(monkeypatch: pytest.MonkeyPatch, said: str, port: int) -> None:
    monkeypatch.setenv("PORT", said)

    assert ports.wanted(8000) == port


def test_the_doctor_and_the_start_say_so_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT", "70000")
    monkeypatch.setattr(up.cloud, "leave_accounts", lambda: None)

    assert doctor.port()[0] == doctor.BAD
    assert up.main() == 1
    assert "PORT must be a number from 1 to 65535; it is '70000'." in capsys.readouterr().err


def test_a_port_that_listens_is_taken() -> None:
    with socket.socket() as other:
        other.bind((ports.LOOPBACK, 0))
        other.listen()

        assert ports.refusal(other.getsockname()[1]) == "is taken by another program"
    assert ports.refusal(ports.any_free()) == ""


def test_a_port_that_only_root_may_use_is_not_called_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def bind(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(ports.socket.socket, "bind", bind)

    assert ports.refusal(80) == "cannot be used by you (Permission denied)"
