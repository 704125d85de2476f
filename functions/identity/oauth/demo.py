"""The providers of a laptop: stand-ins that the local cloud serves, so that signing in works without a network.

Their secrets are no secrets: they stand here for all to read, and open nothing but the stand-ins.
"""

from dataclasses import replace

from .rules.providers import Kind, Provider

CLIENT_ID, CLIENT_SECRET = "tessera-local", "a-secret-of-no-worth"


def providers(base: str) -> list[Provider]:
    """Those below this address; none without one."""
    if not base:
        return []
    github = f"{base}/github"
    common = Provider(
        "", "", Kind.OIDC, CLIENT_ID, secret=CLIENT_SECRET, is_built_in=True, scopes=("openid", "email", "profile")
    )
    return [
        replace(
            common,
            id="local-idp",
            name="Local IdP",
            icon="key",
            issuer=f"{base}/idp",
            trust_email=True,
            mfa_amr=("mfa",),
            backchannel_logout=True,
        ),
        replace(
            common,
            id="github-stub",
            name="GitHub (stub)",
            kind=Kind.GITHUB,
            icon="github",
            issuer="https://github.example",
            scopes=("read:user", "user:email"),
            token_auth="post",
            endpoints={
                "authorization": f"{github}/login/oauth/authorize",
                "token": f"{github}/login/oauth/access_token",
                "userinfo": f"{github}/user",
                "emails": f"{github}/user/emails",
                "revocation": f"{github}/applications/{{client_id}}/token",
            },
        ),
    ]
