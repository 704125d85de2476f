"""Thirty files of the plain demo user: two folders, one with malware in it, and a link that two more may follow."""

import asyncio
import time

from localstack.seed import World

FOLDERS = ("Contracts", "Holiday")
# The test string that every scanner knows, in two parts so that none takes this module for it.
EICAR = r"X5O!P%@AP[4\PZX54(P^)7CC)7}" + "$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
SHARED = ("Programme.txt", "Tuesday: the harbour. Wednesday: the hills. Thursday: nothing at all.\n")
WAIT_SECONDS = 10.0


async def seed_after_ready(world: World) -> None:
    """The shared one goes first: it is looked at while the others are sent."""
    headers = await world.headers_of("user")
    folders = [(await world.ask("POST", "/files/folders", {"name": name}, headers))["id"] for name in FOLDERS]
    shared = await _send(world, headers, *SHARED, folder_id=folders[1])
    share = await world.ask("POST", f"/files/{shared}/shares", {"max_downloads": 3}, headers)
    await _send(world, headers, "invoice.pdf.exe", EICAR, folder_id=None)
    wanted = [(f"Contract {n:02}.md", f"# Contract {n}\n", folders[0]) for n in range(1, 13)]
    wanted += [(f"Postcard {n:02}.txt", f"Greetings, number {n}.\n", folders[1]) for n in range(1, 13)]
    wanted += [(f"Note {n}.txt", f"Remember {n}.\n", None) for n in range(1, 5)]
    # Two at a time: each that came beside more would start a process of its own.
    for start in range(0, len(wanted), 2):
        await asyncio.gather(*(_send(world, headers, *one) for one in wanted[start : start + 2]))
    await _followed(world, share["token"])


async def _send(world: World, headers: dict[str, str], name: str, text: str, folder_id: str | None) -> str:
    return await world.upload(headers, name, text.encode(), media_type="text/plain", folder_id=folder_id)


async def _followed(world: World, token: str) -> None:
    """Follow the link once, as soon as there is something behind it."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        async with world.http.post(f"/files/s/{token}/download") as answer:
            if answer.status < 400:
                return
        if time.monotonic() > deadline:
            raise RuntimeError(f"The shared file was not looked at within {WAIT_SECONDS:g} s.")
        await asyncio.sleep(0.05)
