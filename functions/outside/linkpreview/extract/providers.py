"""Providers of players and posts whose oEmbed answers are believed: where they are asked, and whose frames are shown.

oEmbed 1.0 (oembed.com). A pattern is the host, with `*.` for any below it, and what the path must hold.
"""

import re
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit


@dataclass(frozen=True)
class Provider:
    name: str
    endpoint: str
    # Hosts of pages, each with a regular expression that the path must match from its start.
    pages: tuple[tuple[str, str], ...]
    # Hosts from which a frame may come.
    frames: frozenset[str]

    def request(self, url: str) -> str:
        joint = "&" if "?" in self.endpoint else "?"
        return f"{self.endpoint}{joint}{urlencode({'url': url, 'format': 'json'})}"


def _provider(name: str, endpoint: str, pages: str, frames: str) -> Provider:
    split = tuple((host, path or "/.") for host, _, path in (page.partition("|") for page in pages.split()))
    return Provider(name, endpoint, split, frozenset(frames.split()))


PROVIDERS = (
    _provider(
        "YouTube",
        "https://www.youtube.com/oembed",
        "www.youtube.com|/(watch|playlist|shorts/|live/|embed/) youtube.com|/(watch|playlist|shorts/|live/) "
        "m.youtube.com|/(watch|playlist|shorts/) music.youtube.com|/(watch|playlist) youtu.be",
        "www.youtube.com www.youtube-nocookie.com",
    ),
    _provider("Vimeo", "https://vimeo.com/api/oembed.json", "vimeo.com player.vimeo.com|/video/", "player.vimeo.com"),
    _provider(
        "Dailymotion",
        "https://www.dailymotion.com/services/oembed",
        "www.dailymotion.com|/video/ dai.ly",
        "www.dailymotion.com geo.dailymotion.com",
    ),
    _provider("SoundCloud", "https://soundcloud.com/oembed", "soundcloud.com m.soundcloud.com", "w.soundcloud.com"),
    _provider(
        "Spotify",
        "https://open.spotify.com/oembed",
        "open.spotify.com|/(intl-[a-z]+/)?(track|album|playlist|artist|episode|show)/",
        "open.spotify.com",
    ),
    _provider(
        "Mixcloud",
        "https://app.mixcloud.com/oembed/",
        "www.mixcloud.com",
        "www.mixcloud.com player-widget.mixcloud.com",
    ),
    _provider("TED", "https://www.ted.com/services/v1/oembed.json", "www.ted.com|/talks/", "embed.ted.com"),
    _provider(
        "Flickr", "https://www.flickr.com/services/oembed/", "www.flickr.com|/photos/ flic.kr", "embedr.flickr.com"
    ),
    _provider("TikTok", "https://www.tiktok.com/oembed", "www.tiktok.com|/@[^/]+/video/", "www.tiktok.com"),
    _provider(
        "X",
        "https://publish.twitter.com/oembed",
        "twitter.com|/[^/]+/status/ x.com|/[^/]+/status/",
        "platform.twitter.com",
    ),
    _provider("Reddit", "https://www.reddit.com/oembed", "www.reddit.com|/r/[^/]+/comments/", "embed.reddit.com"),
    _provider("Bluesky", "https://embed.bsky.app/oembed", "bsky.app|/profile/[^/]+/post/", "embed.bsky.app"),
    _provider("CodePen", "https://codepen.io/api/oembed", "codepen.io|/[^/]+/pen/", "codepen.io"),
    _provider("CodeSandbox", "https://codesandbox.io/oembed", "codesandbox.io|/(s|embed|p)/", "codesandbox.io"),
    _provider("JSFiddle", "https://jsfiddle.net/services/oembed/", "jsfiddle.net", "jsfiddle.net"),
    _provider("Replit", "https://replit.com/data/oembed", "replit.com|/@[^/]+/", "replit.com"),
    _provider(
        "Figma", "https://www.figma.com/api/oembed", "www.figma.com|/(file|proto|design|board)/", "www.figma.com"
    ),
    _provider("Miro", "https://miro.com/api/v1/oembed", "miro.com|/app/board/", "miro.com"),
    _provider("SlideShare", "https://www.slideshare.net/api/oembed/2", "www.slideshare.net", "www.slideshare.net"),
    _provider("Speaker Deck", "https://speakerdeck.com/oembed.json", "speakerdeck.com|/[^/]+/[^/]", "speakerdeck.com"),
    _provider("Scribd", "https://www.scribd.com/services/oembed/", "www.scribd.com|/(doc|document)/", "www.scribd.com"),
    _provider("Issuu", "https://issuu.com/oembed", "issuu.com|/[^/]+/docs/", "e.issuu.com issuu.com"),
    _provider("Loom", "https://www.loom.com/v1/oembed", "www.loom.com|/share/ loom.com|/share/", "www.loom.com"),
    _provider(
        "Wistia", "https://fast.wistia.com/oembed.json", "*.wistia.com|/medias/", "fast.wistia.net fast.wistia.com"
    ),
    _provider("Streamable", "https://api.streamable.com/oembed.json", "streamable.com", "streamable.com"),
    _provider("Twitch clips", "https://api.twitch.tv/v5/oembed", "clips.twitch.tv", "clips.twitch.tv"),
    _provider("Giphy", "https://giphy.com/services/oembed", "giphy.com|/(gifs|clips)/ gph.is", "giphy.com"),
    _provider("Gfycat", "https://api.gfycat.com/v1/oembed", "gfycat.com", "gfycat.com"),
    _provider("Imgur", "https://api.imgur.com/oembed.json", "imgur.com", "imgur.com"),
    _provider(
        "Deezer",
        "https://api.deezer.com/oembed",
        "www.deezer.com|/([a-z]+/)?(track|album|playlist)/",
        "widget.deezer.com",
    ),
    _provider("Audiomack", "https://audiomack.com/oembed", "audiomack.com", "audiomack.com"),
    _provider(
        "Audioboom", "https://audioboom.com/publishing/oembed/v4.json", "audioboom.com|/posts/", "embeds.audioboom.com"
    ),
    _provider("Sketchfab", "https://sketchfab.com/oembed", "sketchfab.com|/(3d-)?models/", "sketchfab.com"),
    _provider(
        "Kickstarter",
        "https://www.kickstarter.com/services/oembed",
        "www.kickstarter.com|/projects/",
        "www.kickstarter.com",
    ),
    _provider("Datawrapper", "https://api.datawrapper.de/v3/oembed/", "datawrapper.dwcdn.net", "datawrapper.dwcdn.net"),
    _provider(
        "Flourish",
        "https://app.flourish.studio/api/v1/oembed",
        "public.flourish.studio|/(visualisation|story)/",
        "flo.uri.sh",
    ),
    _provider("Observable", "https://api.observablehq.com/oembed", "observablehq.com|/(@|d/)", "observablehq.com"),
    _provider("Typeform", "https://api.typeform.com/oembed", "*.typeform.com|/to/", "form.typeform.com"),
    _provider("Coub", "https://coub.com/api/oembed.json", "coub.com|/view/", "coub.com"),
    _provider(
        "Matterport", "https://my.matterport.com/api/v1/models/oembed/", "my.matterport.com|/show", "my.matterport.com"
    ),
)


def provider_of(url: str) -> Provider | None:
    """Who is asked about this page."""
    parts = urlsplit(url)
    host, path = (parts.hostname or "").lower(), parts.path or "/"
    for provider in PROVIDERS:
        for wanted, pattern in provider.pages:
            is_host = host.endswith(wanted[1:]) if wanted.startswith("*.") else host == wanted
            if is_host and re.match(pattern, path):
                return provider
    return None
