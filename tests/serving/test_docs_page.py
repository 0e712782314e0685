"""The page that shows the OpenAPI document."""

from __future__ import annotations

from html.parser import HTMLParser

from pipelines.serving.docs_page import HEADERS, page_of


class Seen(HTMLParser):
    """The tags of a page, and its title."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.title = ""
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] == ["title"] and not self.title:
            self.title = data


def test_a_name_is_a_title_and_never_a_tag() -> None:
    seen = Seen(page_of("<script>alert(1)</script>"))

    assert seen.title == "<script>alert(1)</script>"
    assert seen.tags.count("script") == 3


def test_a_browser_is_told_to_load_nothing_else() -> None:
    told = dict(HEADERS)[b"content-security-policy"].decode()

    assert "default-src 'self'" in told
    assert "script-src" not in told
    assert "http" not in told
