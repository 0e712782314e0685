"""The page that shows /docs.json, at `/`.

BentoML has one as well, which loads a tracker from the net; this one takes only Swagger UI from it,
which every server has beside it.
"""

from __future__ import annotations

from html import escape

_ASSETS = "./static_content"
HEADERS = [
    (b"content-type", b"text/html; charset=utf-8"),
    # Swagger UI draws its icons from data, and sets styles of its own.
    (
        b"content-security-policy",
        b"default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'",
    ),
]


def page_of(model: str) -> bytes:
    """The page of a model."""
    scripts = ("swagger-ui-bundle", "swagger-ui-standalone-preset", "swagger-initializer")
    loaded = "".join(f'<script src="{_ASSETS}/{name}.js"></script>' for name in scripts)
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(model)}</title>"
        f'<link rel="stylesheet" href="{_ASSETS}/swagger-ui.css">'
        "<style>body { margin: 0 } .topbar { display: none }</style>"
        f'</head><body><div id="swagger-ui"></div>{loaded}</body></html>'
    ).encode()
