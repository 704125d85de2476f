"""`make build` and `make deploy STAGE=dev`: the same templates and commands, for a real account."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tools import account, costs, sam, setup_token
from tools.paths import BOOT, DEV, ROOT, SAM
from tools.say import Failure, Steps, explain

STAGES = ("dev", "staging", "prod")
RUNTIME = "python3.13"
ARCHITECTURE = "arm64"
# What a person sets, each by a variable of its own name.
SETTINGS = {
    "OwnerEmail": "OWNER_EMAIL",
    "MailFrom": "MAIL_FROM",
    "WebOrigins": "WEB_ORIGINS",
    "ReturnTo": "RETURN_TO",
    "Domain": "DOMAIN",
    "PasskeyDomain": "PASSKEY_DOMAIN",
    "RateHeaders": "RATE_HEADERS",
    "HashConcurrency": "HASH_CONCURRENCY",
    "ApiKeyHeader": "API_KEY_HEADER",
    "SignUp": "SIGN_UP",
    "Guests": "GUESTS",
    "BreachList": "BREACH_LIST",
    "BlogOpen": "BLOG_OPEN",
    "ConduitFacade": "CONDUIT_FACADE",
    "StaffFactor": "STAFF_FACTOR",
    "Scanner": "SCANNER",
    "Clamd": "CLAMD",
    "ReplyDomain": "REPLY_DOMAIN",
    "SmtpServer": "SMTP_SERVER",
    "LargeFiles": "LARGE_FILES",
    "Providers": "NOTIFY_PROVIDERS",
    "SmsProvider": "SMS_PROVIDER",
    "ShortLinks": "SHORT_LINKS",
    "ShortChains": "SHORT_CHAINS",
    "ClickEvents": "CLICK_EVENTS",
    "Alarms": "ALARMS",
}


def main(command: str) -> int:
    steps = Steps()
    try:
        if command == "build":
            build(steps)
        else:
            deploy(steps)
    except Failure as failure:
        if not failure.log:
            explain(command, failure)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def build(steps: Steps) -> Path:
    """Cross-build everything for AWS into `.aws-sam/build`."""
    target = ROOT / ".aws-sam" / "build"
    variables = {"RUNTIME": RUNTIME, "ARCHITECTURE": ARCHITECTURE, "PYTHON": python_of(RUNTIME)}
    with steps.step("build"):
        parameters = {"Runtime": RUNTIME, "Architecture": ARCHITECTURE}
        sam.build(target, variables=variables, parameters=parameters, log=ROOT / ".tessera" / "logs" / "build.log")
    return target


def deploy(steps: Steps) -> None:
    stage = os.environ.get("STAGE", "")
    if stage not in STAGES:
        raise Failure("Which stage?", remedy=f"Say it: make deploy STAGE=dev (one of {', '.join(STAGES)}).")
    number, region = account.identity()
    chosen = settings(os.environ)
    alarms = chosen.get("Alarms", "auto") in ("on", "auto" if stage == "prod" else "on")
    print(costs.announcement(stage, number, region, chosen, alarms=alarms))
    target = build(steps)
    command = [SAM, "deploy", "--config-env", stage, "--template-file", target / "template.yaml", "--region", region]
    command += ["--config-file", ROOT / "samconfig.toml", "--parameter-overrides"]
    command += sam.pairs(parameters(stage, chosen))
    if os.environ.get("CI"):
        # Nobody is there to be asked.
        command.append("--no-confirm-changeset")
    # In the foreground, with the person's own credentials: it shows the change set and asks.
    code = subprocess.call([str(part) for part in command], cwd=ROOT, env=sam.quiet(os.environ))
    if code != 0:
        raise Failure(f"`sam deploy` ended with code {code}. What it printed says why.")
    # Not where a log would keep it.
    if "OwnerEmail" not in chosen and not os.environ.get("CI"):
        setup_token.offer(setup_token.stack_of(stage), region)


def settings(environment: Mapping[str, str]) -> dict[str, str]:
    """What the person has set, by the template's names."""
    return {name: environment[variable] for name, variable in SETTINGS.items() if environment.get(variable)}


def parameters(stage: str, chosen: Mapping[str, str]) -> dict[str, str]:
    """SAM lets every other parameter be what it was in the last deployment."""
    return {"Stage": stage, "Runtime": RUNTIME, "Architecture": ARCHITECTURE, **chosen}


def python_of(runtime: str) -> str:
    """An interpreter of the runtime's own minor version, which may compile for it; else ours, which may not."""
    found = subprocess.run(
        [str(BOOT / "uv"), "python", "find", "--no-python-downloads", runtime.removeprefix("python")],
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip() if found.returncode == 0 else str(DEV / "python")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "deploy"))
