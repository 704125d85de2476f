from tessera.settings import Settings


class RatelimitSettings(Settings):
    table: str
