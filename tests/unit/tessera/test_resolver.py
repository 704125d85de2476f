"""The real resolver, against a name server that speaks the wire format on a socket of its own."""

import socket
import threading

import dns.message
import dns.rcode
import dns.rrset
import pytest

from tessera.problems import Unavailable
from tessera.resolver import DNS, LocalZone, PublicDNS
from tessera.settings import Bindings

NAME, VALUE = "_tessera.acme.com", "tessera-domain-verification=0123"


class NameServer:
    """Answers TXT questions over UDP from what a test puts there."""

    def __init__(self):
        self.records, self.rcode, self.asked = {}, dns.rcode.NOERROR, []

    def __enter__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        # An empty datagram is how it is told to end.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", self.port))
        self.thread.join()
        self.socket.close()

    def serve(self):
        while True:
            wire, client = self.socket.recvfrom(4096)
            if not wire:
                return
            query = dns.message.from_wire(wire)
            name = str(query.question[0].name).rstrip(".")
            self.asked.append(name)
            answer = dns.message.make_response(query)
            answer.set_rcode(self.rcode)
            if name in self.records:
                answer.answer.append(dns.rrset.from_text_list(f"{name}.", 60, "IN", "TXT", self.records[name]))
            elif self.rcode == dns.rcode.NOERROR:
                answer.set_rcode(dns.rcode.NXDOMAIN)
            self.socket.sendto(answer.to_wire(), client)


@pytest.fixture
def server():
    with NameServer() as found:
        yield found


@pytest.fixture
def resolver(server):
    return PublicDNS("127.0.0.1", server.port)


def test_a_record_with_the_value_stands(server, resolver):
    server.records[NAME] = [f'"{VALUE}"']

    assert resolver.stands(NAME, VALUE)
    assert server.asked == [NAME]


def test_one_record_among_others_is_enough(server, resolver):
    server.records[NAME] = ['"v=spf1 -all"', f'"{VALUE}"', '"other"']

    assert resolver.stands(NAME, VALUE)


def test_a_long_value_comes_in_pieces(server, resolver):
    value = "a" * 300
    server.records[NAME] = [f'"{value[:255]}" "{value[255:]}"']

    assert resolver.stands(NAME, value)


@pytest.mark.parametrize("there", [[], ['"tessera-domain-verification=4567"'], [f'"{VALUE} "'], [f'"x{VALUE}"']])
def test_another_value_or_none_proves_nothing(server, resolver, there):
    if there:
        server.records[NAME] = there

    assert not resolver.stands(NAME, VALUE)


@pytest.mark.parametrize("rcode", [dns.rcode.SERVFAIL, dns.rcode.REFUSED])
def test_a_server_that_fails_is_no_refusal(server, resolver, rcode):
    server.rcode = rcode

    with pytest.raises(Unavailable):
        resolver.stands(NAME, VALUE)


def test_a_server_that_is_not_there_is_no_refusal(monkeypatch):
    monkeypatch.setattr("tessera.resolver.SECONDS", 0.2)

    with pytest.raises(Unavailable):
        PublicDNS("127.0.0.1", 9).stands(NAME, VALUE)


def test_a_laptop_has_its_own_zone_and_everything_else_the_real_dns():
    assert isinstance(DNS.bind(Bindings({"STAGE": "local"}))._resolver, LocalZone)
    assert isinstance(DNS.bind(Bindings({"STAGE": "prod"}))._resolver, PublicDNS)
