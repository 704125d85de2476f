"""Which headers go on, in each direction."""

from collections.abc import Iterable

Pairs = list[tuple[str, str]]

# RFC 9110 7.6.1: these belong to one connection.
HOP_BY_HOP = frozenset(
    [
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ]
)
# What only an edge may say, and what would make the emulator take the request for a call of AWS's own API.
CLAIMS = ("forwarded", "x-forwarded-", "x-real-ip", "x-client-ip", "true-client-ip", "cf-connecting-ip", "x-original-")
STEERING = ("x-amz-", "x-amzn-", "x-ministack-", "x-localstack-", "x-tessera-edge", "x-http-method", "x-rewrite-")
REWRITTEN = frozenset(["host", "content-length", "via"])
EDGE = "x-tessera-edge"


def onwards(received: Iterable[tuple[str, str]], *, peer: str, secret: str) -> Pairs:
    """The request's headers for the API, with the address of the socket's other end as the only claim."""
    received = list(received)
    dropped = HOP_BY_HOP | REWRITTEN | _named_by_connection(received)
    kept = [(name, value) for name, value in received if _may_pass(name.lower(), dropped)]
    return [*kept, ("X-Forwarded-For", peer), ("X-Forwarded-Proto", "http"), (EDGE, secret)]


def back(received: Iterable[tuple[str, str]]) -> Pairs:
    """The answer's headers for the client."""
    received = list(received)
    dropped = HOP_BY_HOP | {"content-length", "server", "date"} | _named_by_connection(received)
    return [(name, value) for name, value in received if name.lower() not in dropped]


def calls_aws(received: Iterable[tuple[str, str]]) -> bool:
    """Is this signed for AWS? The emulator would choose a service by the signature, not by the path."""
    return any(
        name.lower() == "authorization" and value.strip().upper().startswith(("AWS4-", "AWS "))
        for name, value in received
    )


def _named_by_connection(received: Iterable[tuple[str, str]]) -> frozenset[str]:
    named = [value for name, value in received if name.lower() == "connection"]
    return frozenset(part.strip().lower() for value in named for part in value.split(","))


def _may_pass(name: str, dropped: frozenset[str]) -> bool:
    # A name with an underscore reads like another one with a hyphen to gateways that fold them.
    folded = name.replace("_", "-")
    return name not in dropped and not folded.startswith(CLAIMS) and not folded.startswith(STEERING)
