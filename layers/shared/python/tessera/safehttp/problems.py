"""What can go wrong with a fetch.

    Problem
    └── FetchFailed             502 fetch-failed           not reached, or what came was not HTTP
        ├── URLInvalid          422 url-invalid            not a URL that anything could be fetched from
        ├── SchemeRefused       422 scheme-refused         neither http nor https
        ├── AddressRefused      422 address-refused        where it leads is not on the public internet
        ├── ContentTypeRefused  502 content-type-refused   what came is of another kind than was asked for
        ├── DNSFailed           502 dns-failed             its name has no address
        ├── TLSFailed           502 tls-failed             the certificate or the handshake is no good
        ├── TooLarge            502 too-large              more than was agreed, on the wire or unpacked
        ├── TooManyRedirects    502 too-many-redirects
        ├── TookTooLong         504 timeout                it did not answer in time, or dripped
        └── UpstreamStatus      502 upstream-status        a status other than success, where only that is of use

No text says which address a name has: that would make a map of our own network.
"""

from tessera.problems import Problem


class FetchFailed(Problem):
    status, slug, title = 502, "fetch-failed", "The address could not be read"


class URLInvalid(FetchFailed):
    status, slug, title = 422, "url-invalid", "This is not a URL that can be fetched"


class SchemeRefused(FetchFailed):
    status, slug, title = 422, "scheme-refused", "Only http and https are fetched"


class AddressRefused(FetchFailed):
    status, slug, title = 422, "address-refused", "This address is not fetched"


class ContentTypeRefused(FetchFailed):
    slug, title = "content-type-refused", "What came is of another kind"


class DNSFailed(FetchFailed):
    slug, title = "dns-failed", "The host has no address"


class TLSFailed(FetchFailed):
    slug, title = "tls-failed", "The connection is not secure"


class TooLarge(FetchFailed):
    slug, title = "too-large", "The answer is too large"


class TooManyRedirects(FetchFailed):
    slug, title = "too-many-redirects", "Too many redirects"


class TookTooLong(FetchFailed):
    status, slug, title = 504, "timeout", "The answer took too long"


class UpstreamStatus(FetchFailed):
    slug, title = "upstream-status", "The other side refused"
