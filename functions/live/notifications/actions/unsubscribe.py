"""Links that switch one type of mail off for one person, good without signing in (RFC 8058)."""

import json
from dataclasses import replace

from tessera.auth import jws
from tessera.etags import StaleVersion
from tessera.problems import Busy

from ..ports import Ports
from ..rules.kinds import Preferences
from ..rules.problems import UnsubscribeGone

PURPOSE = "unsubscribe"
MAX_CHARACTERS = 400
_TRIES = 8


def unsubscribe_url(ports: Ports, user_id: str, kind: str) -> str:
    return f"{ports.settings.base}/notifications/unsubscribe?token={token_of(ports, user_id, kind)}"


def token_of(ports: Ports, user_id: str, kind: str) -> str:
    """Good for as long as the key it is signed with."""
    body = json.dumps([user_id, kind], separators=(",", ":")).encode()
    return f"{jws.encode(body)}.{jws.encode(ports.mac(PURPOSE).sign(body))}"


def read(ports: Ports, token: str) -> tuple[str, str]:
    """Whose mails of which type. Raises `UnsubscribeGone` for what is not ours."""
    body, _, tag = token.partition(".")
    try:
        if len(token) > MAX_CHARACTERS:
            raise UnsubscribeGone
        raw = jws.decode(body)
        if not ports.mac(PURPOSE).verify(raw, jws.decode(tag)):
            raise UnsubscribeGone
    except jws.Malformed:
        raise UnsubscribeGone("Use the link of a newer mail, or sign in and choose what you want.") from None
    user_id, kind = json.loads(raw)
    if ports.store.types.get(kind) is None:
        raise UnsubscribeGone("There is no such type of mail any more.")
    return user_id, kind


def unsubscribe(ports: Ports, token: str) -> str:
    """Switch it off, however often it is asked. 2 requests. The type comes back."""
    user_id, kind = read(ports, token)
    switch_off(ports, user_id, kind)
    return kind


def switch_off(ports: Ports, user_id: str, kind: str) -> None:
    """No mail of this type for this person from now on; `*` is all that is not mandatory."""
    people = ports.store.people
    for _ in range(_TRIES):
        chosen = people.preferences(user_id)
        if chosen.matrix.get(kind, {}).get("email") is False and kind != "*":
            return
        try:
            people.choose(user_id, _without_mail(chosen, kind), expect=chosen.version)
            return
        except StaleVersion:
            continue
    raise Busy()


def _without_mail(chosen: Preferences, kind: str) -> Preferences:
    """With `*`, what was chosen type by type is switched off too: who complains wants none of it."""
    matrix = {name: dict(row) for name, row in chosen.matrix.items()}
    for name in [*matrix, kind] if kind == "*" else [kind]:
        matrix.setdefault(name, {})["email"] = False
    return replace(chosen, matrix=matrix)
