"""What is known of a provider, and what about it must be so."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from tessera.problems import FieldError

PATTERN = r"^[a-z][a-z0-9-]{1,31}$"
# They are paths of our own, so no provider may be called so.
RESERVED = frozenset("providers identities exchange link email admin internal health ready jobs".split())
ALGORITHMS = frozenset(["RS256", "PS256", "ES256", "EdDSA"])
# What we say ourselves in the address that people are sent to.
OURS = frozenset(
    """response_type client_id redirect_uri scope state nonce code_challenge code_challenge_method response_mode
    request request_uri client_secret""".split()
)
ENDPOINTS = frozenset("authorization token userinfo emails jwks revocation".split())
CLAIMS = frozenset("sub email email_verified name locale tenant".split())
TENANT = "{tenantid}"
_TENANT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Kind(StrEnum):
    OIDC = "oidc"
    OAUTH2 = "oauth2"
    GITHUB = "github"
    FACEBOOK = "facebook"
    APPLE = "apple"


@dataclass(frozen=True)
class Provider:
    """`secret` is sealed, unless it is built in; it never leaves the store and the vault."""

    id: str
    name: str
    kind: Kind
    client_id: str
    issuer: str = ""
    icon: str | None = None
    enabled: bool = True
    scopes: tuple[str, ...] = ()
    response_mode: str = "query"
    token_auth: str = "basic"
    pkce: str = "required"
    claims_map: Mapping[str, str] = field(default_factory=dict)
    endpoints: Mapping[str, str] = field(default_factory=dict)
    discovery_url: str | None = None
    trust_email: bool = False
    link_policy: str = "confirm"
    allow_sign_up: bool = True
    ask_email: bool = True
    allowed_hosted_domains: tuple[str, ...] = ()
    allowed_tenants: tuple[str, ...] = ()
    extra_params: Mapping[str, str] = field(default_factory=dict)
    store_tokens: bool = False
    backchannel_logout: bool = False
    clock_skew_s: int = 60
    algs: tuple[str, ...] = ("RS256", "PS256", "ES256", "EdDSA")
    mfa_amr: tuple[str, ...] = ()
    mfa_acr: tuple[str, ...] = ()
    team_id: str | None = None
    key_id: str | None = None
    secret: str | None = None
    is_built_in: bool = False
    version: int = 1

    @property
    def is_openid(self) -> bool:
        return self.kind in (Kind.OIDC, Kind.APPLE)

    @property
    def has_tenants(self) -> bool:
        """One issuer for each customer of the provider, as Microsoft Entra has."""
        return TENANT in self.issuer

    @property
    def discovery_address(self) -> str:
        place = self.issuer.replace(TENANT, "common").rstrip("/")
        return self.discovery_url or f"{place}/.well-known/openid-configuration"

    def issuer_of(self, tenant: object) -> str | None:
        """The issuer that a token of this tenant must name; None when there can be none."""
        if not self.has_tenants:
            return self.issuer
        if not isinstance(tenant, str) or not _TENANT_ID.fullmatch(tenant):
            return None
        return self.issuer.replace(TENANT, tenant)

    @property
    def answers_as(self) -> frozenset[str]:
        """What its answers may name as their issuer (RFC 9207). GitHub's own name there is longer than ours for it,
        which stays as it is: identities are known by it.
        """
        return frozenset([self.issuer, *([GITHUB_ANSWERS] if self.kind is Kind.GITHUB else [])])

    @property
    def hands_secret_to(self) -> tuple[object, ...]:
        """Everything that decides where the secret goes, and how. Whoever changes it must know the secret."""
        # Facebook's `userinfo` gets a proof that is made of it, by which guesses at it can be tried.
        names = ("token", "revocation", *(["userinfo"] if self.kind is Kind.FACEBOOK else []))
        places = [self.endpoints.get(name) for name in names]
        return (self.kind, self.issuer, self.discovery_address, self.client_id, self.token_auth, *places)

    def claim(self, name: str) -> str:
        """What the provider calls this claim."""
        return self.claims_map.get(name, name)


GITHUB_ANSWERS = "https://github.com/login/oauth"
# What a person need not type in. Facebook's and GitHub's addresses have no discovery document.
PRESETS: Mapping[Kind, Mapping[str, object]] = {
    Kind.OIDC: {"scopes": ("openid", "email", "profile")},
    Kind.OAUTH2: {},
    Kind.GITHUB: {
        "issuer": "https://github.com",
        "scopes": ("read:user", "user:email"),
        "token_auth": "post",
        "endpoints": {
            "authorization": "https://github.com/login/oauth/authorize",
            "token": "https://github.com/login/oauth/access_token",
            "userinfo": "https://api.github.com/user",
            "emails": "https://api.github.com/user/emails",
            "revocation": "https://api.github.com/applications/{client_id}/token",
        },
    },
    Kind.FACEBOOK: {
        "issuer": "https://www.facebook.com",
        "scopes": ("email", "public_profile"),
        "token_auth": "post",
        "pkce": "best_effort",
        "endpoints": {
            "authorization": "https://www.facebook.com/v23.0/dialog/oauth",
            "token": "https://graph.facebook.com/v23.0/oauth/access_token",
            "userinfo": "https://graph.facebook.com/v23.0/me",
            "revocation": "https://graph.facebook.com/v23.0/me/permissions",
        },
    },
    Kind.APPLE: {
        "issuer": "https://appleid.apple.com",
        "scopes": ("openid", "name", "email"),
        "response_mode": "form_post",
        "token_auth": "post",
        "algs": ("RS256",),
    },
}


def faults(provider: Provider) -> list[FieldError]:
    """What is wrong with a provider, each with the place of it. Whether it answers is another question."""
    found = [*_addresses(provider), *_kind(provider), *_texts(provider)]
    return [FieldError(pointer, told) for pointer, told in found]


def _addresses(provider: Provider) -> list[tuple[str, str]]:
    found = []
    named = {"/issuer": provider.issuer, "/discovery_url": provider.discovery_url or ""}
    named |= {f"/endpoints/{name}": url for name, url in provider.endpoints.items()}
    for pointer, url in named.items():
        if url and not is_address(url):
            found.append((pointer, "It must be an https address without user, query and fragment."))
    found += [(f"/endpoints/{name}", "There is no such endpoint.") for name in provider.endpoints.keys() - ENDPOINTS]
    return found


def is_address(url: str) -> bool:
    """Whether it has the form of one. Plain http is for stand-ins on a laptop, which the client alone lets pass."""
    if not url.isascii() or any(sign in url for sign in " \\<>\"'") or len(url) > 500:
        return False
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in ("https", "http")
            and bool(parts.hostname)
            and "@" not in parts.netloc
            and not parts.fragment
            and not parts.query
        )
    except ValueError:
        return False


def _kind(provider: Provider) -> list[tuple[str, str]]:
    found = []
    if not provider.issuer:
        found.append(("/issuer", "The issuer tells identities of two providers apart."))
    if provider.is_openid and "openid" not in provider.scopes:
        found.append(("/scopes", "An OpenID provider is asked for the scope openid."))
    if not provider.is_openid:
        wanted = {"authorization", "token", "userinfo"} - provider.endpoints.keys()
        found += [(f"/endpoints/{name}", "A provider without discovery needs it.") for name in sorted(wanted)]
    if provider.kind is Kind.APPLE and not (provider.team_id and provider.key_id):
        found.append(("/team_id", "Apple's client secret is signed with a key of a team: name both."))
    if provider.token_auth == "private_key_jwt" and not provider.key_id:
        found.append(("/key_id", "The provider finds the key that signs by its id."))
    if provider.token_auth == "none" and provider.pkce != "required":
        found.append(("/pkce", "A client without a secret needs the proof of PKCE."))
    if provider.allowed_tenants and not provider.has_tenants:
        found.append(("/allowed_tenants", f"Only an issuer with {TENANT} in it has tenants."))
    if provider.link_policy == "auto_verified" and not provider.trust_email:
        found.append(("/trust_email", "Nothing is linked by an address that is not trusted."))
    return found


def _texts(provider: Provider) -> list[tuple[str, str]]:
    found = []
    if not re.fullmatch(PATTERN, provider.id) or provider.id in RESERVED:
        found.append(("/id", "2 to 32 small letters, digits and hyphens, and not a path of ours."))
    found += [(f"/extra_params/{name}", "We say this ourselves.") for name in provider.extra_params.keys() & OURS]
    found += [(f"/claims_map/{name}", "There is no such claim.") for name in provider.claims_map.keys() - CLAIMS]
    if not provider.algs or not set(provider.algs) <= ALGORITHMS:
        found.append(("/algs", f"Known are {', '.join(sorted(ALGORITHMS))}."))
    return found
