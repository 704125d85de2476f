"""E-mail addresses of who is invited: the spelling to write to, the key by which two are the same, the domain."""

from dataclasses import dataclass
from unicodedata import normalize

from tessera.problems import FieldError, InvalidRequest

MAX_OCTETS = 254


@dataclass(frozen=True)
class Address:
    spelled: str
    key: str
    domain: str


def parse(text: str, *, pointer: str = "/email") -> Address:
    """The address in this text (RFC 5321, RFC 6531). Raises `InvalidRequest`; nothing is asked of the network.

    The key is what `accounts` takes for one address too: its domain in the form of IDNA 2008, its local
    part with nothing but case and composition folded.
    """
    # Loaded here: only the routes that take an address need it.
    from email_validator import EmailNotValidError, validate_email

    try:
        found = validate_email(text, check_deliverability=False, test_environment=True, strict=True)
    except EmailNotValidError:
        raise _refused("An address looks like name@example.com.", pointer) from None
    domain = (found.ascii_domain or found.domain).lower()
    spelled = f"{found.local_part}@{domain}"
    if len(spelled.encode()) > MAX_OCTETS or not found.local_part.isprintable():
        raise _refused(f"An address has at most {MAX_OCTETS} octets, all of which can be seen.", pointer)
    local = normalize("NFC", normalize("NFC", found.local_part).casefold())
    return Address(spelled, f"{local}@{domain}", domain)


def mailable(text: str) -> Address:
    """An address that a mail can be sent to. Raises `InvalidRequest`."""
    found = parse(text)
    # The mail service takes a local part of ASCII only; the domain has an ASCII form.
    if not found.spelled.isascii():
        raise _refused("No mail can be sent to an address with letters like these before the @.", "/email")
    return found


def _refused(detail: str, pointer: str) -> InvalidRequest:
    return InvalidRequest("The e-mail address cannot be used.", errors=[FieldError(pointer, detail)])
