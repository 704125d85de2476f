"""From a target to a connection: one lookup, every address judged, and the connection to what was judged.

A name may have another address a moment later, so nothing looks it up again: the address that passed is the
one that is dialled, and the peer is compared with it.
"""

import socket
import ssl
import threading
from collections.abc import Callable
from functools import cache

from tessera.safehttp.addresses import same
from tessera.safehttp.gate import Gate, Target
from tessera.safehttp.problems import AddressRefused, DNSFailed, FetchFailed, TLSFailed, TookTooLong
from tessera.safehttp.wire import Budget

# The addresses of a name, and nothing else about it. Raises `OSError` when it has none.
Resolve = Callable[[str, int], list[str]]
# A connection to this address and port, within this many seconds. Raises `OSError`.
Reach = Callable[[tuple[str, int], float], socket.socket]
Trust = Callable[[], ssl.SSLContext]
DNS_SECONDS = 2.0


def reach(address: tuple[str, int], seconds: float) -> socket.socket:
    return socket.create_connection(address, timeout=seconds)


def lookup(host: str, port: int) -> list[str]:
    """A and AAAA in one question, in the order of the system's preference."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def addresses_of(target: Target, gate: Gate, resolve: Resolve, budget: Budget) -> list[str]:
    """Every address of the target, all of them public. One forbidden one refuses the whole name.

    Raises `DNSFailed`, `TookTooLong`, `AddressRefused`.
    """
    found = [target.host] if target.is_address else _within(resolve, target, min(DNS_SECONDS, budget.left()))
    if not found:
        raise DNSFailed("The host has no address.")
    if not all(gate.admits(target, address) for address in found):
        raise AddressRefused("The address is not on the public internet.")
    return found


def _within(resolve: Resolve, target: Target, seconds: float) -> list[str]:
    """The system's resolver knows no time limit, so a thread waits for it, and may be left behind."""
    answers: list[list[str]] = []
    failures: list[Exception] = []

    def ask() -> None:
        try:
            answers.append(resolve(target.host, target.port))
        except (OSError, UnicodeError) as error:
            failures.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    if answers:
        return answers[0]
    if failures:
        raise DNSFailed("The host has no address.") from failures[0]
    raise TookTooLong("The name of the host was not found in time.")


def connect(target: Target, addresses: list[str], step: Budget, *, reach: Reach, trust: Trust) -> socket.socket:
    """A connection to the first of these addresses that answers, secured when the target says so.

    Raises `FetchFailed`, `TLSFailed`, `TookTooLong`.
    """
    failure: OSError | None = None
    for tried, address in enumerate(addresses):
        # An address that swallows what is sent to it must leave some time for those after it.
        share = step.left() / (len(addresses) - tried)
        try:
            plain = reach((address, target.port), share)
        except OSError as error:
            failure = error
            continue
        return _secured(plain, target, address, step, trust)
    if isinstance(failure, TimeoutError):
        raise TookTooLong("The host does not answer.") from failure
    raise FetchFailed("The host does not answer.") from failure


def _secured(plain: socket.socket, target: Target, address: str, step: Budget, trust: Trust) -> socket.socket:
    try:
        if not same(address, str(plain.getpeername()[0])):
            raise AddressRefused("The connection leads elsewhere.")
        if target.scheme == "http":
            return plain
        plain.settimeout(step.left())
        return trust().wrap_socket(plain, server_hostname=target.host)
    except TimeoutError as error:
        plain.close()
        raise TookTooLong("The host does not answer.") from error
    except (ssl.SSLError, OSError) as error:
        plain.close()
        raise TLSFailed("The certificate or the handshake is no good.") from error
    except FetchFailed:
        plain.close()
        raise


@cache
def trust() -> ssl.SSLContext:
    """The system's authorities, TLS 1.2 and later, made on first use: reading them takes some milliseconds."""
    made = ssl.create_default_context()
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    return made
