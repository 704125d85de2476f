"""Ten cards of pages of every kind, from the site that the front door stands in for."""

from localstack.seed import World

SITE = "/stand-ins/website"
PAGES = (
    "pages/bread",
    "pages/twitter",
    "pages/news",
    "pages/lamp",
    "pages/plain",
    "pages/video",
    "pages/app",
    "pages/shift-jis",
    "pages/windows-1251",
    "files/report.pdf",
)


async def seed_after_ready(world: World) -> None:
    """Read each page once, so that whoever looks finds its card kept."""
    headers = await world.headers_of("user")
    urls = [f"{world.base_url.rstrip('/')}{SITE}/{page}" for page in PAGES]
    answer = await world.post("/linkpreview/batch", {"urls": urls}, headers)
    failed = [item["url"] for item in answer["items"] if item["card"] is None]
    if failed:
        raise RuntimeError(f"These pages have no card: {', '.join(failed)}")
