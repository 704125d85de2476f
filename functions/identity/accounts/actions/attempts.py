"""Every guess is paid for before it is looked at, and paid back when it was right.

Who presents a device token of the account is counted by device, so that somebody who uses the
account's attempts up locks nobody out of a device they have used before.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager

from tessera.decisions import Decision

from ..ports import Ports

TRIES = 3
SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.04, 0.12


@contextmanager
def reserved(ports: Ports, email_key: str, device_id: str | None) -> Iterator[None]:
    """Run the block on one attempt; it comes back unless the block raises a refusal of the credential.

    1 write, and 1 more when the attempt is given back. Raises `AttemptsExhausted`.
    """
    policy = "auth:device" if device_id else "auth:account"
    subject = f"dev:{device_id}" if device_id else f"acct:{ports.digest('account', email_key)}"
    with _counted(ports, policy, subject):
        yield


@contextmanager
def reserved_for_code(ports: Ports, user_id: str) -> Iterator[None]:
    """The same for a code of somebody known: from an authenticator app, or one of their recovery codes."""
    with _counted(ports, "auth:mfa:user", f"mfa:{user_id}"):
        yield


@contextmanager
def _counted(ports: Ports, policy: str, subject: str) -> Iterator[None]:
    decision = _reserve(ports, policy, subject)
    try:
        yield
    except Spent as spent:
        raise spent.problem from None
    except BaseException:
        ports.limits.refund(decision)
        raise
    ports.limits.refund(decision)


class Spent(Exception):
    """The attempt was wrong, so it stays spent; `problem` is what the caller is told."""

    def __init__(self, problem: Exception) -> None:
        super().__init__()
        self.problem = problem


def _reserve(ports: Ports, policy: str, subject: str) -> Decision:
    for left in reversed(range(TRIES)):
        decision = ports.limits.decide(policy, subject)
        if decision.allowed:
            return decision
        if left:
            # Good sign-ins of the same account may be giving theirs back just now.
            ports.pace.pause(random.uniform(SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS))
    raise decision.problem()
