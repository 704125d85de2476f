"""Blocks put into the templates as text, at their place, with every comment and anchor around them left alone."""

import re

from tools.new.names import DOMAINS, Names

WIDTH = 75
_HEADER = re.compile(r"^  # -- (?P<domain>\w+)?.*-$")
_RESOURCE = re.compile(r"^  (?P<id>[A-Z]\w*):")


def add_resources(text: str, block: str, names: Names) -> str:
    """The template with this block behind the others of its domain, or where the domain would begin."""
    lines = text.splitlines()
    place = _place(lines, names.domain)
    header, *rest = block.rstrip("\n").splitlines()
    return _joined([*lines[:place], f"{header} ".ljust(WIDTH, "-"), *rest, "", *lines[place:]])


def add_output(text: str, output: str, names: Names) -> str:
    """The template with this output, in the order of the resources."""
    lines = text.splitlines()
    outputs = lines.index("Outputs:")
    order = [match["id"] for line in lines[lines.index("Resources:") : outputs] if (match := _RESOURCE.match(line))]
    behind = order[order.index(names.logical_id) + 1 :]
    place = next(
        (
            number
            for number, line in enumerate(lines[outputs:], outputs)
            if (match := _RESOURCE.match(line)) and match["id"] in behind
        ),
        len(lines),
    )
    return _joined([*lines[:place], output, *lines[place:]])


def add_group(text: str, group: str) -> str:
    """`permissions.json` with one more group."""
    # The groups are the first list that is written over several lines.
    head, found, tail = text.partition("\n  ],\n")
    assert found, "the end of the groups is not where it was"
    return f"{head},\n{group}{found}{tail}"


def add_grant(text: str, grant: str) -> str:
    """`service-grants.json` with one more line."""
    return _before(text, "\n]", f",\n{grant}")


def add_maker(text: str, names: Names) -> str:
    """`tests/kit/tenancy.py` with one thing more to hold apart."""
    maker = names.fill(
        "def _gift_cards(tenant: Tenant) -> dict[str, str]:\n"
        '    return {"item_id": tenant.create("/gift-cards", {"name": f"Item {tenant.mark}"})["id"]}\n\n\n'
    )
    entry = names.fill('    "/gift-cards/{item_id}": Maker(_gift_cards),\n')
    for mark, added in (('ORGANISATION = "', maker), ("    ORGANISATION: Maker(", entry)):
        head, found, tail = text.partition(mark)
        assert found, f"{mark!r} is not where it was"
        text = f"{head}{added}{found}{tail}"
    return text


def _place(lines: list[str], domain: str) -> int:
    rank = DOMAINS.index(domain)
    headers = [(number, match["domain"]) for number, line in enumerate(lines) if (match := _HEADER.match(line))]
    headers = [(number, found) for number, found in headers if number > lines.index("Resources:")]
    ranked = [(number, DOMAINS.index(found)) for number, found in headers if found in DOMAINS]
    before = [number for number, found in ranked if found <= rank]
    if not before and ranked:
        return ranked[0][0]
    start = before[-1] if before else 0
    return next((number for number, _ in headers if number > start), lines.index("Outputs:"))


def _before(text: str, mark: str, added: str) -> str:
    head, found, tail = text.rpartition(mark)
    assert found, f"{mark!r} is not where it was"
    return f"{head}{added}{found}{tail}"


def _joined(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


def let_accounts_call(template: str, name: str) -> str:
    """The template with this capability among those that `accounts` asks to erase what a user had."""
    mark = "# Every capability, because every one is asked to erase"
    head, found, tail = template.partition(mark)
    assert found, f"{mark!r} is not where it was"
    line = next(text for text in tail.splitlines() if "function:${AWS::StackName}-" in text)
    mine = re.sub(r"(?<=StackName}-)[a-z-]+", name, line)
    return head + found + tail.replace(line, f"{line}\n{mine}", 1)


def count_requests_of(template: str, name: str) -> str:
    """The template with this capability among those whose requests `health` counts."""
    return re.sub(r"(?m)^( +CAPABILITIES: .+)$", rf"\1 {name}", template, count=1)
