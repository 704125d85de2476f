"""Links that go out by mail: each handed to `outbox` sealed, because whoever reads one may open the file."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from tessera import aws, ids, log
from tessera.auth.internal import Internal
from tessera.gcra import Window
from tessera.limits import Limits
from tessera.policies import Policy
from tessera.problems import Problem
from tessera.sealed import seal
from tessera.settings import Bindings

from .config import FilesSettings

TEMPLATE, SEAL_PURPOSE = "file-shared", "mail"
# Mails to anybody at all: enough for people, too few for who would send advertisements through us.
PER_PERSON = Policy("files:share-mail", (Window(60, 86_400, 30),), fail="closed")


@dataclass(frozen=True)
class Posted:
    """Who gets the link by mail, and who does not: the address takes none from here, or it could not be handed on."""

    mailed: tuple[str, ...] = ()
    not_mailed: tuple[str, ...] = ()


class Posting:
    def __init__(self, internal: Internal, limits: Limits, mail_key: str) -> None:
        self._internal, self._limits, self._mail_key = internal, limits, mail_key

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.get(Internal), bindings.get(Limits), bindings.settings(FilesSettings).mail_key)

    def charge(self, user_id: str, addresses: Sequence[str]) -> None:
        """Raises a `LimitExceeded` for somebody who has mailed enough links today. 1 request, none for nobody."""
        if addresses:
            decision = self._limits.decide(PER_PERSON, f"user:{user_id}", cost=len(addresses))
            if not decision.allowed:
                raise decision.problem()

    def send(self, share_id: str, *, name: str, link: str, to: Sequence[str]) -> Posted:
        """Hand a mail over for each address. 1 request to KMS and 1 internal call for each, none for nobody."""
        if not to:
            return Posted()
        try:
            secret = seal(self._mail_key, SEAL_PURPOSE, {"link": link})
        except (aws.ClientError, aws.BotoCoreError) as error:
            log.line("share mails", outcome="not-sent", cause=type(error).__name__)
            return Posted(not_mailed=tuple(to))
        taken = {address: self._hand_over(share_id, name, secret, address) for address in to}
        return Posted(
            mailed=tuple(address for address, done in taken.items() if done),
            not_mailed=tuple(address for address, done in taken.items() if not done),
        )

    def _hand_over(self, share_id: str, name: str, secret: str, address: str) -> bool:
        # The same mail however often it is handed over: its id is that of the link and the address.
        mail_id = ids.derived(ids.timestamp_ms(share_id), hashlib.sha256(f"{share_id}\n{address}".encode()).digest())
        body = {"id": mail_id, "to": address, "template": TEMPLATE, "data": {"name": name}, "secret": secret}
        try:
            answer = self._internal.call(
                "outbox", "POST", "/outbox/internal/emails", json=body, idempotency_key=mail_id
            )
        except Problem as error:
            log.line("share mails", outcome="not-sent", cause=error.slug)
            return False
        return answer.ok
