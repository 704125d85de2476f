"""The one way to fetch what a URL names that did not come from our own configuration.

    web = bindings.get(SafeHTTP)
    page = web.fetch(url, purpose="link-preview", accept=("text/html",), max_bytes=512_000)
    page.require_ok()

Every URL, and every redirect anew, passes the same gate: its form, its name, and each address that its
name has. The connection goes to the address that was looked at, and everything that is read has a limit.
"""

from tessera.safehttp.addresses import is_public as is_public
from tessera.safehttp.client import Fetched as Fetched
from tessera.safehttp.client import SafeHTTP as SafeHTTP
from tessera.safehttp.client import fetch as fetch
from tessera.safehttp.gate import Gate as Gate
from tessera.safehttp.gate import SafeHTTPSettings as SafeHTTPSettings
from tessera.safehttp.problems import AddressRefused as AddressRefused
from tessera.safehttp.problems import ContentTypeRefused as ContentTypeRefused
from tessera.safehttp.problems import DNSFailed as DNSFailed
from tessera.safehttp.problems import FetchFailed as FetchFailed
from tessera.safehttp.problems import SchemeRefused as SchemeRefused
from tessera.safehttp.problems import TLSFailed as TLSFailed
from tessera.safehttp.problems import TookTooLong as TookTooLong
from tessera.safehttp.problems import TooLarge as TooLarge
from tessera.safehttp.problems import TooManyRedirects as TooManyRedirects
from tessera.safehttp.problems import UpstreamStatus as UpstreamStatus
from tessera.safehttp.problems import URLInvalid as URLInvalid
from tessera.safehttp.wire import Pace as Pace
