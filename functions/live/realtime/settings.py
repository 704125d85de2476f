"""What `realtime` is told by the template."""

from tessera.settings import Settings


class RealtimeSettings(Settings):
    table: str
    queue: str = ""
    # Where posts to sockets go; the function that answers frames learns it from the frame itself.
    socket_endpoint: str = ""
    # Where clients connect; empty means on this host, at `/live`.
    socket_url: str = ""
    # Clients are told to expect a ping within this time; the connection is closed when no pong comes for two.
    ping_seconds: int = 300
    # Whether somebody without an account may listen to what is public.
    anonymous: bool = True
    # Whether signed-in users may use `demo:` topics among themselves.
    open_demo: bool = False
    connections_per_user: int = 50
    # How many requests may wait at once for something to happen; each holds a process while it does.
    waiting_places: int = 20
