"""Pages of a small news site, written for the tests. Knows nothing about newsquote."""

from __future__ import annotations

from html import escape

_PLACES = ("Saltmarsh", "Northquay", "Fernhill", "Old Mill", "Tern Island", "Brackwater", "Gullsea", "Alderney Reach")
_THINGS = ("ferry", "lighthouse", "library", "bridge", "school", "market hall", "tramway", "swimming bath")


def paragraphs(n: int) -> list[str]:
    """Four paragraphs about story `n`, of which no other story has one."""
    place, thing = _PLACES[n % 8], _THINGS[n // 8 % 8]
    return [
        f"The council of {place} decided on Tuesday to spend {n + 3} million crowns on its {thing}, after a debate "
        f"that went on for {n + 2} hours.",
        f"“Nobody in {place} wanted to wait for another winter,” said councillor number {n}, who has looked after the "
        f"{thing} since the flood of {1900 + n}.",
        f"Work begins on the {n % 27 + 1}th of June with {n + 11} masons from {_PLACES[(n + 3) % 8]}, and the {thing} "
        f"will stay shut for {n + 20} weeks.",
        f"Of {n + 1000} people who were asked, {n + 501} were for it, {n + 17} against, and the rest had not heard of "
        f"the plan for {place} at all.",
    ]


def story(n: int, *, day: str = "2025-04-18", head: str = "", lang: str = "en") -> str:
    """The page of story `n`."""
    place, thing = _PLACES[n % 8], _THINGS[n // 8 % 8]
    title = f"{place} mends its {thing} for {n + 3} million"
    body = "".join(f"<p>{escape(text)}</p>" for text in paragraphs(n))
    return (
        f'<!DOCTYPE html><html lang="{lang}"><head><title>{title}</title>'
        f'<meta property="article:published_time" content="{day}T08:00:00Z">{head}</head>'
        f"<body><article><h1>{title}</h1>{body}</article></body></html>"
    )


def sitemap(*entries: tuple[str, str]) -> str:
    """A sitemap of (address, lastmod or "") pairs."""
    urls = "".join(
        f"<url><loc>{escape(url)}</loc>{f'<lastmod>{day}</lastmod>' if day else ''}</url>" for url, day in entries
    )
    return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{urls}</urlset>'


CONSENT_WALL = """<!DOCTYPE html><html lang="en"><head><title>Your privacy</title></head><body><main>
<h1>Before you continue</h1>
<p>We and our 812 partners store cookies on your device and read information from it, such as identifiers.</p>
<p>You can accept all cookies or manage your consent. You can change your privacy settings at any time.</p>
<button>Accept all</button></main></body></html>"""

SCRIPT_ONLY = """<!DOCTYPE html><html lang="en"><head><title>Harbour News</title><script src="/app.js"></script></head>
<body><noscript>Please enable JavaScript to run this app.</noscript><div id="root"></div></body></html>"""

PAYWALL = """<!DOCTYPE html><html lang="en"><head><title>The long night of the harbour bank</title>
<script type="application/ld+json">{"@type": "NewsArticle", "headline": "The long night of the harbour bank",
"datePublished": "2025-04-17T05:00:00Z", "isAccessibleForFree": false}</script></head>
<body><article><h1>The long night of the harbour bank</h1>
<p>At two in the morning the directors of the harbour bank learned that eleven million crowns were missing from
its vault.</p>
<p>Subscribe to read on.</p></article></body></html>"""
