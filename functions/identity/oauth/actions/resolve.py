"""Which account a sign-in opens: the one it is linked to, a new one, or none before its owner has agreed."""

from collections.abc import Sequence
from dataclasses import dataclass

from tessera import clock, ids
from tessera.auth.audit import EntryRecorded, audit
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.problems import Busy, InvalidRequest
from tessera.transact import Step, telling

from ..accounts import Proof, Standing
from ..events import LoginSucceeded
from ..ports import Ports, new_secret
from ..rules.problems import EmailTaken, EmailUnverified, IdentityTaken, LoginFailed, SignUpClosed
from ..rules.profiles import Profile, key_of
from ..rules.providers import Provider
from ..store.identities import Somebody
from ..store.rows import AnswerRow, BornRow, IdentityRow, TransactionRow
from ..wire import Granted

# Another request makes the account of the same newcomer; it is done in a moment.
WAITS, WAIT_SECONDS = 40, 0.05


@dataclass(frozen=True)
class Arrival:
    """Everything known of one sign-in."""

    provider: Provider
    begun: TransactionRow
    profile: Profile
    granted: Granted
    call: Call

    @property
    def who(self) -> Somebody:
        profile = self.profile
        return Somebody(self.provider.id, profile.key, profile.subject, profile.label, profile.email)


def resolve(
    ports: Ports, provider: Provider, begun: TransactionRow, profile: Profile, granted: Granted, *, call: Call
) -> dict[str, str]:
    """What the browser is told. Raises what stands in the way."""
    arrival = Arrival(provider, begun, profile, granted, call)
    known = ports.identities.find(provider.id, profile.key)
    if begun.mode == "link":
        return _link(ports, arrival, known)
    return _sign_in(ports, arrival, known) if known is not None else _first(ports, arrival)


def proof_of(provider: Provider, profile: Profile, user_id: str, *, is_staff: bool = False) -> Proof:
    """Signing in elsewhere is one factor, unless the provider says that it asked for two; from staff we want ours."""
    now = clock.millis() // 1000
    auth_time = now if profile.auth_time is None else max(0, min(now, profile.auth_time))
    both = profile.has_second_factor and not is_staff
    return Proof(user_id, ("fed", "mfa") if both else ("fed",), 2 if both else 1, auth_time)


def _link(ports: Ports, arrival: Arrival, known: IdentityRow | None) -> dict[str, str]:
    user_id = str(arrival.begun.uid)
    if known is not None and known.uid != user_id:
        raise IdentityTaken()
    if not ports.accounts.standing(user_id, call=arrival.call).may_sign_in:
        raise LoginFailed()
    steps: list[Step] = []
    if known is None:
        known, steps = ports.identities.linking(arrival.who, user_id, sealed=_sealed(ports, arrival, user_id))
        steps.append(telling(ports.answers.table, _linked(arrival, user_id)))
    code, answer = new_secret(), _answer(arrival, "linked")
    answer.uid, answer.identity_id, answer.label = user_id, known.identity_id, known.label
    ports.answers.put(*steps, ports.answers.keeping(ports.digest("code", code), answer))
    return {"code": code, "status": "linked"}


def _sign_in(ports: Ports, arrival: Arrival, known: IdentityRow) -> dict[str, str]:
    standing = ports.accounts.standing(known.uid, call=arrival.call)
    if not standing.may_sign_in:
        raise LoginFailed()
    event = LoginSucceeded(user_id=known.uid, identity_id=known.identity_id, provider=known.provider)
    sealed = _sealed(ports, arrival, known.uid)
    steps = ports.identities.signing_in(known, event, sealed=sealed)
    return _open(ports, arrival, known, standing, steps)


def _first(ports: Ports, arrival: Arrival) -> dict[str, str]:
    """Somebody who was never here with this identity."""
    if arrival.profile.verified_email is None:
        if not arrival.provider.ask_email:
            raise EmailUnverified("Verify your address there, then sign in again.")
        return _ask(ports, arrival, "email")
    attempt = ports.identities.lock(arrival.provider.id, arrival.profile.key)
    if attempt is None:
        return _sign_in(ports, arrival, _made_by_another(ports, arrival))
    try:
        return _with_lock(ports, arrival, arrival.profile.verified_email, attempt)
    except Exception:
        # Whatever it was goes on; but nobody must wait for a lock whose holder has given up.
        ports.identities.unlock(arrival.provider.id, arrival.profile.key)
        raise


def _made_by_another(ports: Ports, arrival: Arrival) -> IdentityRow:
    for _ in range(WAITS):
        ports.pause(WAIT_SECONDS)
        known = ports.identities.find(arrival.provider.id, arrival.profile.key)
        if known is not None:
            return known
    raise Busy()


def _with_lock(ports: Ports, arrival: Arrival, email: str, attempt: str) -> dict[str, str]:
    profile, provider = arrival.profile, arrival.provider
    try:
        found = ports.accounts.by_email(
            email,
            name=profile.name,
            locale=profile.locale,
            attempt=attempt if provider.allow_sign_up else None,
            call=arrival.call,
        )
    except InvalidRequest:
        # An address that the provider takes and we do not: another one may be given.
        return _ask(ports, arrival, "email", unlock=True)
    if found is None:
        raise SignUpClosed("The provider's users need an account here first.")
    user_id, is_new = found
    if is_new:
        settled = ports.identities.settling(arrival.who)
        return _link_and_open(ports, arrival, user_id, Standing(True), settled)
    if provider.link_policy == "never":
        raise EmailTaken("Sign in to it, then link the provider there.")
    standing = ports.accounts.standing(user_id, call=arrival.call)
    if not standing.may_sign_in:
        raise LoginFailed()
    if provider.link_policy == "auto_verified" and provider.trust_email and not standing.is_staff:
        return _link_and_open(ports, arrival, user_id, standing)
    return _ask(ports, arrival, "link", user_id=user_id, unlock=True)


def _link_and_open(ports: Ports, arrival: Arrival, user_id: str, standing: Standing, *settled: Step) -> dict[str, str]:
    row, steps = ports.identities.linking(arrival.who, user_id, sealed=_sealed(ports, arrival, user_id))
    event = LoginSucceeded(user_id=user_id, identity_id=row.identity_id, provider=row.provider)
    told = [telling(ports.answers.table, one) for one in (event, _linked(arrival, user_id))]
    return _open(ports, arrival, row, standing, [*steps, *settled, *told])


def _linked(arrival: Arrival, user_id: str) -> EntryRecorded:
    person = Principal(kind="user", id=user_id, user_id=user_id)
    return audit("oauth.linked", f"user:{user_id}", by=person, call=arrival.call, provider=arrival.provider.id)


def _open(
    ports: Ports, arrival: Arrival, row: IdentityRow, standing: Standing, steps: Sequence[Step]
) -> dict[str, str]:
    """Write what the sign-in changes, and give the browser the code that ends it."""
    proof = proof_of(arrival.provider, arrival.profile, row.uid, is_staff=standing.is_staff)
    if arrival.begun.delivery == "cookie":
        session_id = ids.new()
        ports.answers.put(*steps, *_bearing(ports, arrival, row.uid, session_id))
        code = ports.sessions.code(proof, session_id=session_id, challenge=arrival.begun.challenge, call=arrival.call)
        return {"code": code}
    needs_factor = bool(standing.factors) and proof.aal < 2
    code, answer = new_secret(), _answer(arrival, "login")
    answer.uid, answer.identity_id, answer.key = row.uid, row.identity_id, arrival.profile.key
    answer.amr, answer.aal, answer.auth_time = set(proof.amr), proof.aal, proof.auth_time
    ports.answers.put(*steps, ports.answers.keeping(ports.digest("code", code), answer))
    return {"code": code, **({"status": "mfa_required"} if needs_factor else {})}


def _bearing(ports: Ports, arrival: Arrival, user_id: str, session_id: str) -> list[Step]:
    """A provider that ends its sessions here too must find ours."""
    if not arrival.provider.backchannel_logout:
        return []
    sid, row = arrival.profile.sid, BornRow(uid=user_id, session_id=session_id)
    place = sid_hash(arrival.provider, sid) if sid else None
    return ports.identities.bearing(arrival.provider.id, arrival.profile.key, place, row)


def _ask(
    ports: Ports, arrival: Arrival, kind: str, *, user_id: str | None = None, unlock: bool = False
) -> dict[str, str]:
    """Keep what is known until its owner has agreed, or has shown an address."""
    profile = arrival.profile
    code, answer = new_secret(), _answer(arrival, kind)
    answer.uid, answer.key, answer.sub, answer.label = user_id, profile.key, profile.subject, profile.label
    answer.email, answer.name, answer.locale = profile.email, profile.name, profile.locale
    proof = proof_of(arrival.provider, profile, "")
    answer.amr, answer.aal, answer.auth_time = set(proof.amr), proof.aal, proof.auth_time
    unlocking = [ports.identities.unlocking(arrival.provider.id, profile.key)] if unlock else []
    ports.answers.put(*unlocking, ports.answers.keeping(ports.digest("code", code), answer))
    return {"code": code, "status": f"{kind}_required"}


def _answer(arrival: Arrival, kind: str) -> AnswerRow:
    sid = arrival.profile.sid if arrival.provider.backchannel_logout else None
    return AnswerRow(
        kind=kind,
        provider=arrival.provider.id,
        delivery=arrival.begun.delivery,
        challenge=arrival.begun.challenge,
        arrived=clock.millis(),
        sid_hash=sid_hash(arrival.provider, sid) if sid else None,
    )


def sid_hash(provider: Provider, sid: str) -> str:
    """What stands for a session of the provider's."""
    return key_of(provider.issuer, sid)


def _sealed(ports: Ports, arrival: Arrival, user_id: str) -> str | None:
    """What the provider gave, sealed for this user, where it is to be kept at all."""
    if not arrival.provider.store_tokens:
        return None
    granted = arrival.granted
    kept = {"access_token": granted.access_token, "refresh_token": granted.refresh_token}
    return ports.vault.seal_tokens(user_id, kept)
