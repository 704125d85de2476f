"""Domains that owners make links under: named, shown to be theirs, given up."""

from tessera.auth.principal import Principal
from tessera.problems import NotFound

from ..ports import Ports
from ..rules.problems import DomainTaken, DomainUnproven, TooManyDomains, refused
from ..store.rows import DomainRow

PREFIX, VALUE = "_tessera-links", "tessera-links-verification="
MAX_DOMAINS = 20


def record(ports: Ports, owner_id: str, host: str) -> tuple[str, str]:
    """Name and value of the text record that shows whose a domain is. It is always the same for an owner."""
    code = ports.mac.hash_lookup("shortener-domain", f"{owner_id}\n{host}")[:32]
    return f"{PREFIX}.{host}", f"{VALUE}{code}"


def listed(ports: Ports, *, by: Principal) -> list[DomainRow]:
    return ports.domains.domains(by.owner_id)


def claim(ports: Ports, host: str, *, by: Principal) -> DomainRow:
    """3 requests. Raises `DomainTaken`, `TooManyDomains`, `InvalidRequest`."""
    if host in ports.settings.own_hosts:
        raise refused("/host", "This is the name of the service itself.")
    known = ports.domains.domains(by.owner_id)
    if len(known) >= MAX_DOMAINS and all(row.host != host for row in known):
        raise TooManyDomains(f"An owner has at most {MAX_DOMAINS} domains. Give one up first.")
    if ports.domains.owner_of(host) not in (None, by.owner_id):
        raise DomainTaken("Somebody else has shown that it is theirs.")
    return ports.domains.claim(by.owner_id, host)


def verify(ports: Ports, host: str, *, by: Principal) -> DomainRow:
    """2 requests and 1 to the DNS. Raises `NotFound`, `DomainUnproven`, `DomainTaken`, `Unavailable`."""
    row = own(ports, host, by)
    if row.verified_at is not None:
        return row
    name, value = record(ports, by.owner_id, host)
    if not ports.dns.stands(name, value):
        raise DomainUnproven(f"No text record of {name} has the value {value}. New records take a while to be seen.")
    return ports.domains.prove(row)


def give_up(ports: Ports, host: str, *, by: Principal) -> None:
    """Its links go on as they are; new ones are not made. 2 requests. Raises `NotFound`."""
    ports.domains.give_up(own(ports, host, by))


def own(ports: Ports, host: str, by: Principal) -> DomainRow:
    row = ports.domains.domain(by.owner_id, host)
    if row is None:
        raise NotFound("You have no such domain.")
    return row
