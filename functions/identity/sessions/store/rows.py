"""The items of the table. Times are milliseconds since 1970 unless an attribute says otherwise."""

from pynamodb.attributes import BooleanAttribute, JSONAttribute, NumberAttribute, UnicodeAttribute, UnicodeSetAttribute

from tessera import clock
from tessera.tables import Row

from ..rules import EXCHANGE_LIFE, OVER_LIFE, REPLACED_LIFE, Proof, Session

MAIN, HEAD = "MAIN", "HEAD"
# Deleted by DynamoDB some time after its end: what is over is told by the item's own times.
KEPT_AFTER_SECONDS = 86_400


def session_pk(secret_hash: str) -> str:
    return f"S#{secret_hash}"


def user_pk(user_id: str) -> str:
    return f"U#{user_id}"


def place_sk(session_id: str) -> str:
    return f"S#{session_id}"


def exchange_pk(code_mac: str) -> str:
    return f"X#{code_mac}"


class SessionRow(Row):
    """A session under its secret's hash; for a minute after it got another secret, `replaced`."""

    id = UnicodeAttribute()
    uid = UnicodeAttribute()
    replaced = NumberAttribute(null=True)
    ep = NumberAttribute(null=True)
    amr = UnicodeSetAttribute(null=True)
    aal = NumberAttribute(null=True)
    auth_time = NumberAttribute(null=True)
    proved = NumberAttribute(null=True)
    created = NumberAttribute(null=True)
    seen = NumberAttribute(null=True)
    idle_life = NumberAttribute(null=True)
    idle_exp = NumberAttribute(null=True)
    abs_exp = NumberAttribute(null=True)
    remember = BooleanAttribute(null=True)
    client_id = UnicodeAttribute(null=True)
    device = UnicodeAttribute(null=True)
    ip_trunc = UnicodeAttribute(null=True)
    user = JSONAttribute(null=True)


class OfUserRow(Row):
    """What is found by the user: `HEAD` with the ids of open sessions, and for each its secret's hash.

    One without a hash lets no session begin in its place: it was over before it began.
    """

    open = UnicodeSetAttribute(null=True)
    h = UnicodeAttribute(null=True)
    device = UnicodeAttribute(null=True)
    created = NumberAttribute(null=True)

    @property
    def open_ids(self) -> frozenset[str]:
        return frozenset(self.open or ())


class ExchangeRow(Row):
    """The end of a sign-in elsewhere, waiting for the browser that began it."""

    uid = UnicodeAttribute()
    amr = UnicodeSetAttribute(null=True)
    aal = NumberAttribute()
    auth_time = NumberAttribute()
    verifier_hash = UnicodeAttribute()
    session_id = UnicodeAttribute()
    exp = NumberAttribute()

    @property
    def proof(self) -> Proof:
        return Proof(self.uid, frozenset(self.amr or ()), int(self.aal), int(self.auth_time))


def row_of(session: Session) -> SessionRow:
    return SessionRow(
        pk=session_pk(session.hash),
        sk=MAIN,
        id=session.id,
        uid=session.user_id,
        ep=session.epoch,
        amr=set(session.amr) or None,
        aal=session.aal,
        auth_time=session.auth_time,
        proved=session.proved,
        created=session.created,
        seen=session.seen,
        idle_life=session.idle_life,
        idle_exp=session.idle_until,
        abs_exp=session.ends_at,
        remember=session.remember,
        client_id=session.client_id,
        device=session.device,
        ip_trunc=session.network,
        user=dict(session.user),
        ttl=ttl_of(session),
    )


def session_of(row: SessionRow) -> Session:
    return Session(
        id=row.id,
        hash=row.pk.removeprefix("S#"),
        user_id=row.uid,
        epoch=int(row.ep),
        amr=frozenset(row.amr or ()),
        aal=int(row.aal),
        auth_time=int(row.auth_time),
        proved=int(row.proved),
        created=int(row.created),
        seen=int(row.seen),
        idle_life=int(row.idle_life),
        idle_until=int(row.idle_exp),
        ends_at=int(row.abs_exp),
        remember=bool(row.remember),
        client_id=row.client_id,
        device=row.device,
        network=row.ip_trunc,
        user=row.user or {},
    )


def place_of(session: Session) -> OfUserRow:
    return OfUserRow(
        pk=user_pk(session.user_id),
        sk=place_sk(session.id),
        h=session.hash,
        device=session.device,
        created=session.created,
        ttl=ttl_of(session),
    )


def replaced_row(secret_hash: str, user_id: str, session_id: str) -> SessionRow:
    ttl = int((clock.now() + REPLACED_LIFE).timestamp())
    return SessionRow(pk=session_pk(secret_hash), sk=MAIN, id=session_id, uid=user_id, replaced=1, ttl=ttl)


def over_row(user_id: str, session_id: str) -> OfUserRow:
    ttl = int((clock.now() + OVER_LIFE).timestamp())
    return OfUserRow(pk=user_pk(user_id), sk=place_sk(session_id), ttl=ttl)


def exchange_row(code_mac: str, proof: Proof, verifier_hash: str, session_id: str) -> ExchangeRow:
    ends_at = clock.now() + EXCHANGE_LIFE
    return ExchangeRow(
        pk=exchange_pk(code_mac),
        sk=MAIN,
        uid=proof.user_id,
        amr=set(proof.amr) or None,
        aal=proof.aal,
        auth_time=proof.auth_time,
        verifier_hash=verifier_hash,
        session_id=session_id,
        exp=(ends_at - clock.EPOCH).total_seconds() * 1000,
        ttl=int(ends_at.timestamp()),
    )


def ttl_of(session: Session) -> int:
    return session.ends_at // 1000 + KEPT_AFTER_SECONDS
