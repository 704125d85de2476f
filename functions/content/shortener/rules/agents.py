"""What the headers of a request tell of who follows a link: coarse on purpose, and nothing that names a person."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from .links import Visitor

# Crawlers, link scanners, and what chats and social sites send to unfold a link.
_BOT = re.compile(
    r"bot\b|bot/|bots\b|crawl|spider|slurp|scan|fetch|preview|monitor|uptime|pingdom|lighthouse|headless|phantom|curl/|wget/|"
    r"python-|aiohttp|httpx|okhttp|java/|go-http|libwww|axios|node-fetch|undici|postman|insomnia|ruby|perl|php/|"
    r"facebookexternalhit|facebookcatalog|meta-external|whatsapp|telegrambot|slackbot|slack-img|discordbot|twitterbot|"
    r"linkedinbot|embedly|pinterest|redditbot|skypeuripreview|microsoft office|outlook-|teams|viber|line-poker|"
    r"vkshare|tumblr|bitlybot|applebot|googleimageproxy|mediapartners|feedfetcher|adsbot|yandex|baidu|duckduck|ia_archiver|"
    r"proofpoint|mimecast|barracuda|safelinks|virustotal|urlscan|zgrab|nmap|masscan",
    re.IGNORECASE,
)
_TABLET = re.compile(r"ipad|tablet|kindle|silk/|playbook|android(?!.*mobile)", re.IGNORECASE)
_MOBILE = re.compile(r"mobi|iphone|ipod|android|windows phone|opera mini", re.IGNORECASE)
# Browsers name those that they come from as well, so the order matters.
_BROWSERS = (
    ("Edge", re.compile(r"edg(?:e|a|ios)?/", re.IGNORECASE)),
    ("Opera", re.compile(r"opr/|opera", re.IGNORECASE)),
    ("Samsung Internet", re.compile(r"samsungbrowser/", re.IGNORECASE)),
    ("Firefox", re.compile(r"firefox/|fxios/", re.IGNORECASE)),
    ("Chrome", re.compile(r"chrome/|crios/|chromium/", re.IGNORECASE)),
    ("Safari", re.compile(r"safari/", re.IGNORECASE)),
)
_SYSTEMS = (
    ("iOS", re.compile(r"iphone|ipad|ipod", re.IGNORECASE)),
    ("Android", re.compile(r"android", re.IGNORECASE)),
    ("ChromeOS", re.compile(r"\bcros\b", re.IGNORECASE)),
    ("Windows", re.compile(r"windows", re.IGNORECASE)),
    ("macOS", re.compile(r"mac os x|macintosh", re.IGNORECASE)),
    ("Linux", re.compile(r"linux|x11", re.IGNORECASE)),
)
OTHER = "other"
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_HOST = re.compile(r"[a-z0-9.-]{1,60}")
LONGEST_AGENT = 400


def visitor_of(headers: Mapping[str, str], method: str, country: str | None) -> Visitor:
    """`headers` are by their names in lower case; `country` is what our own edge says of the address."""
    agent = headers.get("user-agent", "")[:LONGEST_AGENT]
    purpose = f"{headers.get('sec-purpose', '')} {headers.get('purpose', '')} {headers.get('x-moz', '')}".lower()
    is_bot = method == "HEAD" or not agent or _BOT.search(agent) is not None or "prefetch" in purpose
    return Visitor(
        device=_device(agent),
        browser=_first(_BROWSERS, agent),
        os=_first(_SYSTEMS, agent),
        language=_language(headers.get("accept-language", "")),
        country=country if country and _COUNTRY.fullmatch(country) else None,
        referrer=_referrer(headers.get("referer", "")),
        is_bot=is_bot,
    )


def wants_privacy(headers: Mapping[str, str]) -> bool:
    """Do Not Track, or Global Privacy Control."""
    return "1" in (headers.get("dnt"), headers.get("sec-gpc"))


def _device(agent: str) -> str:
    if _TABLET.search(agent):
        return "tablet"
    return "mobile" if _MOBILE.search(agent) else "desktop" if _first(_SYSTEMS, agent) != OTHER else OTHER


def _first(known: tuple[tuple[str, re.Pattern[str]], ...], agent: str) -> str:
    return next((name for name, pattern in known if pattern.search(agent)), OTHER)


def _language(header: str) -> str | None:
    found = re.split(r"[-;,]", header.strip().lower(), maxsplit=1)[0]
    return found if _LANGUAGE.fullmatch(found) else None


def _referrer(header: str) -> str | None:
    try:
        host = urlsplit(header[:2_000]).hostname or ""
    except ValueError:
        return None
    return host if _HOST.fullmatch(host) else None
