"""A gallery of the plain demo user: pictures with thumbnails, one that is none, and a job of which a part failed."""

import asyncio
import math
import time
from typing import Any

from localstack.seed import World
from localstack.seed.pictures import Colour, half_an_animation, png

WIDTH, HEIGHT = 320, 200
WAIT_SECONDS = 40.0
# Of these the first can be made of half an animation, and the second cannot.
OUTPUTS = [
    {"name": "card", "w": 200, "h": 120, "fit": "cover", "format": "jpeg"},
    {"name": "moving", "w": 200, "format": "webp", "animated": True},
]


async def seed_after_ready(world: World) -> None:
    headers = await world.headers_of("user")
    made = await world.ask("POST", "/files/folders", {"name": "Gallery"}, headers)
    for number in range(1, 6):
        await _send(world, headers, f"Evening {number}.png", evening(number), made["id"])
    await _send(world, headers, "Broken.png", evening(6)[:400], made["id"])
    last = await _send(world, headers, "Waves.png", half_an_animation(WIDTH, HEIGHT), made["id"])
    await _job(world, headers, last)


def evening(number: int) -> bytes:
    """A sky that is darker the later it is, with a sun in it."""
    middle, light = (WIDTH * number // 8, HEIGHT // 2 + 8 * number), 1 - number / 12

    def colour(x: int, y: int) -> Colour:
        glow = max(0.0, 1 - math.dist((x, y), middle) / 90)
        red, blue = 255 * light * y / HEIGHT * 0.8 + 200 * glow + 30, 255 * light * (1 - y / HEIGHT) + 40
        return min(255, int(red)), min(255, int(120 * light + 120 * glow)), min(255, int(blue))

    return png(WIDTH, HEIGHT, colour)


async def _send(world: World, headers: dict[str, str], name: str, body: bytes, folder_id: str) -> str:
    return await world.upload(headers, name, body, media_type="image/png", folder_id=folder_id)


async def _job(world: World, headers: dict[str, str], file_id: str) -> dict[str, Any]:
    """Ask for outputs of one's own as soon as the file was found clean."""
    deadline = time.monotonic() + WAIT_SECONDS
    body = {"file_id": file_id, "outputs": OUTPUTS}
    while True:
        async with world.http.post("/media/jobs", json=body, headers=headers) as answer:
            if answer.status < 400:
                found: dict[str, Any] = await answer.json()
                return found
            said = await answer.text()
        if answer.status != 409 or time.monotonic() > deadline:
            raise RuntimeError(f"POST /media/jobs answered {answer.status}: {said}")
        await asyncio.sleep(0.1)
