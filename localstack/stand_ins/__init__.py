"""Stand-ins of outside providers: their wire formats, strict, deterministic, with faults to be switched on.

Each is a plain object that answers one request at a time, so that the front door serves it below `/stand-ins/<name>/`
and a unit test on a socket of its own.
"""
