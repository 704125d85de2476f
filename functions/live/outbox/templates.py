"""The mails of our own: a subject, a few paragraphs, at most one button and one code, as text and as HTML.

    TemplateProblem
    ├── UnknownTemplate      422 unknown-template
    └── MissingVariable      422 template-variable-missing

A template is written once, in plain sentences; both forms come from it, so that they never say
different things. Values are put in as they are in the text and escaped in the HTML.
"""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass

from tessera.problems import FieldError, Problem

_VARIABLE = re.compile(r"\{([a-z_]+)\}")
WITHHELD = "[withheld]"


class UnknownTemplate(Problem):
    status, slug, title = 422, "unknown-template", "There is no such template"


class MissingVariable(Problem):
    status, slug, title = 422, "template-variable-missing", "The template needs a value that was not given"


@dataclass(frozen=True)
class Template:
    """`code` and `link` are the variables shown large and as the button; `secrets` never come in clear."""

    subject: str
    opening: tuple[str, ...]
    closing: tuple[str, ...] = ()
    code: str = ""
    link: str = ""
    button: str = ""
    secrets: frozenset[str] = frozenset()

    @property
    def variables(self) -> frozenset[str]:
        texts = (self.subject, *self.opening, *self.closing)
        named = {name for text in texts for name in _VARIABLE.findall(text)}
        return frozenset(named | ({self.code, self.link} - {""}))


@dataclass(frozen=True)
class Rendered:
    subject: str
    text: str
    html: str


_IGNORE = "If you did not ask for this, you can ignore this mail."
_NOT_YOU = "If this was not you, choose a new password now. That signs every other device out."

TEMPLATES: dict[str, Template] = {
    "verify-sign-up": Template(
        subject="Confirm your address",
        opening=("Welcome. Enter this code where you signed up, or use the button:",),
        code="code",
        link="link",
        button="Confirm my address",
        closing=("The code is good for 24 hours.", _IGNORE),
        secrets=frozenset(["code", "link"]),
    ),
    "already-registered": Template(
        subject="You already have an account",
        opening=(
            "Somebody, probably you, signed up with this address, which has an account already. You can just sign in.",
            "If you do not remember your password, choose a new one:",
        ),
        link="link",
        button="Choose a new password",
        closing=(_IGNORE,),
        secrets=frozenset(["link"]),
    ),
    "password-reset": Template(
        subject="Choose a new password",
        opening=("Somebody, probably you, asked for a new password for this account.",),
        link="link",
        button="Choose a new password",
        closing=("The link works once, within 30 minutes.", _IGNORE),
        secrets=frozenset(["link"]),
    ),
    "password-changed": Template(
        subject="Your password was changed",
        opening=("The password of your account was changed on {at}.",),
        closing=(_NOT_YOU,),
    ),
    "new-device": Template(
        subject="A new device signed in",
        opening=("Your account was signed in to on {at} from a device we had not seen before: {device}.",),
        closing=("If this was you, there is nothing to do.", _NOT_YOU),
    ),
    "refresh-reused": Template(
        subject="We signed a device out",
        opening=(
            "On {at} a sign-in of your account was used a second time, which happens when somebody has copied it. "
            "We ended that sign-in; sign in again to go on.",
        ),
        closing=(_NOT_YOU,),
    ),
    "staff-invitation": Template(
        subject="You are invited to help run this service",
        opening=(
            "You are invited to have these roles: {roles}.",
            "Sign in with this address, or sign up with it first, and accept:",
        ),
        link="link",
        button="Accept the invitation",
        closing=(
            "The link works once, within {days} days.",
            "If you do not know what this is about, you can ignore this mail.",
        ),
        secrets=frozenset(["link"]),
    ),
    "impersonated": Template(
        subject="Our staff looked at your account",
        opening=(
            "Somebody of our staff acted in your place, from {began} on and for a quarter of an hour at most. "
            "They {how} what you can see, but no password, no key and no payment.",
        ),
        closing=("If you did not ask for help, tell us: who it was and why is on record.",),
    ),
    "sign-in-locked": Template(
        subject="Signing in with your password is paused",
        opening=(
            "There were too many wrong passwords for your account, so it takes none from unknown devices for now. "
            "Devices you already use still work.",
            "To sign in from anywhere again, choose a new password.",
        ),
        closing=("Nobody got in.",),
    ),
    "mfa-enabled": Template(
        subject="Signing in asks for a second factor now",
        opening=("On {at} {method} was set up for your account. From now on a password alone signs nobody in.",),
        closing=("Make recovery codes too, for the day on which you do not have it with you.", _NOT_YOU),
    ),
    "mfa-disabled": Template(
        subject="A second factor was removed",
        opening=("On {at} {method} was removed from your account.",),
        closing=(_NOT_YOU,),
    ),
    "mfa-reset": Template(
        subject="Your second factors were reset",
        opening=(
            "On {at} our staff removed every second factor and every passkey from your account, and signed out all "
            "of your devices.",
            "Sign in with your password and set them up again. If you have no password, ask for a new one.",
        ),
        closing=("If you did not ask for this, tell us.",),
    ),
    "mfa-exhausted": Template(
        subject="Somebody tried to sign in as you",
        opening=(
            "On {at} a sign-in to your account got past the first step, but five times in a row the second factor "
            "was not right. Unless it was you, somebody has your password.",
        ),
        closing=("Nobody got in.", _NOT_YOU),
    ),
    "recovery-codes-made": Template(
        subject="You have new recovery codes",
        opening=(
            "On {at} ten new recovery codes were made for your account. The old ones are worth nothing any more.",
        ),
        closing=(_NOT_YOU,),
    ),
    "recovery-code-used": Template(
        subject="A recovery code was used",
        opening=("On {at} one of your recovery codes was used in the place of a second factor. {left} are left.",),
        closing=("If this was you, there is nothing to do.", _NOT_YOU),
    ),
    "recovery-codes-low": Template(
        subject="Few recovery codes are left: {left}",
        opening=("Of your recovery codes {left} can still be used. Make new ones before you need them.",),
    ),
    "recovery-codes-gone": Template(
        subject="Your last recovery code was used",
        opening=("On {at} the last of your recovery codes was used. Make new ones now.",),
        closing=(_NOT_YOU,),
    ),
    "passkey-added": Template(
        subject="A passkey was added to your account",
        opening=(
            "On {at} the passkey “{passkey}” was added. It signs in to your account by itself, and from now on a "
            "password alone does not.",
        ),
        closing=("If this was not you, remove it and choose a new password now.",),
    ),
    "passkey-removed": Template(
        subject="A passkey was removed from your account",
        opening=("On {at} the passkey “{passkey}” was removed. It opens your account no more.",),
        closing=(_NOT_YOU,),
    ),
    "passkey-refused": Template(
        subject="One of your passkeys may have been copied",
        opening=(
            "On {at} the passkey “{passkey}” was shown, but it had been used less often than we know it was. "
            "That happens when somebody has a copy of it, so we let nobody in.",
        ),
        closing=("If you cannot explain it, remove the passkey and make another one.",),
    ),
    "api-key-created": Template(
        subject="A new API key for your account",
        opening=("On {at} the API key “{name}” was made with your account. It begins with {prefix}.",),
        closing=("If this was not you, revoke the key and choose a new password now.",),
    ),
    "api-key-rotated": Template(
        subject="An API key has a new secret",
        opening=("On {at} your API key “{name}” ({prefix}) was given a new secret.",),
        closing=("If this was not you, revoke the key and choose a new password now.",),
    ),
    "api-key-revoked": Template(
        subject="An API key was revoked",
        opening=(
            "On {at} your API key “{name}” ({prefix}) was revoked. Programs that use it are refused from now on.",
        ),
    ),
    "api-key-expiring": Template(
        subject="An API key ends in {days} days",
        opening=("Your API key “{name}” ({prefix}) ends in {days} days. Programs that use it are refused after that.",),
        closing=("Make a new key in time, and put it where the old one is used.",),
    ),
    "api-key-expired": Template(
        subject="An API key has ended",
        opening=("Your API key “{name}” ({prefix}) has ended. Programs that use it are refused from now on.",),
    ),
    "api-key-leaked": Template(
        subject="An API key was found where it should not be",
        opening=(
            "On {at} somebody reported your API key “{name}” ({prefix}), which means that they have it. "
            "We revoked it at once.",
        ),
        closing=("Look at what was done with it, and make a new key for whoever needs one.",),
    ),
    "organisation-invitation": Template(
        subject="You are invited to join an organisation",
        opening=(
            "You are invited to join the organisation “{organisation}”.",
            "Sign in with this address, or sign up with it first, and accept:",
        ),
        link="link",
        button="Accept the invitation",
        closing=(
            "The link works once, within 7 days.",
            "If you do not know what this is about, you can ignore this mail.",
        ),
        secrets=frozenset(["link"]),
    ),
    "confirm-new-email": Template(
        subject="Confirm your new address",
        opening=("Somebody, probably you, wants to use this address for their account. Enter this code there:",),
        code="code",
        closing=("The code is good for one hour.", _IGNORE),
        secrets=frozenset(["code"]),
    ),
    "email-in-use": Template(
        subject="Your address already has an account",
        opening=(
            "On {at} somebody, probably you, wanted to use this address for another account. "
            "It belongs to this account already, so nothing was changed.",
        ),
        closing=("To use it there, change the address of this account first, or delete this account.", _IGNORE),
    ),
    "email-changed": Template(
        subject="The address of your account was changed",
        opening=(
            "On {at} your account was moved from this address to {email}. From now on you sign in with that one.",
            "If this was not you, take your account back. That signs every device out:",
        ),
        link="link",
        button="This was not me",
        closing=("The link works for 7 days.",),
        secrets=frozenset(["link"]),
    ),
    "email-reverted": Template(
        subject="Your account has its old address again",
        opening=(
            "On {at} your account was moved back to this address, and every device was signed out.",
            "Whoever had changed it may know your password, so choose a new one:",
        ),
        link="link",
        button="Choose a new password",
        closing=("The link works once, within 30 minutes. Later, ask for a new one where you sign in.",),
        secrets=frozenset(["link"]),
    ),
    "account-deleting": Template(
        subject="Your account will be deleted",
        opening=(
            "On {at} somebody, probably you, deleted this account. Everything in it is erased after {until}.",
            "If you change your mind, or if this was not you, sign in before then, and nothing is lost.",
        ),
    ),
    "account-kept": Template(
        subject="Your account stays",
        opening=("You signed in on {at}, so your account is not deleted.",),
        closing=(_NOT_YOU,),
    ),
    "export-ready": Template(
        subject="Your data is ready",
        opening=("What you asked for is ready. You can download it where you asked for it, until {until}.",),
        closing=("If you did not ask for this, choose a new password now. That signs every other device out.",),
    ),
}


def template_of(name: str) -> Template:
    """Raises `UnknownTemplate`."""
    if name not in TEMPLATES:
        known = ", ".join(sorted(TEMPLATES))
        raise UnknownTemplate(f"There are {known}.", errors=[FieldError("/template", "There is no such template.")])
    return TEMPLATES[name]


def check(name: str, values: Mapping[str, object], *, sealed: bool) -> None:
    """Raises `UnknownTemplate` or `MissingVariable`. What is `sealed` is looked at when it is opened."""
    template = template_of(name)
    missing = template.variables - values.keys() - (template.secrets if sealed else frozenset())
    if missing:
        errors = [FieldError(f"/data/{variable}", "The template needs it.") for variable in sorted(missing)]
        raise MissingVariable(f"{name} needs {', '.join(sorted(missing))}.", errors=errors)


def render(name: str, values: Mapping[str, object], *, sender: str) -> Rendered:
    """The mail in both forms. Raises `UnknownTemplate` or `MissingVariable`."""
    check(name, values, sealed=False)
    template = TEMPLATES[name]
    plain = {key: " ".join(str(value).split()) for key, value in values.items()}
    return Rendered(
        subject=_filled(template.subject, plain),
        text=_text(template, plain, sender),
        html=_html(template, {key: html.escape(value) for key, value in plain.items()}, html.escape(sender)),
    )


def withheld(name: str, values: Mapping[str, object]) -> dict[str, object]:
    """The values with a mark in the place of each secret: what a person may look at."""
    return {**values, **dict.fromkeys(template_of(name).secrets, WITHHELD)}


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda found: values[found[1]], text)


def _text(template: Template, values: Mapping[str, str], sender: str) -> str:
    parts = [_filled(text, values) for text in template.opening]
    parts += [f"    {values[template.code]}"] if template.code else []
    parts += [f"{template.button}:\n{values[template.link]}"] if template.link else []
    parts += [_filled(text, values) for text in template.closing]
    return "\n\n".join([*parts, f"-- \n{sender}"]) + "\n"


def _html(template: Template, values: Mapping[str, str], sender: str) -> str:
    parts = [_PARAGRAPH % _filled(text, values) for text in template.opening]
    parts += [_CODE % values[template.code]] if template.code else []
    parts += [_BUTTON % (values[template.link], html.escape(template.button))] if template.link else []
    parts += [_QUIET % _filled(text, values) for text in template.closing]
    return _PAGE % (_filled(template.subject, values), sender, "\n".join(parts), sender)


# Mail clients know tables and inline styles and little else; nothing is loaded from anywhere.
_PARAGRAPH = '<p style="margin:0 0 16px">%s</p>'
_QUIET = '<p style="margin:0 0 12px;font-size:14px;color:#5c6470">%s</p>'
_CODE = (
    '<p style="margin:24px 0;padding:16px;background:#f3f4f7;border-radius:8px;text-align:center;'
    'font:600 28px/1.2 ui-monospace,Menlo,Consolas,monospace;letter-spacing:6px">%s</p>'
)
_BUTTON = (
    '<p style="margin:24px 0"><a href="%s" style="display:inline-block;padding:12px 22px;background:#2f4bd8;'
    'color:#ffffff;border-radius:8px;text-decoration:none;font-weight:600">%s</a></p>'
)
_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>%s</title></head>
<body style="margin:0;padding:0;background:#eceef2">
<table role="presentation" width="100%%" cellpadding="0" cellspacing="0"><tr>
<td align="center" style="padding:32px 12px">
<table role="presentation" width="100%%" cellpadding="0" cellspacing="0" style="max-width:520px;background:#ffffff;\
border-radius:12px;font:16px/1.5 -apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;color:#1c2026">
<tr><td style="padding:24px 32px 0;font-weight:700;color:#2f4bd8">%s</td></tr>
<tr><td style="padding:20px 32px 24px">
%s
</td></tr>
</table>
<p style="margin:16px 0 0;font:12px/1.5 sans-serif;color:#8a919c">Sent by %s</p>
</td></tr></table>
</body>
</html>
"""
