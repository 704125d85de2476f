"""When a connection is pinged, and when it has lived long enough."""

import hashlib

# A ping is sent before the client expects it, because a round takes its time.
SENT_BEFORE = 0.8
# API Gateway ends a connection after two hours; ours come back before that, not all at once.
OLDEST_MS, SPREAD_MS = 105 * 60_000, 10 * 60_000
LATE_MS = 60_000


def interval_seconds(ping_seconds: int) -> int:
    """How often a connection is pinged when clients are told to expect it every `ping_seconds`."""
    return int(ping_seconds * SENT_BEFORE)


def rounds_of(ping_seconds: int) -> int:
    """Over how many minutes the pings of all connections are spread."""
    return max(1, interval_seconds(ping_seconds) // 60)


def times_a_minute(ping_seconds: int) -> int:
    """How often within its minute a connection is pinged: more than once where clients expect it sooner."""
    return max(1, -(-60 // max(1, interval_seconds(ping_seconds))))


def is_silent(pong_at: int, now: int, ping_seconds: int) -> bool:
    """Whether two pings went by without an answer."""
    return now - pong_at > 2 * max(60, interval_seconds(ping_seconds)) * 1_000 + LATE_MS


def seconds_left(connection: str, born: int, now: int) -> int:
    """How long a connection may still last; less than nothing when it should be gone."""
    jitter = int.from_bytes(hashlib.sha256(connection.encode()).digest()[:4]) % SPREAD_MS
    return (born + OLDEST_MS + jitter - now) // 1_000
