"""Which URLs are fetched at all, judged by their form and name; their addresses are judged by `dial`."""

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote, urlsplit

from tessera.safehttp.addresses import Network, is_near, is_public, networks, parse
from tessera.safehttp.problems import AddressRefused, SchemeRefused, URLInvalid
from tessera.settings import MissingSettings, Settings

MAX_CHARACTERS = 2_048
PORTS = {"http": 80, "https": 443}
# Stages that never leave a laptop: only there may stand-ins of outside providers be reached.
LAPTOP = frozenset(["local", "localstack"])

# White space, what cannot be seen, and what has no form in bytes: half a surrogate pair.
_UNWANTED = re.compile(r"[\x00-\x20\x7f-\x9f\\\ud800-\udfff]")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_BRACKETED = re.compile(r"\[[0-9a-f:.]+\](?::[0-9]*)?", re.IGNORECASE)
_PRIVATE_NAMES = (".local", ".internal", ".localhost", ".home.arpa", ".onion")
_AWS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".on.aws")
# What a path or query may hold as it is (RFC 3986 3.3 and 3.4); anything else goes out percent-encoded.
_KEPT = "%/:@!$&'()*+,;=~-._?"


class SafeHTTPSettings(Settings):
    """`safehttp_allow` opens exact `host:port` pairs on this machine, for stand-ins of outside providers."""

    safehttp_allow: str = ""
    safehttp_deny: str = ""
    safehttp_ports: str = ""


@dataclass(frozen=True)
class Target:
    """A URL that passed the gate. `host` is a name in ASCII or an address, without brackets."""

    scheme: str
    host: str
    port: int
    path: str
    # The pair was opened by configuration, so its addresses are those of a stand-in.
    is_opened: bool = False

    @property
    def is_address(self) -> bool:
        return parse(self.host) is not None

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"


@dataclass(frozen=True)
class Gate:
    """What one app may fetch. `opened` are `host:port` pairs, `own` the hosts of our own API."""

    opened: frozenset[str] = frozenset()
    denied: tuple[Network, ...] = ()
    ports: frozenset[int] = frozenset([80, 443])
    own: frozenset[str] = frozenset()

    @classmethod
    def of(cls, settings: SafeHTTPSettings) -> Self:
        """Raises `MissingSettings` when a stage that others reach would open addresses of its own network."""
        if settings.safehttp_allow and settings.stage not in LAPTOP:
            raise MissingSettings("SAFEHTTP_ALLOW is for a laptop. It must not be set in this stage.")
        try:
            more = frozenset(int(port) for port in settings.safehttp_ports.replace(",", " ").split())
            denied = networks(settings.safehttp_deny)
        except ValueError as error:
            raise MissingSettings(f"SAFEHTTP_PORTS or SAFEHTTP_DENY cannot be read: {error}.") from None
        opened = frozenset(pair.lower() for pair in settings.safehttp_allow.replace(",", " ").split())
        named = (settings.public_base_url, settings.issuer)
        own = frozenset(urlsplit(url).hostname or "" for url in named) - {""}
        return cls(opened, denied, cls.ports | more, own)

    def target(self, url: str, *, named: frozenset[str] = frozenset()) -> Target:
        """Take a URL apart and judge what its text tells. Nothing is looked up.

        `named` are hosts that configuration names: they may be at AWS, as a sign-in provider can be, or be our
        own. Raises `URLInvalid`, `SchemeRefused`, `AddressRefused`.
        """
        if not url or len(url) > MAX_CHARACTERS or _UNWANTED.search(url):
            raise URLInvalid(f"A URL has up to {MAX_CHARACTERS} characters, none of them a space or a backslash.")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise URLInvalid("The host or the port cannot be read.") from None
        if parts.scheme not in PORTS:
            raise SchemeRefused("The URL must start with http:// or https://.")
        if "@" in parts.netloc or not parts.hostname:
            raise URLInvalid("The URL must name a host, and neither user nor password.")
        host = host_of(parts.netloc, parts.hostname)
        port = PORTS[parts.scheme] if port is None else port
        made = Target(parts.scheme, host, port, _path(parts.path, parts.query))
        if f"{host}:{port}" in self.opened:
            return Target(made.scheme, host, port, made.path, is_opened=True)
        if port not in self.ports:
            raise AddressRefused("Only the ports of the web are fetched from.")
        self._judge_name(made, is_named=host in named)
        return made

    def admits(self, target: Target, address: str) -> bool:
        """Whether this address may be what the target's name stands for."""
        return is_near(address) if target.is_opened else is_public(address, self.denied)

    def _judge_name(self, target: Target, *, is_named: bool) -> None:
        if target.is_address:
            if not self.admits(target, target.host):
                raise AddressRefused("The address is not on the public internet.")
            return
        name = f".{target.host}"
        if target.host.count(".") == 0 or name.endswith(_PRIVATE_NAMES):
            raise AddressRefused("The name is not one of the public internet.")
        if not is_named and (target.host in self.own or name.endswith(_AWS)):
            raise AddressRefused("Nothing is fetched from ourselves, nor from AWS.")


def host_of(netloc: str, hostname: str) -> str:
    """The host in its one spelling. Raises `URLInvalid`."""
    if "[" in netloc or "]" in netloc:
        found = parse(hostname) if _BRACKETED.fullmatch(netloc) else None
        if found is None or found.version != 6:
            raise URLInvalid("What stands in brackets is not an address.")
        return str(found)
    name = _ascii(hostname).removesuffix(".")
    labels = name.split(".")
    # As browsers do: a name whose last label is a number is meant as an address, and has one spelling.
    if _NUMBER.fullmatch(labels[-1]):
        if parse(name) is None:
            raise URLInvalid("An IPv4 address has four decimal numbers.")
        return name
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise URLInvalid("The host is not a name of the internet.")
    return name


def _ascii(hostname: str) -> str:
    """The name as it is looked up: UTS 46, without transitional processing."""
    name = hostname.lower()
    if name.isascii() and "xn--" not in name:
        return name
    import idna

    try:
        return idna.encode(name, uts46=True).decode("ascii")
    except idna.IDNAError:
        raise URLInvalid("The host is not a name of the internet.") from None


def _path(path: str, query: str) -> str:
    whole = f"{path or '/'}?{query}" if query else path or "/"
    return quote(whole, safe=_KEPT)
