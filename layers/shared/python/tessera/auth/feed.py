"""The revocation feed: what was locked, ended or changed in the last minutes, known to every function.

No request asks whether its token was revoked. Each process polls the feed instead, at most every
8 seconds and always before it decides, so that a revocation is in force everywhere within 15.
"""

import threading
from dataclasses import dataclass, field
from typing import Literal, Self

from tessera import aws, clock, ids, log
from tessera.auth.feed_entries import COLD_START_MS, FEED_PK, OVERLAP_MS, Entry, FeedRow, cold, since
from tessera.auth.principal import Actor, Principal, actor_of
from tessera.auth.problems import RevocationUnknown, SessionRevoked, TokenInvalid, TokenStale
from tessera.auth.settings import AuthSettings
from tessera.auth.tokens import Claims
from tessera.settings import Bindings
from tessera.tables import Table
from tessera.transact import Step, putting

# u: user · s: session or token family · k: API key · g: signing key · r: definition of a role
# m: membership, `<organisation>#<user>`, or the whole organisation when no user is named
Kind = Literal["u", "s", "k", "g", "r", "m"]

POLL_EVERY_MS = 8_000
FAIL_CLOSED_MS = 15_000
# Tokens to act in somebody's place live so long, however short the life of others is set.
LONGEST_TOKEN_SECONDS = 900
LIVES_ON_SECONDS = 300


@dataclass
class _Known:
    """The live entries. `users` and `members` hold the lowest epoch still good, None when none is."""

    users: dict[str, tuple[int | None, int]] = field(default_factory=dict)
    members: dict[str, tuple[int | None, int]] = field(default_factory=dict)
    roles: dict[str, tuple[int, int]] = field(default_factory=dict)
    revoked: dict[tuple[str, str], int] = field(default_factory=dict)

    def add(self, entry: Entry) -> None:
        kind, subject, lowest, changed, expires = entry
        if kind in ("u", "m"):
            known = self.users if kind == "u" else self.members
            before, lives = known.get(subject, (0, 0))
            both = None if lowest is None or before is None else max(lowest, before)
            known[subject] = both, max(lives, expires)
        elif kind == "r":
            before_ms, lives = self.roles.get(subject, (0, 0))
            self.roles[subject] = max(changed, before_ms), max(lives, expires)
        else:
            self.revoked[kind, subject] = max(expires, self.revoked.get((kind, subject), 0))

    def drop_expired(self, now_seconds: int) -> None:
        self.users = {subject: entry for subject, entry in self.users.items() if entry[1] > now_seconds}
        self.members = {member: entry for member, entry in self.members.items() if entry[1] > now_seconds}
        self.roles = {role: entry for role, entry in self.roles.items() if entry[1] > now_seconds}
        self.revoked = {key: expires for key, expires in self.revoked.items() if expires > now_seconds}


class Feed:
    """This process's copy of the feed."""

    def __init__(self, table: Table, access_token_seconds: int) -> None:
        self._table = table
        self._life_seconds = max(access_token_seconds, LONGEST_TOKEN_SECONDS) + LIVES_ON_SECONDS
        self._lock = threading.Lock()
        self._known = _Known()
        self._polled_at: int | None = None

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        settings = bindings.settings(AuthSettings)
        return cls(Table(settings.authfeed), settings.access_token_seconds)

    def check(self, claims: Claims) -> None:
        """Refuse a token that the feed speaks against. At most 1 request in 8 seconds.

        Raises `SessionRevoked`, `TokenStale`, `TokenInvalid`, or `RevocationUnknown` when the feed
        could not be read for 15 seconds.
        """
        self.check_signer(claims.kid)
        self._check(claims.sid, claims.sub, claims.ep, claims.roles, claims.iat)
        if claims.act:
            self._check_actor(actor_of(claims.act))
        if claims.org:
            self._check_member(claims.org, claims.sub, claims.org_ep)

    def check_signer(self, kid: str) -> None:
        """Refuse what was signed by a key that has leaked. Raises `TokenInvalid`, `RevocationUnknown`."""
        self.poll()
        if ("g", kid) in self._known.revoked:
            raise TokenInvalid("signing key revoked")

    def check_principal(self, principal: Principal) -> None:
        """The same for who was verified before, such as the holder of an open connection.

        Raises `SessionRevoked`, `TokenStale`, `RevocationUnknown`.
        """
        self.poll()
        if principal.kind == "api_key":
            if ("k", principal.id) in self._known.revoked:
                raise SessionRevoked("key")
            if principal.org:
                # It belongs to the organisation: it outlives whoever made it, and no role there concerns it.
                return
        user_id = principal.user_id or principal.id
        self._check(principal.session_id or "", user_id, principal.epoch, tuple(principal.roles), principal.issued_at)
        if principal.actor:
            self._check_actor(principal.actor)
        if principal.org:
            self._check_member(principal.org, user_id, principal.org_epoch)

    def lowest_epoch(self, user_id: str) -> int | None:
        """Below which epoch nothing of this user's is good any more: 0 when nothing was revoked, None when all was."""
        self.poll()
        return self._known.users.get(user_id, (0, 0))[0]

    def _check(self, session_id: str, user_id: str, epoch: int, roles: tuple[str, ...], issued_at: int) -> None:
        known = self._known
        if ("s", session_id) in known.revoked:
            raise SessionRevoked("session")
        if user_id in known.users:
            lowest = known.users[user_id][0]
            if lowest is None:
                raise SessionRevoked("user")
            if epoch < lowest:
                raise TokenStale("epoch")
        for role in roles:
            if role in known.roles and issued_at * 1000 < known.roles[role][0]:
                raise TokenStale("role")

    def _check_actor(self, actor: Actor) -> None:
        """Whoever acts in somebody's place does so only for as long as they are signed in themselves."""
        try:
            self._check(actor.session_id or "", actor.id, actor.epoch, (), 0)
        except TokenStale:
            raise SessionRevoked("actor") from None

    def _check_member(self, organisation_id: str, user_id: str, epoch: int) -> None:
        for subject in (f"{organisation_id}#{user_id}", f"{organisation_id}#"):
            if subject in self._known.members:
                lowest = self._known.members[subject][0]
                if lowest is None:
                    raise SessionRevoked("membership")
                if epoch < lowest:
                    raise TokenStale("membership")

    def is_revoked(self, kind: Kind, subject: str) -> bool:
        """Whether an entry without an epoch speaks against this id; polls first, as `check` does."""
        self.poll()
        return (kind, subject) in self._known.revoked

    def poll(self) -> None:
        """Read what is new, unless that was done a moment ago. Raises `RevocationUnknown`."""
        if self._age() <= POLL_EVERY_MS:
            return
        with self._lock:
            if self._age() <= POLL_EVERY_MS:
                return
            try:
                self._read()
            except (aws.ClientError, aws.BotoCoreError) as error:
                log.current().cause = f"feed: {type(error).__name__}"
                if self._age() > FAIL_CLOSED_MS:
                    raise RevocationUnknown() from error

    def revoke(self, kind: Kind, subject: str, *, min_ep: int | None = None) -> Step:
        """The write that revokes, for the transaction of the change that is its reason. 2 write units.

        For a user, tokens with an epoch below `min_ep` are refused; without it, all of them.
        """
        now = clock.millis()
        row = FeedRow(
            pk=FEED_PK,
            sk=f"{now:013d}#{ids.new()}",
            k=kind,
            id=subject,
            min_ep=min_ep,
            ttl=now // 1000 + self._life_seconds,
        )
        return putting(self._table, row)

    def _age(self) -> float:
        """Milliseconds since the last good poll began; endless before the first, or when the clock went back.

        By the clock of the day: that of the process may stand still while its container is frozen,
        and a container that wakes must poll before it serves.
        """
        if self._polled_at is None:
            return float("inf")
        age = clock.millis() - self._polled_at
        return age if age >= 0 else float("inf")

    def _read(self) -> None:
        started = clock.millis()
        # By a clock that went back, the last poll says nothing of what was written since.
        is_cold = self._polled_at is None or not 0 <= started - self._polled_at <= COLD_START_MS
        pages = cold(self._table) if is_cold else since(self._table, (self._polled_at or 0) - OVERLAP_MS)
        for page in pages:
            for entry in page:
                self._known.add(entry)
        self._known.drop_expired(started // 1000)
        self._polled_at = started
