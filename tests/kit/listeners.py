"""Listeners on `centrifuge-python`, which others wrote: what a subscription was told, in its order."""

import asyncio
import os
from dataclasses import dataclass, field

from centrifuge import Client, PublicationContext, SubscribedContext, SubscriptionEventHandler


def client_of(token: str, socket_url: str = "") -> Client:
    """A client that comes back at once, whatever cuts it off."""
    return Client(
        socket_url or os.environ["SOCKET_URL"],
        token=token,
        proxy=None,
        min_reconnect_delay=0.05,
        max_reconnect_delay=0.2,
        timeout=20,
    )


@dataclass
class Heard(SubscriptionEventHandler):
    """What a subscription was told. With `cut_every`, it loses its socket once in so many publications."""

    client: Client | None = None
    cut_every: int = 0
    offsets: list[int] = field(default_factory=list)
    data: list[int] = field(default_factory=list)
    recovered: list[bool] = field(default_factory=list)
    cuts: int = 0

    async def on_publication(self, ctx: PublicationContext) -> None:
        self.offsets.append(ctx.pub.offset)
        self.data.append(ctx.pub.data["n"])
        connection = self.client and self.client._conn
        if self.cut_every and connection and len(self.data) % self.cut_every == self.cut_every // 3:
            # As a network does it: nobody says goodbye.
            connection.transport.abort()
            self.cuts += 1

    async def on_subscribed(self, ctx: SubscribedContext) -> None:
        if ctx.was_recovering:
            self.recovered.append(ctx.recovered)


async def listening(token: str, topic: str, *, socket_url: str = "", cut_every: int = 0) -> Heard:
    """Somebody who listens to the topic from now on; their `client` is theirs to end."""
    heard = Heard(client_of(token, socket_url), cut_every)
    assert heard.client is not None
    subscription = heard.client.new_subscription(topic, heard)
    await heard.client.connect()
    await subscription.subscribe()
    await subscription.ready(timeout=30)
    return heard


async def until(heard: list[Heard], count: int, *, within: float) -> None:
    """Wait until each was told so many different ones. Raises `TimeoutError`."""
    async with asyncio.timeout(within):
        while any(len(set(one.offsets)) < count for one in heard):
            await asyncio.sleep(0.05)
