"""Addresses of who is invited."""

from tessera import emails
from tessera.emails import Address


def mailable(text: str) -> Address:
    """An address that a mail can be sent to. Raises `InvalidRequest`."""
    found = emails.parse(text)
    # The mail service takes a local part of ASCII only; the domain has an ASCII form.
    if not found.spelled.isascii():
        raise emails.refused("No mail can be sent to an address with letters like these before the @.", "/email")
    return found
