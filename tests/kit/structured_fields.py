"""Structured fields of HTTP (RFC 9651), as far as our headers use them: a list of strings with whole-number parameters.

It refuses whatever the grammar refuses, so that a header which passes is one that any client's parser takes.
"""

import re
from dataclasses import dataclass

_STRING = re.compile(r'"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
_KEY = re.compile(r"[a-z*][a-z0-9_.*-]*")
_INTEGER = re.compile(r"-?[0-9]{1,15}(?![0-9.])")


@dataclass(frozen=True)
class Member:
    value: str
    parameters: dict[str, int]


def parse_list(text: str) -> list[Member]:
    """The members of a list. Raises `ValueError` with the place where the grammar is left."""
    members, at = [], 0
    while True:
        string = _STRING.match(text, at)
        if string is None:
            raise ValueError(f"A string is expected at {at} of {text!r}.")
        parameters, at = _parameters(text, string.end())
        members.append(Member(re.sub(r"\\(.)", r"\1", string[1]), parameters))
        if at == len(text):
            return members
        comma = re.compile(r"[ \t]*,[ \t]*").match(text, at)
        if comma is None or comma.end() == len(text):
            raise ValueError(f"Another member is expected at {at} of {text!r}.")
        at = comma.end()


def _parameters(text: str, at: int) -> tuple[dict[str, int], int]:
    found: dict[str, int] = {}
    while text[at : at + 1] == ";":
        at += 1
        while text[at : at + 1] == " ":
            at += 1
        key = _KEY.match(text, at)
        if key is None or text[key.end() : key.end() + 1] != "=":
            raise ValueError(f"A parameter is expected at {at} of {text!r}.")
        value = _INTEGER.match(text, key.end() + 1)
        if value is None:
            raise ValueError(f"A whole number is expected at {key.end() + 1} of {text!r}.")
        found[key[0]], at = int(value[0]), value.end()
    return found, at
