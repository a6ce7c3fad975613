"""The room's face: renditions in, finished files out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from kubetalk.errors import KubetalkError
from kubetalk.model import (
    Alternate,
    Document,
    Entry,
    Event,
    Kind,
    Output,
    Rendition,
    SearchRecord,
    Settings,
)
from kubetalk.rendering import assets as theme_assets
from kubetalk.rendering.bodies import Bodies, Body
from kubetalk.rendering.frame import Frame, in_language, script_strings, with_suffix
from kubetalk.rendering.links import LinkMap, asset_outputs
from kubetalk.rendering.meta import PageInfo, describe_document, other_languages
from kubetalk.rendering.paths import (
    ASSETS,
    HOME,
    deck_path,
    document_path,
    list_path,
    relative,
    root_of,
    tag_path,
    tags_path,
)
from kubetalk.rendering.plaintext import passages
from kubetalk.rendering.provenance import provenance_of
from kubetalk.rendering.strings import load_strings

if TYPE_CHECKING:
    from pathlib import Path

LATEST = 5
"""How many talks and posts the start page lists."""


class Renderer:
    """Renders one site; not safe for threads."""

    def __init__(
        self,
        settings: Settings,
        *,
        tags: Mapping[str, Mapping[str, str]] | None = None,
        documents: Iterable[Document] = (),
        drafts: Iterable[Document] = (),
    ) -> None:
        """``documents`` are those that texts may link to, host pages included; ``tags`` are the labels.

        ``drafts`` are left out of this site, so that a link to one is refused by its name.

        Raises ConfigError for a language without interface texts.
        """
        self._settings = settings
        self._frame = Frame(settings, tags or {})
        links = LinkMap(settings, tuple(documents), tuple(drafts))
        self._bodies = Bodies(links, lambda: self._frame.environment)
        for language in settings.languages:
            load_strings(language)

    # Documents

    def problems(self, document: Document) -> tuple[KubetalkError, ...]:
        """What is wrong with the links of a document's texts; nothing has to be recorded for it yet."""
        found: list[KubetalkError] = []
        for text in document.texts.values():
            try:
                self._bodies.skeleton(document, text)
            except KubetalkError as error:
                found += error.problems
        return tuple(found)

    def pages(self, rendition: Rendition, entries: Mapping[str, Sequence[Entry]]) -> tuple[Output, ...]:
        """All pages of a document in all its languages, and the images they show, each once.

        ``entries`` are those of the whole site by language, for the navigation and the start page.
        Raises ContentError or ManyErrors for links and references that lead nowhere.
        """
        self._frame.entries = entries
        outputs: list[Output] = []
        needed: dict[str, Path] = {}
        for language, text in rendition.document.texts.items():
            body = self._bodies.body(rendition, text)
            needed |= body.assets
            outputs.append(self._document(rendition, language, body))
            if rendition.document.kind is Kind.TALK:
                outputs.append(self._deck(rendition, language, body))
        return (*outputs, *asset_outputs(needed))

    def search_records(self, rendition: Rendition, language: str) -> tuple[SearchRecord, ...]:
        """What the search of a language finds: one record per slide or section; none where there is no text."""
        text = rendition.document.texts.get(language)
        if text is None or rendition.document.kind is Kind.HOST_PAGE:
            return ()
        document = rendition.document
        body, path, title = (
            self._bodies.body(rendition, text),
            document_path(document, language),
            self._title(document, language),
        )
        if body.slides:
            return tuple(
                SearchRecord(
                    f"{path}#{slide.id}", title, slide.title if slide.title != title else "", slide.text, document.kind
                )
                for slide in body.slides
            )
        return tuple(
            SearchRecord(
                f"{path}#{passage.id}" if passage.id else path, title, passage.title, passage.text, document.kind
            )
            for passage in passages(body.html)
        )

    def _title(self, document: Document, language: str) -> str:
        return in_language(document.facts.title, language)

    def _info(self, rendition: Rendition, language: str) -> PageInfo:
        document = rendition.document
        path = document_path(document, language)
        is_home = document.kind is Kind.PAGE and document.id == HOME
        description = in_language(document.facts.description, language)
        if is_home:
            description = description or in_language(self._settings.site_description, language)
        return PageInfo(
            path=path,
            language=language,
            title="" if is_home else self._title(document, language),
            description=description,
            alternates=tuple(
                Alternate(other, document_path(document, other)) for other in document.texts if other != language
            ),
            kind="article" if document.kind in {Kind.POST, Kind.TALK} else "website",
            date=document.facts.date,
            section={Kind.TALK: "talks", Kind.POST: "posts"}.get(document.kind, document.id),
            json_ld=describe_document(self._settings, document, language, path, description),
        )

    def _document(self, rendition: Rendition, language: str, body: Body) -> Output:
        document, info = rendition.document, self._info(rendition, language)
        template = {Kind.TALK: "talk.html", Kind.POST: "post.html"}.get(document.kind, "page.html")
        if document.kind is Kind.PAGE and document.id == HOME:
            template = "home.html"
        listed = self._frame.entries.get(language, ())
        return self._frame.page(
            template,
            info,
            title=self._title(document, language),
            facts=document.facts,
            event_name=lambda event: in_language(event.name, language),
            body=body,
            slides_path=deck_path(document, language) if document.kind is Kind.TALK else "",
            entry=next((entry for entry in listed if entry.path == info.path), None),
            provenance=provenance_of(rendition, document.texts[language], load_strings(language)),
            **self._latest(listed),
        )

    def _latest(self, listed: Sequence[Entry]) -> dict[str, Sequence[Entry]]:
        return {
            "latest_talks": [entry for entry in listed if entry.kind is Kind.TALK][:LATEST],
            "latest_posts": [entry for entry in listed if entry.kind is Kind.POST][:LATEST],
        }

    def _deck(self, rendition: Rendition, language: str, body: Body) -> Output:
        document, info = rendition.document, self._info(rendition, language)
        reading = info.path
        deck = PageInfo(
            path=deck_path(document, language),
            language=language,
            title=info.title,
            description=info.description,
            alternates=with_suffix(info.alternates, "slides/"),
            kind="article",
            date=info.date,
            section="talks",
        )
        return self._frame.page(
            "deck.html",
            deck,
            title=info.title,
            facts=document.facts,
            event=byline_event(document.facts.events, language),
            event_name=lambda event: in_language(event.name, language),
            slides=body.slides,
            reading_path=reading,
            provenance=provenance_of(rendition, document.texts[language], load_strings(language)),
        )

    # Pages of the host site

    def block_html(self, rendition: Rendition, language: str, number: int) -> str:
        """The HTML of a text's special block with that index, for a page that MkDocs renders.

        Raises ContentError for a reference that leads nowhere.
        """
        return self._bodies.blocks(rendition, rendition.document.texts[language]).html(number)

    def host_provenance_html(self, rendition: Rendition, language: str) -> str:
        """The panel about the outputs, for below a page that MkDocs renders; empty if the page shows none."""
        strings = load_strings(language)
        view = provenance_of(rendition, rendition.document.texts[language], strings)
        if view is None:
            return ""
        return self._frame.environment.get_template("host_provenance.html").render(
            t=strings, language=language, provenance=view
        )

    def host_assets_html(self, url: str, language: str) -> str:
        """Style sheet and script that an ordinary page with blocks needs; ``url`` is the page's path on the site."""
        template = self._frame.environment.get_template("host_assets.html")
        root = root_of(url)
        return template.render(
            asset=lambda name: f"{root}{ASSETS}{name}?v={theme_assets.version_of(name)}",
            script_strings=script_strings(load_strings(language)),
        )

    # Lists

    def lists(
        self, language: str, listed: Sequence[Entry], tagged: Mapping[str, Sequence[Entry]]
    ) -> tuple[Output, ...]:
        """The list pages of a language: talks, posts, tags, each tag, and a start page if no document is one."""
        self._frame.entries = {**self._frame.entries, language: listed}
        outputs = [
            self.render_list(Kind.TALK, language, [entry for entry in listed if entry.kind is Kind.TALK]),
            self.render_list(Kind.POST, language, [entry for entry in listed if entry.kind is Kind.POST]),
            self.render_tags(language, tagged),
            *(self.render_tag(tag, language, entries) for tag, entries in tagged.items()),
        ]
        if not has_home(self._frame.entries):
            outputs.append(self._default_home(language, listed))
        return tuple(outputs)

    def list_paths(self, entries: Mapping[str, Sequence[Entry]]) -> tuple[str, ...]:
        """Paths below each language's folder that `lists` makes in every language: ``talks/``, ``tags/istio/``."""
        tags = {tag for listed in entries.values() for entry in listed for tag in entry.tags}
        home = () if has_home(entries) else ("",)
        return (*home, "talks/", "posts/", "tags/", *(f"tags/{tag}/" for tag in sorted(tags)))

    def render_list(self, kind: Kind, language: str, entries: Sequence[Entry]) -> Output:
        """The list of all talks or posts."""
        section = f"{kind.value}s"
        return self._list("list.html", list_path(kind, language), language, section, f"site.{section}", entries=entries)

    def render_tags(self, language: str, tagged: Mapping[str, Sequence[Entry]]) -> Output:
        """All tags with their counts."""
        return self._list("tags.html", tags_path(language), language, "tags", "site.tags", tagged=tagged)

    def render_tag(self, tag: str, language: str, entries: Sequence[Entry]) -> Output:
        """What carries a tag."""
        label = in_language(self._frame.tags.get(tag, {}), language) or tag
        title = load_strings(language)("tags.tagged", tag=label)
        return self._list("list.html", tag_path(tag, language), language, "tags", title, entries=entries)

    def _list(self, template: str, path: str, language: str, section: str, title: str, **values: object) -> Output:
        strings = load_strings(language)
        heading = strings(title) if title in strings.entries else title
        info = PageInfo(
            path=path,
            language=language,
            title=heading,
            alternates=other_languages(path, language, self._settings.languages),
            section=section,
        )
        return self._frame.page(template, info, title=heading, **values)

    def _default_home(self, language: str, listed: Sequence[Entry]) -> Output:
        path = f"{language}/"
        info = PageInfo(
            path=path,
            language=language,
            title="",
            description=in_language(self._settings.site_description, language),
            alternates=other_languages(path, language, self._settings.languages),
            section=HOME,
        )
        title = in_language(self._settings.site_name, language)
        return self._frame.page("home.html", info, title=title, body=Body(), provenance=None, **self._latest(listed))

    # Single pages

    def chooser(self) -> Output:
        """``/``: the reader chooses a language, and the browser remembers it."""
        return self._frame.bare("chooser.html", "index.html", self._settings.languages[0], "")

    def not_found(self, language: str) -> Output:
        """``en/404.html``; for an empty language ``404.html``, which holds all and shows the one of the address.

        Its links begin with the site's base path, since a server shows it at any depth.
        """
        uri = f"{language}/404.html" if language else "404.html"
        languages = (language,) if language else self._settings.languages
        return self._frame.bare("404.html", uri, languages[0], self._settings.base_path, languages=languages)

    def redirect(self, uri: str, target: str) -> Output:
        """A page at an old address that leads to a path; the fragment is kept where scripts run."""
        language = target.split("/", 1)[0]
        if language not in self._settings.languages:
            language = self._settings.languages[0]
        return self._frame.bare(
            "redirect.html",
            uri,
            language,
            root_of(uri),
            target=relative(target, uri),
            canonical=self._settings.site_url + target if self._settings.site_url else "",
        )

    def assets(self) -> tuple[Output, ...]:
        """Style sheets, scripts, fonts and reveal.js.

        Raises ConfigError when the installation is incomplete.
        """
        return theme_assets.assets()

    def strings(self, language: str) -> Mapping[str, str]:
        """All interface texts of a language by dotted key, for the drawing of diagrams.

        Raises ConfigError for a language without texts.
        """
        return load_strings(language).flat()


def has_home(entries: Mapping[str, Sequence[Entry]]) -> bool:
    """Whether a document is the start page."""
    return any(entry.document_id == HOME and entry.kind is Kind.PAGE for listed in entries.values() for entry in listed)


def byline_event(events: Sequence[Event], language: str) -> Event | None:
    """The event on a deck's title slide: the latest that is given in its language, else the latest of all.

    Not the next one from today: equal sources make equal pages.
    """
    own = [event for event in events if event.language == language]
    return max(own or events, key=lambda event: (event.date, event.id), default=None)
