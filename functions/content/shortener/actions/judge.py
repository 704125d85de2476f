"""Whether a link may lead somewhere: by what its URL says, whose name it is, and what others know of it."""

from collections.abc import Sequence

from tessera.safehttp import DNSFailed, FetchFailed, TookTooLong

from ..outside.threats import ThreatsAway, away
from ..ports import Ports
from ..rules.problems import URLRefused
from ..rules.targets import Target, is_shortener, shown_host, suffixes, target_of

# Its own name and the nearest above it.
NAMES = 4


def judge(ports: Ports, wanted: Sequence[tuple[str, str]]) -> list[str]:
    """The URLs in their one spelling, of pairs of a pointer and a URL. Raises `URLRefused` for the first bad one.

    1 request to the table and 1 to the list of threats for all of them, and a look-up of each new name.
    """
    targets = [(pointer, target_of(url, pointer)) for pointer, url in wanted]
    looked_up: set[str] = set()
    for pointer, target in targets:
        if target.origin not in looked_up:
            looked_up.add(target.origin)
            _by_name(ports, target, pointer)
    _by_lists(ports, targets)
    _by_threats(ports, targets)
    return [target.url for _, target in targets]


def harmful(ports: Ports, urls: Sequence[str]) -> dict[str, str]:
    """Those of these kept URLs that nothing should lead to any more, and why. Raises `ThreatsAway`."""
    hosts = {url: target_of(url).host for url in urls}
    blocked, _ = ports.domains.verdicts([name for host in hosts.values() for name in suffixes(host, NAMES)])
    found = dict(ports.threats.find(urls))
    for url, host in hosts.items():
        reason = next((blocked[name] for name in suffixes(host, NAMES) if name in blocked), None)
        if reason is not None:
            found[url] = reason
    return found


def _by_name(ports: Ports, target: Target, pointer: str) -> None:
    if target.host in ports.settings.own_hosts:
        raise URLRefused("own-domain", "A short link does not lead to short links.", pointer)
    if is_shortener(target.host) and ports.settings.short_chains == "off":
        raise URLRefused("chain", "It leads to another shortener. Give the address behind that.", pointer)
    try:
        _check_addresses(ports, target)
    except (DNSFailed, TookTooLong):
        # A name without an address leads nowhere. It is the visitor's browser that will look it up, not we.
        return
    except FetchFailed as failed:
        raise URLRefused("address", failed.detail, pointer) from None


def _check_addresses(ports: Ports, target: Target) -> None:
    """Raises a `FetchFailed`. Our own API and AWS are fine to lead to, though nothing is fetched from there."""
    # Without its port, because of ports `target_of` has rules of its own.
    host = f"[{target.host}]" if ":" in target.host else target.host
    ports.web.check(f"https://{host}/", named=frozenset([target.host]))


def _by_lists(ports: Ports, targets: Sequence[tuple[str, Target]]) -> None:
    names = [name for _, target in targets for name in suffixes(target.host, NAMES)]
    blocked, domains = ports.domains.verdicts(names)
    for pointer, target in targets:
        if target.host in domains:
            raise URLRefused("own-domain", "A short link does not lead to short links.", pointer)
        if any(name in blocked for name in suffixes(target.host, NAMES)):
            raise URLRefused("blocked-domain", f"Nothing leads to {shown_host(target.host)}.", pointer)


def _by_threats(ports: Ports, targets: Sequence[tuple[str, Target]]) -> None:
    try:
        found = ports.threats.find([target.url for _, target in targets])
    except ThreatsAway as error:
        away(error)
        return
    for pointer, target in targets:
        if target.url in found:
            raise URLRefused("threat", "It is known to be harmful.", pointer)
