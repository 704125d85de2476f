"""What our own mails say, each once: both forms come from the same sentences."""

import re
from dataclasses import dataclass

VARIABLE = re.compile(r"\{([a-z_]+)\}")


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
        named = {name for text in texts for name in VARIABLE.findall(text)}
        return frozenset(named | ({self.code, self.link} - {""}))


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
    "file-shared": Template(
        subject="A file was shared with you",
        opening=("Somebody shared the file {name} with you.",),
        link="link",
        button="Open the file",
        closing=(
            "Whoever has this link can open the file, as long as the one who sent it lets them.",
            "If you do not expect a file, do not open it.",
        ),
        secrets=frozenset(["link"]),
    ),
}
