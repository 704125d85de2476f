"""Fifteen short links of the demo user, and clicks on them; one has ended, one is blocked.

Clicks are followed links, so all of them are of today, but for those of the days before: nobody can click in the past,
so these come as the messages that redirects of those days would have sent.
"""

import asyncio
import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from localstack.seed import World, new_id

CLICKS, DAYS, FOLLOWED = 3_000, 14, 30
PAGES = (
    ("docs", "Documentation"),
    ("pricing", "Pricing"),
    ("spring-sale", "Spring sale"),
    ("newsletter", "Newsletter"),
    ("jobs-board", "Open positions"),
    ("podcast", "Podcast"),
    ("workshop", "Workshop"),
    ("press-kit", "Press kit"),
    ("roadmap", "Roadmap"),
    ("community", "Community"),
    ("changelog", "Changelog"),
    ("store", "Store"),
    ("webinar", "Webinar"),
)
COUNTRIES, DEVICES = ("DE", "FR", "US", "GB", "AT", "JP"), ("desktop", "mobile", "tablet")
REFERRERS = ("direct", "news.example.com", "search.example.org", "social.example.net")
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"


async def seed_after_ready(world: World) -> None:
    """The more often clicked, the further up they stand."""
    mine, staff = await world.headers_of("user"), await world.headers_of("admin")
    links = []
    for place, (name, title) in enumerate(PAGES):
        body: dict[str, Any] = {
            "url": f"https://example.com/{name}",
            "alias": f"demo-{name}",
            "title": title,
            "tags": ["demo"],
        }
        if place % 4 == 1:
            body["redirect"] = 301
        links.append(await world.post("/shortener/links", body, mine))
    soon = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()
    over = {"url": "https://example.com/over", "alias": "demo-expired", "expires_at": soon, "title": "An old offer"}
    await world.post("/shortener/links", over, mine)
    bad = {"url": "https://example.com/scam", "alias": "demo-blocked", "title": "Taken over"}
    await world.post("/shortener/links", bad, mine)
    await world.post("/shortener/blocks", {"code": "demo-blocked", "reason": "It imitates a bank."}, staff)
    for number in range(FOLLOWED):
        code = links[number % len(links)]["code"]
        headers = {"user-agent": BROWSER, "accept-language": "en"}
        async with world.http.get(f"/s/{code}", headers=headers, allow_redirects=False):
            pass
    await asyncio.to_thread(_send, world, [_click(links) for _ in range(CLICKS - FOLLOWED)])


def _click(links: list[dict[str, Any]]) -> str:
    """One click of the days before, as its redirect would have told it."""
    dice = random.Random()
    at = datetime.now(UTC) - timedelta(seconds=dice.randrange(DAYS * 86_400))
    link = links[min(int(dice.expovariate(0.35)), len(links) - 1)]
    data = {
        "id": new_id(at.timestamp()),
        "at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "subject": link["id"],
        "domain": "-",
        "code": link["code"],
        "is_bot": dice.random() < 0.1,
        "shards": 1,
        "visitor": f"demo-{dice.randrange(900)}",
        "facets": {
            "country": dice.choice(COUNTRIES),
            "device": dice.choice(DEVICES),
            "referrer": dice.choice(REFERRERS),
        },
    }
    return json.dumps({"kind": "click", "data": data, "trace": ""})


def _send(world: World, bodies: list[str]) -> None:
    client = world.client("sqs")
    url = client.get_queue_url(QueueName=f"{world.stack}-shortener-clicks")["QueueUrl"]
    for start in range(0, len(bodies), 10):
        entries = [{"Id": str(place), "MessageBody": body} for place, body in enumerate(bodies[start : start + 10])]
        client.send_message_batch(QueueUrl=url, Entries=entries)
