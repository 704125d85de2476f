"""Versions as HTTP sees them: strong entity tags and the conditions on them (RFC 9110 8.8.3 and 13.1).

Problem
├── StaleVersion      412 version-mismatch    somebody else wrote first
└── VersionRequired   428 version-required    the request did not say which version it read
"""

import re

from tessera.problems import Problem

MAX_HEADER_CHARACTERS = 1000

_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_LIST = re.compile(rf"[ \t,]*{_TAG.pattern}(?:[ \t]*,[ \t,]*{_TAG.pattern})*[ \t,]*")
_VERSION = re.compile(r"v(0|[1-9][0-9]{0,15})", re.ASCII)


class StaleVersion(Problem):
    status, slug, title = 412, "version-mismatch", "It has changed since you read it"


class VersionRequired(Problem):
    status, slug, title = 428, "version-required", "Say which version you read"


def etag(version: int) -> str:
    """The strong tag of a version: `"v3"`."""
    return f'"v{version}"'


def _tags(header: str) -> list[tuple[bool, str]] | None:
    """`(is weak, opaque part)` of each tag in a list, or None when the header is malformed."""
    if len(header) > MAX_HEADER_CHARACTERS or not _LIST.fullmatch(header):
        return None
    return [(bool(weak), opaque) for weak, opaque in _TAG.findall(header)]


def expected_versions(if_match: str | None, *, required: bool = True) -> frozenset[int] | None:
    """The versions `If-Match` accepts; None when any existing one will do (`*`, or no header where none is required).

    Raises `VersionRequired` when the header is absent and required, and `StaleVersion` when no
    version of ours could match: a weak tag never does (RFC 9110 13.1.1), nor does a tag we never gave.
    """
    header = (if_match or "").strip(" \t")
    if not header:
        if required:
            raise VersionRequired("If-Match is required here. Read the resource, then send its ETag.")
        return None
    if header == "*":
        return None
    found = _tags(header)
    if found is None:
        raise StaleVersion('If-Match holds entity tags like "v3", or *. Send the ETag of the last read as it came.')
    strong = [_VERSION.fullmatch(opaque) for weak, opaque in found if not weak]
    versions = frozenset(int(match[1]) for match in strong if match)
    if not versions:
        why = "A weak tag never matches" if any(weak for weak, _ in found) else "This tag was never given out"
        raise StaleVersion(f"{why}. Read the resource again and send its ETag as it came.")
    return versions


def expected_version(if_match: str | None, required: bool = True) -> int | None:
    """The one version a conditional write shall expect, None for any existing one.

    A list names the version the caller read and older ones it would also accept; a write carries one
    condition, so the highest is taken, and a resource at a lower one answers 412.
    """
    versions = expected_versions(if_match, required=required)
    return None if versions is None else max(versions)


def unchanged(if_none_match: str | None, version: int) -> bool:
    """Whether a read may answer 304: `If-None-Match` compares weakly (RFC 9110 13.1.2).

    A malformed header counts as absent: the worst that follows is a full answer.
    """
    header = (if_none_match or "").strip(" \t")
    if not header:
        return False
    if header == "*":
        return True
    return any(opaque == f"v{version}" for _, opaque in _tags(header) or ())
