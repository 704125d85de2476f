"""Slugs that cannot be mistaken for one another.

A slug holds a-z, 0-9 and single hyphens only, so that no letter of another script can stand for one of
ours. Of what is left, characters that look alike are folded into one, and two slugs that fold into the
same text are the same claim: `paypal`, `paypa1` and `pay-pal` belong to one organisation.
"""

from tessera.problems import FieldError, InvalidRequest

PATTERN = r"^[a-z0-9]+(?:-[a-z0-9]+)*$"
MIN_LENGTH, MAX_LENGTH = 3, 40

# What Unicode's confusables (UTS 39) leave among a-z and 0-9, and the digits that are written for letters. Folding
# more, such as i into l or cl into d, would let `mail` refuse `mall` and `clock` refuse `dock`.
_SINGLE = str.maketrans({"0": "o", "1": "l", "2": "z", "5": "s", "-": ""})
_DOUBLE = (("rn", "m"), ("vv", "w"))

_RESERVED = """about abuse account accounts admin administrator api app apps assets billing blog contact dashboard
    demo dev docs domains everyone example faq guest help home internal invitations joinable legal login logout mail me
    members new none null official ops organisation organisations organization organizations owner postmaster pricing
    privacy root security sessions settings shop sign-in sign-up staff static status support system team teams tessera
    terms test undefined user users webmaster www""".split()


def skeleton(slug: str) -> str:
    """What stands for every slug that looks like this one."""
    folded = slug.translate(_SINGLE)
    for pair, letter in _DOUBLE:
        folded = folded.replace(pair, letter)
    return folded


RESERVED = frozenset(map(skeleton, _RESERVED))


def check_slug(slug: str) -> None:
    """Raises `InvalidRequest` for a slug that is nobody's to have. Its characters were checked before."""
    if skeleton(slug) in RESERVED:
        refused = FieldError("/slug", "This word, and what looks like it, is reserved.")
        raise InvalidRequest("Choose another slug.", errors=[refused])
