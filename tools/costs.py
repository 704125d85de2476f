"""What a deployment creates and what it costs while nobody uses it, read from the templates.

Prices are those of us-east-1, in dollars a month; other regions differ by some percent. Free tiers are left out.
"""

from collections import Counter
from collections.abc import Mapping

from tools import templates

# Everything else in the templates costs nothing until it is used.
IDLE = {
    "AWS::KMS::Key": ("customer managed key", 1.00),
    "AWS::SecretsManager::Secret": ("secret", 0.40),
    "AWS::CloudWatch::Alarm": ("alarm", 0.10),
    "AWS::CloudWatch::Dashboard": ("dashboard", 3.00),
}
# `accounts` makes its signing keys at run time: the present one and the next.
SIGNING_KEYS = 2


def kinds(*, alarms: bool) -> Counter[str]:
    """How many resources of each type a deployment creates."""
    names = [name for name in templates.NAMES if alarms or name != "alarms"]
    return Counter(resource["Type"] for name in names for resource in templates.load(name)["Resources"].values())


def idle(*, alarms: bool) -> list[tuple[str, int, float]]:
    """What costs money while idle: its name, how many, and dollars a month."""
    found = kinds(alarms=alarms)
    found["AWS::KMS::Key"] += SIGNING_KEYS
    return [(name, found[kind], found[kind] * price) for kind, (name, price) in IDLE.items() if found[kind]]


def announcement(stage: str, account: str, region: str, settings: Mapping[str, str], *, alarms: bool) -> str:
    found, items = kinds(alarms=alarms), idle(alarms=alarms)
    rows = [f"    {count:>3} {name + ('s' if count != 1 else ''):<24} ${cost:>6.2f}" for name, count, cost in items]
    created = ", ".join(f"{count} {kind.split('::')[-1]}" for kind, count in found.most_common(8))
    lines = [
        f"\n  Tessera, stage {stage}, in account {account}, region {region}.",
        f"  It creates {sum(found.values())} resources (before SAM adds roles and mappings): {created}, …",
        "\n  While nobody uses it, a month costs about",
        *rows,
        f"        in all                   ${sum(cost for *_, cost in items):>6.2f}",
        "  Requests, storage and logs come on top, by use." + ("" if alarms else " ALARMS=on adds the alarms."),
        "\n  What you set",
        f"    OWNER_EMAIL  {settings.get('OwnerEmail', _not_set('a setup token makes the owner'))}",
        f"    MAIL_FROM    {settings.get('MailFrom', _not_set('no mail can be sent'))}",
        "    SES sends MAIL_FROM a link to confirm. A new account is in SES's sandbox, where mail reaches confirmed",
        "    addresses only: ask for production access in the SES console. docs/deploy.md has the details.\n",
    ]
    return "\n".join(lines)


def _not_set(at_first: str) -> str:
    return f"(not set: as deployed before; in a first deployment {at_first})"
