"""The hooks of MkDocs, each a few lines: collect what MkDocs gives, call the pipeline, hand back outputs.

Everything that can fail runs in ``on_pre_build``: MkDocs empties the site folder only after that event, and the site
is built in a staging folder that replaces the old one at the very end, so a failed or killed build leaves the last
site whole.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from mkdocs.exceptions import PluginError
from mkdocs.plugins import BasePlugin, event_priority, get_plugin_logger
from mkdocs.structure.files import File

from kubetalk import pipeline
from kubetalk.errors import KubetalkError
from kubetalk.mkdocs_plugin.options import KubetalkOptions
from kubetalk.model import Execution, Output

if TYPE_CHECKING:
    from collections.abc import Callable

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

log = get_plugin_logger(__name__)

T = TypeVar("T")

_FENCE = "kubetalk-block"
_STAGING_SUFFIX = ".kubetalk-staging"


class KubetalkPlugin(BasePlugin[KubetalkOptions]):
    """Talks and posts with console output that is real."""

    def __init__(self) -> None:
        self._command = "build"
        self._site: pipeline.BuiltSite | None = None
        self._page: pipeline.HostPage | None = None
        self._final_dir: Path | None = None
        self._warm: pipeline.WarmSandboxes | None = None
        self._is_rebuild = False

    def on_startup(self, *, command: Literal["build", "gh-deploy", "serve"], dirty: bool) -> None:  # noqa: ARG002 -- MkDocs' signature
        """Having this hook makes MkDocs keep the object across rebuilds of `mkdocs serve`."""
        self._command = command

    @event_priority(-50)  # after plugins that change docs_dir or markdown_extensions
    def on_config(self, config: MkDocsConfig) -> MkDocsConfig:
        """Read the options, teach Markdown our placeholder fence, and build into a staging folder."""
        self._site = None
        if not self.config.enabled:
            return config
        self._settings = _converted(lambda: pipeline.settings_from_mkdocs(_options(self.config), _site(config)))
        if self._command == "serve":
            self._settings = pipeline.settings_for_serving(
                self._settings, _options(self.config), is_rebuild=self._is_rebuild
            )
            if self._settings.execution is not Execution.REPLAY:
                self._warm = self._warm or pipeline.WarmSandboxes()
        fences = config.mdx_configs.setdefault("pymdownx.superfences", {}).setdefault("custom_fences", [])
        if "pymdownx.superfences" not in config.markdown_extensions:
            config.markdown_extensions.append("pymdownx.superfences")
        fences.append({"name": _FENCE, "class": _FENCE, "format": self._format_block})
        # Our own 404 and sitemap know both languages; the theme's would be written over them.
        config.theme.static_templates -= {"404.html", "sitemap.xml"}
        if not pipeline.has_host_pages(self._settings):
            # The theme renders no page, so its files would be listed and copied for nobody.
            config.theme.dirs.clear()
        if self._command != "serve":
            self._final_dir = Path(config.site_dir)
            config.site_dir = str(self._final_dir) + _STAGING_SUFFIX
        return config

    def on_pre_build(self, *, config: MkDocsConfig) -> None:  # noqa: ARG002 -- MkDocs' signature
        """Run or replay every session, draw and render, all before MkDocs touches the site folder."""
        if self.config.enabled:
            self._site = _converted(lambda: pipeline.build_site(self._settings, progress=log.info, warm=self._warm))
            self._is_rebuild = True

    @event_priority(50)  # before Material's blog and tags plugins look at the files
    def on_files(self, files: Files, *, config: MkDocsConfig) -> Files:
        """Take the documents' sources out of MkDocs' hands and put the finished pages in."""
        if self._site is None:
            return files
        for file in list(files):
            if self._site.owns_source(file.src_uri):
                files.remove(file)
        pages = list(files.documentation_pages())
        by_uri = {file.dest_uri: file for file in files}
        for output in self._site.outputs_with(host_urls=[file.url for file in pages]):
            existing = by_uri.get(output.uri)
            if existing is not None and existing.src_dir in config.theme.dirs:
                files.remove(existing)  # the theme's own 404 and sitemap, no longer rendered
            elif existing is not None:
                continue  # the author's own file wins, such as docs/index.md
            if source := self._site.sources.get(output.uri):
                files.append(DocumentPage.at(config, source, output))
            else:
                files.append(File.generated(config, output.uri, content=output.content))
        return files

    @event_priority(100)  # before plugins that expand macros: `{{…}}` in a command is kubectl's
    def on_page_markdown(self, markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG002
        """Replace the live blocks of an ordinary page by placeholders that `_format_block` fills."""
        found = self._site.host_pages.get(page.file.src_uri) if self._site else None
        self._page = found
        return _converted(lambda: found.markdown(markdown)) if found else markdown

    def on_page_content(self, html: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG002
        """Give an ordinary page with live blocks the panel about them, and the styles and the script they need."""
        return html + self._page.provenance_html() + self._page.assets_html(page.url) if self._page else html

    def _format_block(self, source: str, *_: object, **__: object) -> str:
        """SuperFences' formatter: the placeholder holds the number of the block."""
        if self._page is None:
            raise PluginError(f"a {_FENCE} fence is kubetalk's own placeholder and cannot be written by hand")
        return self._page.block_html(int(source))

    @event_priority(-100)  # after every other plugin that writes into the site
    def on_post_build(self, *, config: MkDocsConfig) -> None:
        """Put the finished site in the place of the old one."""
        if self._warm:
            self._warm.settle()
        if self._final_dir is None:
            return
        staging, final = Path(config.site_dir), self._final_dir
        config.site_dir, self._final_dir = str(final), None
        old = final.with_name(final.name + ".kubetalk-old")
        shutil.rmtree(old, ignore_errors=True)
        if final.exists():
            final.rename(old)
        staging.rename(final)
        shutil.rmtree(old, ignore_errors=True)

    def on_build_error(self, *, error: Exception) -> None:  # noqa: ARG002 -- MkDocs' signature
        """Leave nothing half-built behind; the last good site stays."""
        if self._warm:
            self._warm.settle()
        if self._final_dir is not None:
            shutil.rmtree(str(self._final_dir) + _STAGING_SUFFIX, ignore_errors=True)
            self._final_dir = None

    def on_shutdown(self) -> None:
        """End what `mkdocs serve` kept."""
        if self._warm:
            self._warm.close()


class DocumentPage(File):
    """A finished page of a document, known to MkDocs by the text it was made of.

    So MkDocs' own links from an ordinary page to the text, and an entry in `nav`, lead to the page.
    """

    @classmethod
    def at(cls, config: MkDocsConfig, source: str, output: Output) -> DocumentPage:
        """The page that stands for the text ``source``, a uri below docs_dir."""
        page = cls(source, None, config.site_dir, config.use_directory_urls, dest_uri=output.uri)
        page.generated_by = "kubetalk"
        content = output.content
        page.content_bytes = content if isinstance(content, bytes) else content.encode()
        return page

    def is_documentation_page(self) -> bool:
        """It is rendered already."""
        return False


def _site(config: MkDocsConfig) -> dict[str, Any]:
    """MkDocs' own options, `exclude_docs` as its lines again."""
    patterns = config.exclude_docs.patterns if config.exclude_docs else ()
    return {**config, "exclude_docs": [str(pattern.pattern) for pattern in patterns if pattern.pattern]}


def _options(options: KubetalkOptions) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None and name != "enabled"}


def _converted(call: Callable[[], T]) -> T:
    """Run ``call`` with kubetalk's errors as MkDocs' own, so that they end as one line and not as a traceback."""
    try:
        return call()
    except KubetalkError as error:
        raise PluginError(str(error)) from error
