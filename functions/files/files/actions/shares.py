"""Links to a file that anybody may follow who has them, as often and as long as their owner says."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tessera import clock, link_passwords
from tessera.auth.principal import Principal
from tessera.idempotency import Intent
from tessera.problems import Busy, NotFound
from tessera.tables import Key

from ..events import ShareDownloaded, ShareExhausted
from ..ports import Ports
from ..posting import Posted
from ..rules.files import File, State
from ..rules.problems import TooManyGrants, TooManyShares, WrongPassword, refused
from ..rules.shares import (
    MAX_GRANTS,
    MAX_SHARES,
    Share,
    check_expiry,
    hashed,
    is_secret,
    split_token,
)
from ..store.files import Changed
from . import access, manage

SECRET_BYTES, MAX_TRIES = 32, 6


@dataclass(frozen=True)
class Terms:
    expires_at: datetime | None = None
    password: str | None = None
    max_downloads: int | None = None
    emails: tuple[str, ...] = ()


@dataclass(frozen=True)
class Made:
    """A new link. Its token is known this once; a replay has none, and mails nothing."""

    share: Share
    token: str | None = None
    url: str | None = None
    posted: Posted = field(default_factory=Posted)

    @property
    def is_replay(self) -> bool:
        return self.token is None


def create(ports: Ports, file_id: str, terms: Terms, intent: Intent, *, base: str, by: Principal) -> Made:
    """Make a link, and mail it to those it is for.

    3 requests, and 1 for each mail. Raises `NotFound`, `NotAllowed`, `InvalidRequest`, `TooManyShares`, and a
    `LimitExceeded` for too many mails in a day.
    """
    file, now = access.own(ports, file_id, by), clock.now()
    check_expiry(terms.expires_at, now)
    known, _ = ports.shares.of_file(file.id, MAX_SHARES, None)
    if sum(share.is_open(now) for share in known) >= MAX_SHARES:
        raise TooManyShares(f"A file has at most {MAX_SHARES} links. Revoke one first.")
    secret = secrets.token_urlsafe(SECRET_BYTES)
    share = Share(
        id=intent.id,
        secret_hash=hashed(secret),
        file_id=file.id,
        owner_id=file.owner_id,
        created_at=now,
        expires_at=terms.expires_at,
        max_downloads=terms.max_downloads,
        left=terms.max_downloads,
        password=link_passwords.kept(terms.password) if terms.password else None,
    )
    ports.posting.charge(by.user_id or by.id, terms.emails)
    made, replayed = ports.shares.create(share, intent)
    if replayed:
        return Made(made)
    token = f"{share.id}.{secret}"
    url = f"{base}/files/s/{token}"
    return Made(made, token, url, ports.posting.send(share.id, name=file.name, link=url, to=terms.emails))


def look(ports: Ports, token: str) -> tuple[Share, File]:
    """What a link opens. 2 requests. Raises `NotFound`, the same whatever is the matter with it."""
    named = split_token(token)
    share = ports.shares.find(named[0]) if named else None
    if named is None or share is None or not is_secret(named[1], share) or not share.is_open(clock.now()):
        raise _no_link()
    file = ports.files.find(share.file_id)
    if file is None or file.purging or file.trashed_at is not None or file.state is not State.CLEAN:
        raise _no_link()
    return share, file


def download(ports: Ports, token: str, password: str | None) -> manage.Download:
    """Use the link once. 3 requests, 4 with a password. Raises `NotFound`, `WrongPassword`, `PasswordLocked`.

    A limit of one that fifty ask for at once lets one through.
    """
    share, file = look(ports, token)
    now = clock.now()
    if share.password is not None:
        if password is None:
            raise WrongPassword()
        ports.shares.try_password(share, now)
        if not link_passwords.matches(password, share.password):
            raise WrongPassword()
    about = {"share_id": share.id, "file_id": file.id, "owner_id": file.owner_id}
    if not ports.shares.consume(share, now, ShareDownloaded(**about), ShareExhausted(**about)):
        raise _no_link()
    return manage.download(ports, file, inline=False)


def listed(
    ports: Ports, file_id: str, limit: int, after: Key | None, *, by: Principal
) -> tuple[list[Share], Key | None]:
    """2 requests. Raises `NotFound`, `NotAllowed`."""
    return ports.shares.of_file(access.own(ports, file_id, by).id, limit, after)


def change(ports: Ports, share_id: str, changes: dict[str, Any], expect: int | None, *, by: Principal) -> Share:
    """Other terms for the same link. 2 requests. Raises `NotFound`, `StaleVersion`, `InvalidRequest`, `Busy`."""
    share = _own(ports, share_id, by)
    made = dict(changes)
    if "expires_at" in made:
        check_expiry(made["expires_at"], clock.now())
    if "password" in made:
        password = made.pop("password")
        made["pw"] = link_passwords.kept(password) if password else None
        made["fails"] = 0
    for _ in range(MAX_TRIES):
        if "max_downloads" in made:
            made["left"] = _left(share, made["max_downloads"])
        try:
            return ports.shares.change(share, made, expect)
        except Changed:
            share = _own(ports, share_id, by)
    raise Busy


def revoke(ports: Ports, share_id: str, expect: int | None, *, by: Principal) -> None:
    """It opens nothing from now on. 2 requests. Raises `NotFound`, `StaleVersion`."""
    ports.shares.revoke(_own(ports, share_id, by), expect)


def grant(ports: Ports, file_id: str, user_id: str, role: str, *, by: Principal) -> None:
    """Let somebody in to read the file, or to send new versions of it. 3 requests."""
    file = access.own(ports, file_id, by)
    if user_id == file.owner_id:
        raise refused("/user", "It is theirs already.")
    known = {row.sk for row in ports.shares.grants(file.id)}
    if len(known) >= MAX_GRANTS and f"G#{user_id}" not in known:
        raise TooManyGrants(f"A file is open to at most {MAX_GRANTS} others.")
    ports.shares.grant(file.id, user_id, role=role, owner_id=file.owner_id)


def withdraw(ports: Ports, file_id: str, user_id: str, *, by: Principal) -> None:
    """The owner takes it back, or somebody leaves. Raises `NotFound`, `NotAllowed`."""
    file = access.visible(ports, file_id, by, trashed=True)
    if by.owner_id not in (file.owner_id, user_id):
        access.own(ports, file_id, by)
    if not ports.shares.withdraw(file.id, user_id):
        raise NotFound("They were not let in.")


def grants(ports: Ports, file_id: str, *, by: Principal) -> list[tuple[str, str, datetime]]:
    """Who was let in, as what, and when."""
    file = access.own(ports, file_id, by, trashed=True)
    return [(row.sk.partition("#")[2], row.role, clock.parse(row.created_at)) for row in ports.shares.grants(file.id)]


def _own(ports: Ports, share_id: str, by: Principal) -> Share:
    share = ports.shares.find(share_id)
    if share is None or share.revoked or share.owner_id != by.owner_id:
        raise NotFound("There is no such link.")
    return share


def _left(share: Share, most: int | None) -> int | None:
    if most is not None and most < share.downloads:
        raise refused("/max_downloads", f"It was followed {share.downloads} times already.")
    return None if most is None else most - share.downloads


def _no_link() -> NotFound:
    return NotFound("There is no such link.")
