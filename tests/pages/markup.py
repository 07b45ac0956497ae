"""A page as a reader that is not the writer sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "input", "br", "img", "hr", "col"}
# Attributes by which a page makes a browser load or send something.
LOADING = {"src", "srcset", "action", "formaction", "poster", "background", "data"}


@dataclass
class Element:
    """An element with what is in it."""

    tag: str
    attributes: dict[str, str]
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def all(self, tag: str) -> list[Element]:
        """Elements of this name, at any depth, in their order."""
        found = [self] if self.tag == tag else []
        return [*found, *(item for child in self.children for item in child.all(tag))]

    def words(self) -> str:
        """All text in it."""
        return self.text + "".join(child.words() for child in self.children)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.stack = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.stack[-1].children.append(element)
        if tag not in VOID:
            self.stack.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.stack[-1].children.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.stack[-1].tag == tag, f"</{tag}> ends <{self.stack[-1].tag}>"
        self.stack.pop()

    def handle_data(self, data: str) -> None:
        self.stack[-1].text += data


def read(page: str) -> Element:
    """The page's elements; one that is not closed, or by another, fails."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert len(reader.stack) == 1, f"<{reader.stack[-1].tag}> is not closed"
    return reader.stack[0]


def require_alone(page: str) -> Element:
    """Fail unless the page needs nothing but itself, and has what every page must have."""
    top = read(page)
    every = [top]
    for element in every:
        every += element.children
    for element in every:
        wanted = LOADING & set(element.attributes)
        assert all(element.attributes[name].startswith("data:") for name in wanted), element
        href = element.attributes.get("href", "")
        assert element.tag != "link" or href == "data:,", element
        assert not href.startswith(("http:", "https:", "//", "javascript:")) or element.tag == "a", element
        assert not any(name.startswith("on") or name == "style" for name in element.attributes), element
    for style in top.all("style"):
        assert "url(" not in style.words() and "@import" not in style.words()
    (html,), (main,), (title,), (_,) = top.all("html"), top.all("main"), top.all("head")[0].all("title"), top.all("h1")
    assert html.attributes["lang"] == "en" and title.words().strip() and main.attributes["id"] == "main"
    ids = [element.attributes["id"] for element in every if "id" in element.attributes]
    assert len(ids) == len(set(ids)), "an id stands twice"
    for table in top.all("table"):
        assert table.all("caption"), "a table without a caption"
    return top
