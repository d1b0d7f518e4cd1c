"""A page as a test reads it: its elements, their attributes and texts, and the fields of its forms."""

from html.parser import HTMLParser

from tpminstitute.web.policy import site_sheet

HARMLESS = ("/", "#", "mailto:", "tel:", "http://institute.test/", "data:image")
VOID = {"br", "hr", "img", "input", "link", "meta", "source", "wbr"}


class Element:
    """One element: what is inside it is a part of its page, from where it was opened to where it was closed."""

    def __init__(self, tag: str, attrs: dict[str, str | None], parent: "Element | None", page: "_Page") -> None:
        """Open it behind what was read of `page` so far."""
        self.tag, self.attrs, self._parent, self._page = tag, attrs, parent, page
        self._elements, self._texts = slice(len(page.elements) + 1, None), slice(len(page.texts), None)

    def close(self) -> None:
        """Nothing that follows is inside it."""
        self._elements = slice(self._elements.start, len(self._page.elements))
        self._texts = slice(self._texts.start, len(self._page.texts))

    @property
    def inner(self) -> list["Element"]:
        """Every element inside it, in the order of the page."""
        return self._page.elements[self._elements]

    @property
    def text(self) -> str:
        """All the text inside it."""
        return "".join(self._page.texts[self._texts])

    @property
    def parents(self) -> list["Element"]:
        """The elements it is inside of, the page first."""
        return [] if self._parent is None else [*self._parent.parents, self._parent]

    def __repr__(self) -> str:
        return f"<{self.tag} {self.attrs}>"

    def __getitem__(self, name: str) -> str:
        """Its attribute, '' when it has none of that name."""
        return self.attrs.get(name) or ""

    @property
    def words(self) -> str:
        """Its text with single spaces."""
        return " ".join(self.text.split())

    def all(self, tag: str, **attrs: str) -> list["Element"]:
        """The elements inside it; `class_` and `for_` stand for the words that Python keeps."""
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attrs.items()}
        return [
            e
            for e in self.inner
            if e.tag == tag and all(value in (e[name], *e[name].split()) for name, value in wanted.items())
        ]

    def first(self, tag: str, **attrs: str) -> "Element":
        """The first of `all`; an assertion fails when there is none."""
        found = self.all(tag, **attrs)
        assert found, f"no <{tag}> with {attrs}"
        return found[0]

    def with_id(self, name: str) -> "Element":
        """The one element with that id."""
        (found,) = (e for e in self.inner if e["id"] == name)
        return found

    @property
    def fields(self) -> dict[str, str]:
        """What its form fields would send, the unticked boxes left out, and what only waits in a template."""
        values = {}
        waiting = {id(e) for template in self.all("template") for e in template.inner}
        for e in (e for e in self.inner if id(e) not in waiting):
            if e.tag == "textarea":
                values[e["name"]] = e.text.removeprefix("\r").removeprefix("\n")
            elif e.tag == "select":
                chosen = [option["value"] for option in e.all("option") if "selected" in option.attrs]
                values[e["name"]] = (chosen or [""])[0]
            elif e.tag == "input" and (e["type"] != "checkbox" or "checked" in e.attrs):
                values[e["name"]] = e["value"]
        return values


class _Page:
    """Its elements and its texts in their order."""

    def __init__(self) -> None:
        self.elements: list[Element] = []
        self.texts: list[str] = []
        self.root = Element("", {}, None, self)
        self.elements.append(self.root)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = _Page()
        self.open = [self.page.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs), self.open[-1], self.page)
        self.page.elements.append(element)
        if tag in VOID:
            element.close()
        else:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if any(element.tag == tag for element in self.open):
            while self.open[-1].tag != tag:
                self.open.pop().close()
            self.open.pop().close()

    def handle_data(self, data: str) -> None:
        self.page.texts.append(data)


def read(text: str) -> Element:
    """Read a page. Returns: an element that holds all the others."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return reader.page.root


def active_content(page: Element) -> list[str]:
    """What could do something on its own in `page`: event attributes, foreign addresses, embedded things.

    The public pages' own style is none of it.
    A page that shows a stranger's text must give the same list as one that shows a harmless text.
    """
    found = []
    for e in page.inner:
        found += [f"{e.tag}.{name}" for name in e.attrs if name.startswith("on") or name in ("style", "srcdoc")]
        if e.tag == "style" and f"<style>{e.text}</style>" == site_sheet():
            continue
        if e.tag in ("script", "iframe", "object", "embed", "img", "svg", "base", "style", "math"):
            found.append(f"{e.tag} {e['src']}")
        for name in ("href", "action", "formaction"):
            if e[name] and not e[name].startswith(
                ("/", "#", "mailto:", "tel:", "http://institute.test/", "data:image")
            ):
                found.append(f"{e.tag} {name}={e[name]}")
    return found
