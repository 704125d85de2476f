"""What `media` is told by its template."""

from tessera.settings import Settings


class MediaSettings(Settings):
    table: str
    bucket: str
    clean: str
    queue: str = ""
    heavy_queue: str = ""
    dead_queue: str = ""
    heavy_dead_queue: str = ""
