"""The items of the table. `ttl` is in seconds since 1970, other times are in milliseconds."""

from datetime import timedelta

from pynamodb.attributes import BooleanAttribute, JSONAttribute, NumberAttribute, UnicodeAttribute, UnicodeSetAttribute

from tessera import clock
from tessera.tables import Row

MAIN, CLAIM, CONFIG, DISCOVERY, TOKENS, LOCK = "MAIN", "CLAIM", "CFG", "DISCO", "TOKENS", "LOCK"
PROVIDERS = "PROVIDERS"
SESSION, LOGOUT = "S#", "OUT"
IDENTITY = "I#"

TRANSACTION_LIFE = timedelta(minutes=10)
CODE_LIFE = timedelta(seconds=60)
TICKET_LIFE = timedelta(minutes=10)
MAIL_LIFE = timedelta(hours=1)
LOCK_LIFE = timedelta(seconds=30)
# For so long the account that a sign-in has asked for, and never heard of, is known as its own.
ATTEMPT_LIFE = timedelta(days=30)
SESSION_LIFE = timedelta(days=90)
# Longer than a sign-in can wait: ten minutes under its ticket, and an hour for each of three mails.
LOGOUT_LIFE = timedelta(hours=4)
# What waits to be given back is given up with the dead letters.
REVOCATION_LIFE = timedelta(days=21)


def expiry(life: timedelta) -> int:
    return int((clock.now() + life).timestamp())


def transaction_pk(state_mac: str) -> str:
    return f"TX#{state_mac}"


def identity_pk(provider: str, key: str) -> str:
    return f"I#{provider}#{key}"


def user_pk(user_id: str) -> str:
    return f"U#{user_id}"


def answer_pk(mac: str) -> str:
    return f"X#{mac}"


def provider_pk(provider: str) -> str:
    return f"P#{provider}"


def sid_pk(provider: str, sid_hash: str) -> str:
    return f"B#{provider}#{sid_hash}"


class TransactionRow(Row):
    """A sign-in that has gone to the provider. It is good once, in the browser that `otx_hash` stands for."""

    provider = UnicodeAttribute()
    nonce = UnicodeAttribute()
    verifier = UnicodeAttribute()
    otx_hash = UnicodeAttribute()
    redirect_uri = UnicodeAttribute()
    return_to = UnicodeAttribute()
    mode = UnicodeAttribute()
    delivery = UnicodeAttribute()
    challenge = UnicodeAttribute()
    uid = UnicodeAttribute(null=True)


class IdentityRow(Row):
    """Whose somebody at a provider is: being there once is what makes it unique."""

    identity_id = UnicodeAttribute()
    provider = UnicodeAttribute()
    uid = UnicodeAttribute()
    sub = UnicodeAttribute()
    label = UnicodeAttribute()
    linked = NumberAttribute()
    last_login = NumberAttribute(null=True)
    email_at_link = UnicodeAttribute(null=True)
    has_tokens = BooleanAttribute(default=False)


class OfUserRow(Row):
    """An identity as its user finds it: where it lies, and enough to know it by."""

    provider = UnicodeAttribute()
    key = UnicodeAttribute()
    label = UnicodeAttribute()
    linked = NumberAttribute()


class CountRow(Row):
    """How many identities a user has."""

    n = NumberAttribute(default=0)


class SealedRow(Row):
    """Tokens of a provider, sealed for one user."""

    provider = UnicodeAttribute()
    uid = UnicodeAttribute()
    sealed = UnicodeAttribute()


class LockRow(Row):
    """Somebody makes the account of a new identity, until `held`.

    `attempt` names that account until the identity is linked: it is asked for under the same name again when nobody
    heard whether it was made.
    """

    held = NumberAttribute()
    attempt = UnicodeAttribute(null=True)


class BornRow(Row):
    """A session of ours that began with a session of the provider's."""

    uid = UnicodeAttribute()
    session_id = UnicodeAttribute()
    # By which the other place of the same session is found.
    sid_hash = UnicodeAttribute(null=True)


class LogoutRow(Row):
    """When the provider ended a session, or all of an identity: what came in before opens nothing after it.

    `at` is None where none has ended; the item is then there because a sign-in has made sure of that.
    """

    at = NumberAttribute(null=True)


class AnswerRow(Row):
    """What came of a sign-in, waiting for whoever began it: under a code, or later under a ticket.

    `kind` is `login`, `link`, `email` or `linked`; a `ticket` is no code.
    """

    kind = UnicodeAttribute()
    ticket = BooleanAttribute(null=True)
    provider = UnicodeAttribute()
    delivery = UnicodeAttribute()
    challenge = UnicodeAttribute()
    uid = UnicodeAttribute(null=True)
    identity_id = UnicodeAttribute(null=True)
    key = UnicodeAttribute(null=True)
    sub = UnicodeAttribute(null=True)
    label = UnicodeAttribute(null=True)
    email = UnicodeAttribute(null=True)
    name = UnicodeAttribute(null=True)
    locale = UnicodeAttribute(null=True)
    sid_hash = UnicodeAttribute(null=True)
    amr = UnicodeSetAttribute(null=True)
    aal = NumberAttribute(null=True)
    auth_time = NumberAttribute(null=True)
    # When they came back from the provider.
    arrived = NumberAttribute(null=True)
    code_mac = UnicodeAttribute(null=True)
    left = NumberAttribute(null=True)
    mails = NumberAttribute(default=0)


class ProviderRow(Row):
    """A provider as it was configured; its secret is sealed."""

    config = JSONAttribute()
    secret = UnicodeAttribute(null=True)


class ListedRow(Row):
    """What everybody may know of a provider."""

    name = UnicodeAttribute()
    kind = UnicodeAttribute()
    icon = UnicodeAttribute(null=True)
    enabled = BooleanAttribute()


class DiscoveryRow(Row):
    """What a provider has published, as it was last read. `of` is the version of its configuration then."""

    of = NumberAttribute()
    metadata = JSONAttribute()
    keys = JSONAttribute()
    fetched = NumberAttribute()
    keys_at = NumberAttribute()


class SeenRow(Row):
    """A logout token that came before."""
