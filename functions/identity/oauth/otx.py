"""The cookie that binds a sign-in to the browser it began in.

One secret serves every tab of a browser for ten minutes, so that two sign-ins at once do not undo each other. It
carries a code of ours, so that nothing planted from elsewhere is taken over.
"""

import hashlib
from dataclasses import dataclass

from tessera.auth import jws
from tessera.auth.call import Call
from tessera.auth.cookies import cookie_of
from tessera.auth.mac import Mac

from .ports import new_secret

NAME = "__Host-tessera_otx"
PURPOSE = "oauth-otx"
LIFE_SECONDS = 600
# A form post comes from the provider's own page, with which a browser sends no Lax cookie.
LAX, NONE = "l", "n"


@dataclass(frozen=True)
class Otx:
    secret: str
    kind: str = LAX

    @property
    def hash(self) -> str:
        return hashlib.sha256(self.secret.encode()).hexdigest()

    def header(self, mac: Mac) -> str:
        value = f"{self.kind}.{self.secret}.{jws.encode(mac(PURPOSE).sign(_message(self)))}"
        site = "None" if self.kind == NONE else "Lax"
        return f"{NAME}={value}; Max-Age={LIFE_SECONDS}; Path=/; Secure; HttpOnly; SameSite={site}"


def read(call: Call, mac: Mac) -> Otx | None:
    """The browser's secret, if it is one of ours. Raises `CredentialsAmbiguous` when it came twice."""
    kind, _, rest = cookie_of(call, NAME).partition(".")
    secret, _, tag = rest.partition(".")
    found = Otx(secret, kind)
    try:
        return found if secret and mac(PURPOSE).verify(_message(found), jws.decode(tag)) else None
    except ValueError:
        return None


def kept_or_new(call: Call, mac: Mac, *, posted: bool) -> Otx:
    found = read(call, mac) or Otx(new_secret())
    return Otx(found.secret, NONE if posted else found.kind)


def _message(otx: Otx) -> bytes:
    return f"{otx.kind}.{otx.secret}".encode()
