"""What a deployment says before it is made."""

from tools import costs, templates


def test_every_secret_and_key_of_the_templates_is_counted() -> None:
    secrets = len(templates.resources("stores", "AWS::SecretsManager::Secret"))

    rows = {name: (count, cost) for name, count, cost in costs.idle(alarms=False)}

    assert rows["secret"] == (secrets, secrets * 0.40)
    assert "alarm" not in rows


def test_alarms_are_counted_when_they_are_on() -> None:
    assert "alarm" in {name for name, *_ in costs.idle(alarms=True)}


def test_what_was_not_set_is_said() -> None:
    said = costs.announcement("dev", "123456789012", "eu-central-1", {}, alarms=False)

    assert "OWNER_EMAIL  (not set: as deployed before; in a first deployment a setup token makes the owner)" in said
    assert "MAIL_FROM    (not set: as deployed before; in a first deployment no mail can be sent)" in said
    assert "sandbox" in said
