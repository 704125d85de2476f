"""Google's Safe Browsing Lookup API v4: which URLs are on a list. https://developers.google.com/safe-browsing/v4/lookup-api

Harmful are URLs of a host that begins with `malware.` or `phishing.`, Google's own test pages, and what
`PUT /control/threats` names: `{"https://…": "MALWARE"}`. Faults: `find` is a status, `html` or `huge`.
"""

from typing import Any
from urllib.parse import urlsplit

from localstack.stand_ins.wire import Answer, Asked, StandIn, broken

TEST_PAGES = "testsafebrowsing.appspot.com"
AT_MOST = 500
NAMED = {"malware.": "MALWARE", "phishing.": "SOCIAL_ENGINEERING"}
KINDS = frozenset(
    ["MALWARE", "SOCIAL_ENGINEERING", "UNWANTED_SOFTWARE", "POTENTIALLY_HARMFUL_APPLICATION", "THREAT_TYPE_UNSPECIFIED"]
)


class SafeBrowsing(StandIn):
    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key
        self.threats: dict[str, str] = {}

    def say(self, asked: Asked) -> Answer:
        if (asked.method, asked.path) != ("POST", "/v4/threatMatches:find"):
            return _error(404, "NOT_FOUND", "Requested entity was not found.")
        spoiled = broken(str(self.fault("find") or ""))
        if spoiled:
            return spoiled
        if asked.query.get("key") != self.key:
            return _error(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.")
        try:
            body = asked.json()
            info = body["threatInfo"]
            entries = [str(entry["url"]) for entry in info["threatEntries"]]
            kinds = set(info["threatTypes"])
            known = bool(body["client"]["clientId"]) and "URL" in info["threatEntryTypes"]
        except (ValueError, KeyError, TypeError):
            return _error(400, "INVALID_ARGUMENT", "Invalid JSON payload received.")
        if not known or not info["platformTypes"] or not kinds <= KINDS or len(entries) > AT_MOST:
            return _error(400, "INVALID_ARGUMENT", "Request contains an invalid argument.")
        matches = [self._match(url, kind) for url in entries if (kind := self._kind(url)) in kinds]
        # Nothing found is an empty object, without the member.
        return Answer.json({"matches": matches} if matches else {})

    def control(self, asked: Asked) -> Answer:
        if (asked.method, asked.path) == ("PUT", "/control/threats"):
            self.threats |= dict(asked.json() or {})
            return Answer.json(self.threats)
        return super().control(asked)

    def _kind(self, url: str) -> str:
        host = urlsplit(url).hostname or ""
        named = next((kind for prefix, kind in NAMED.items() if host.startswith(prefix)), "")
        return self.threats.get(url) or named or ("MALWARE" if host == TEST_PAGES else "")

    def _match(self, url: str, kind: str) -> dict[str, Any]:
        return {
            "threatType": kind,
            "platformType": "ANY_PLATFORM",
            "threatEntryType": "URL",
            "threat": {"url": url},
            "cacheDuration": "300s",
        }


def _error(status: int, name: str, message: str) -> Answer:
    return Answer.json({"error": {"code": status, "message": message, "status": name}}, status)
