"""Whole MkDocs sites built in a temporary folder, and a loopback server for them."""

from __future__ import annotations

import functools
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol, cast

import pytest
import yaml
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.config.config_options import Plugins
from mkdocs.config.defaults import MkDocsConfig

ROOT = Path(__file__).parents[2]

DEFAULT_CONFIG: dict[str, Any] = {
    "site_name": "Test site",
    "site_url": "https://example.org/",
    "theme": {"name": "material"},
    "plugins": ["kubetalk"],
}


@dataclass(frozen=True)
class Site:
    """One built site."""

    project_dir: Path
    site_dir: Path
    warnings: tuple[str, ...]
    """What MkDocs and its plugins logged at WARNING or above, in order."""

    def read(self, uri: str) -> str:
        """The text of a file of the site, such as `en/talks/x/index.html`."""
        return (self.site_dir / uri).read_text(encoding="utf-8")


class BuildSite(Protocol):
    """See the fixture `build_site`."""

    def __call__(
        self,
        files: Mapping[str, str | bytes],
        config: Mapping[str, Any] | None = None,
        *,
        execution: str = "replay",
        expect_warnings: bool = False,
    ) -> Site:
        """Builds the site; call it again with changed files to rebuild the same project."""


@pytest.fixture
def build_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BuildSite:
    """A function that writes files into a project folder and builds it with MkDocs, in this process.

    `files` are paths below the project (`docs/talks/x/en.md`). `config` is merged over DEFAULT_CONFIG; give
    `mkdocs.yml` among the files to write it whole. Unless `expect_warnings`, any warning fails the test.
    A broken site raises what MkDocs raises (`mkdocs.exceptions.Abort` or `PluginError`).
    """
    project = tmp_path / "project"

    def build_one(
        files: Mapping[str, str | bytes],
        config: Mapping[str, Any] | None = None,
        *,
        execution: str = "replay",
        expect_warnings: bool = False,
    ) -> Site:
        (project / "docs").mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            path = project / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        if "mkdocs.yml" not in files:
            merged = {**DEFAULT_CONFIG, **(config or {})}
            (project / "mkdocs.yml").write_text(yaml.safe_dump(merged, sort_keys=False), encoding="utf-8")
        monkeypatch.setenv("KUBETALK_EXECUTION", execution)

        with _collected_warnings() as warnings:
            # MkDocs keeps plugin instances on the class: without this, the one of the previous test is used again.
            cast("Plugins", MkDocsConfig.plugins).plugin_cache.clear()
            loaded = load_config(config_file=str(project / "mkdocs.yml"))
            site_dir = Path(loaded.site_dir)  # the plugin builds elsewhere and moves the site here at the end
            loaded.plugins.on_startup(command="build", dirty=False)
            try:
                build(loaded)
            finally:
                loaded.plugins.on_shutdown()
        site = Site(project, site_dir, tuple(warnings))
        if not expect_warnings:
            assert site.warnings == ()
        return site

    return build_one


@pytest.fixture(scope="session")
def docs_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This repository's own site, built once from its recordings by the command that people use; its folder."""
    site_dir = tmp_path_factory.mktemp("docs") / "site"
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site_dir)],
        cwd=ROOT,
        env={**os.environ, "KUBETALK_EXECUTION": "replay", "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return site_dir


class _collected_warnings:  # noqa: N801  reads as a verb in its with statement
    """Gathers what goes to the loggers whose warnings `mkdocs build --strict` counts."""

    def __enter__(self) -> list[str]:
        self._found: list[str] = []
        found = self._found

        class Collector(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                found.append(record.getMessage())

        self._handler = Collector(logging.WARNING)
        logging.getLogger("mkdocs").addHandler(self._handler)
        return found

    def __exit__(self, *exc: object) -> None:
        logging.getLogger("mkdocs").removeHandler(self._handler)


ServeSite = Callable[[Path], str]


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the parent's name
        """Says nothing: a test shows what it checks."""


@pytest.fixture(scope="session")
def serve_site() -> Iterator[ServeSite]:
    """A function that serves a folder on loopback until the tests end and gives its URL, ending with a slash."""
    servers: dict[Path, ThreadingHTTPServer] = {}

    def serve(folder: Path) -> str:
        if folder not in servers:
            handler = functools.partial(_QuietHandler, directory=str(folder))
            server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, name=f"serve {folder}", daemon=True).start()
            servers[folder] = server
        return f"http://127.0.0.1:{servers[folder].server_port}/"

    yield serve
    for server in servers.values():
        server.shutdown()
        server.server_close()
