"""Counting the clicks that redirects have told of."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from tessera import aws, log
from tessera.bus import Event
from tessera.problems import Problem

from ..events import LinkClicked
from ..ports import Ports
from ..rules.clicks import Click, chunks, grouped
from ..rules.distinct import sketch
from ..rules.links import SPREAD_ABOVE
from ..store.watch import CHECKED_DAYS


def count(ports: Ports, clicks: Mapping[str, Click]) -> Collection[str]:
    """Count these clicks, by the ids of their messages; the messages whose clicks are to be delivered again.

    A transaction for each eighty of one link and hour. What was delivered before changes nothing.
    """
    failed: set[str] = set()
    for group in grouped(clicks.values()).values():
        try:
            _group(ports, group)
        except (Problem, aws.ClientError, aws.BotoCoreError) as error:
            log.unexpected("count", error)
            ids = {click.id for click in group}
            failed |= {message for message, click in clicks.items() if click.id in ids}
    return failed


def _group(ports: Ports, clicks: Sequence[Click]) -> None:
    first = clicks[0]
    visitors = sorted({click.visitor for click in clicks if click.visitor})
    if visitors:
        ports.clicks.note_visitors(first.subject, first.day, sketch(visitors))
    for chunk in chunks(clicks):
        ports.clicks.count(chunk, [_told(ports, click) for click in chunk])
    if first.subject.startswith("orphans:"):
        return
    if len(clicks) > SPREAD_ABOVE and first.shards == 1:
        ports.links.spread(first.domain, first.code)
    name = f"{first.day}/{first.subject}"
    if ports.noted.get(name) is None:
        until = first.at + timedelta(days=CHECKED_DAYS + 2)
        ports.watch.clicked(first.day, first.subject, first.domain, first.code, until)
        ports.noted.put(name, True)


def _told(ports: Ports, click: Click) -> Event | None:
    if ports.settings.click_events == "off":
        return None
    return LinkClicked(click_id=click.id, link_id=click.subject, is_bot=click.is_bot)
