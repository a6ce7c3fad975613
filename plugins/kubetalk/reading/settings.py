"""The plugin's options, from MkDocs or straight from mkdocs.yml: one reader, so that both entry points agree."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from pathspec import GitIgnoreSpec

from kubetalk.errors import ConfigError, KubetalkError, ManyErrors
from kubetalk.model import Execution, ProviderSettings, SandboxRequest, Settings
from kubetalk.reading.config_file import load_config, option_place, plugin_options, shown
from kubetalk.reading.facts import LAYER
from kubetalk.reading.spelling import did_you_mean
from kubetalk.reading.yaml_fields import LANGUAGE, SLUG, Reader

OPTIONS: tuple[str, ...] = (
    "languages",
    "site_name",
    "site_description",
    "author",
    "execution",
    "provider",
    "cache_dir",
    "jobs",
    "layers",
)
"""Every option of the plugin; MkDocs' option class is tested against it."""

SITE_KEYS: tuple[str, ...] = (
    "site_name",
    "site_url",
    "docs_dir",
    "site_dir",
    "copyright",
    "repo_url",
    "site_author",
    "site_description",
    "exclude_docs",
)
"""The keys of MkDocs that kubetalk reads."""

PROVIDERS: tuple[str, ...] = ("embedded", "kind", "context")
_PROVIDER_KEYS = ("name", "context", "kubeconfig", "binaries")
_MOST_JOBS = 64
_DEFAULTS = Settings(project_dir=Path(), docs_dir=Path(), site_dir=Path(), site_name={}, site_url="")


def read_settings(
    options: Mapping[str, Any],
    *,
    config_path: Path,
    site: Mapping[str, Any],
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """The checked options of a build.

    ``options`` are the plugin's own (`OPTIONS`), ``site`` MkDocs' (`SITE_KEYS`); None counts as not given. The
    environment variables KUBETALK_EXECUTION and KUBETALK_JOBS override ``execution`` and ``jobs``,
    KUBETALK_BUILD_SANDBOX=1 lets a session that needs the sandbox's binary build it. All paths of the
    result are absolute. Raises ConfigError, or ManyErrors if several options are wrong.
    """
    return _OptionReader(options, config_path, site, os.environ if environ is None else environ).settings()


class _OptionReader:
    def __init__(
        self, options: Mapping[str, Any], config_path: Path, site: Mapping[str, Any], environ: Mapping[str, str]
    ) -> None:
        # `enabled` is MkDocs' own option of a plugin; it decides whether we are asked at all.
        self._options = {key: value for key, value in options.items() if value is not None and key != "enabled"}
        self._path = config_path
        self._site = site
        self._environ = environ
        self._errors: list[KubetalkError] = []
        self._project = Path(os.path.abspath(config_path)).parent  # noqa: PTH100 -- resolve() would follow symlinks

    def _error(self, key: str, message: str, remedy: str = "") -> None:
        self._errors.append(ConfigError(message, where=option_place(self._path, key), remedy=remedy))

    def settings(self) -> Settings:
        for key in self._options:
            if key not in OPTIONS:
                self._error(key, f"unknown option `{key}` of the plugin kubetalk", did_you_mean(key, OPTIONS))
        languages = self._languages()
        docs_dir = self._folder("docs_dir", "docs")
        settings = Settings(
            project_dir=self._project,
            docs_dir=docs_dir,
            site_dir=self._folder("site_dir", "site"),
            site_name=self._local("site_name", languages, required=True),
            site_url=self._url("site_url"),
            site_description=self._local("site_description", languages),
            author=self._text(self._options.get("author", self._site.get("site_author")), "author"),
            copyright=self._text(self._site.get("copyright"), "copyright"),
            repo_url=self._text(self._site.get("repo_url"), "repo_url"),
            languages=languages,
            execution=self._execution(),
            provider=self._provider(),
            cache_dir=self._cache_dir(docs_dir),
            jobs=self._jobs(),
            layers=self._layers(),
            exclude_docs=self._patterns("exclude_docs"),
        )
        if len(self._errors) == 1:
            raise self._errors[0]
        if self._errors:
            raise ManyErrors(self._errors)
        return settings

    def _text(self, value: object, key: str) -> str:
        if value is None:
            return ""
        if not isinstance(value, str | int | float) or isinstance(value, bool):
            self._error(key, f"`{key}` is {shown(value)}, it has to be text")
            return ""
        return str(value).strip()

    def _languages(self) -> tuple[str, ...]:
        default = _DEFAULTS.languages
        value = self._options.get("languages", default)
        if not isinstance(value, list | tuple) or not value:
            self._error("languages", f"`languages` is {shown(value)}, it has to be a list such as `[en, ja]`")
            return default
        found: list[str] = []
        for item in value:
            # YAML 1.1 reads the bare word `no` as false.
            language = {False: "no"}.get(item, item) if isinstance(item, bool) else item
            if not isinstance(language, str) or not re.fullmatch(LANGUAGE, language):
                remedy = "Write language tags such as `en`, `ja` or `pt-BR`."
                self._error("languages", f"`languages` holds {shown(item)}, which is no language tag", remedy)
            elif language in found:
                self._error("languages", f"`languages` holds `{language}` twice")
            else:
                found.append(language)
        return tuple(found) or default

    def _local(self, key: str, languages: tuple[str, ...], *, required: bool = False) -> Mapping[str, str]:
        value = self._options.get(key, self._site.get(key))
        if isinstance(value, Mapping):
            texts = {{False: "no"}.get(name, name): text for name, text in value.items()}
            for name in texts:
                if name not in languages:
                    remedy = did_you_mean(str(name), languages)
                    self._error(key, f"`{key}` has a text in `{name}`, which is not in `languages`", remedy)
            for language in languages:
                if not texts.get(language):
                    self._error(key, f"`{key}` has no text in `{language}`", f"Add `{key}.{language}`.")
            return {name: self._text(texts.get(name), f"{key}.{name}") for name in languages if texts.get(name)}
        text = self._text(value, key)
        if not text and required:
            self._error(key, f"{self._path.name} has no `{key}`", f"Add `{key}: …`.")
        return dict.fromkeys(languages, text) if text else {}

    def _url(self, key: str) -> str:
        url = self._text(self._site.get(key), key)
        if not url:
            return ""
        if not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", url):
            remedy = "Write it like `https://example.org/talks/`."
            self._error(key, f"`{key}` is `{url}`, it has to be an absolute address", remedy)
            return ""
        return url if url.endswith("/") else url + "/"

    def _folder(self, key: str, default: str) -> Path:
        return self._below_project(self._text(self._site.get(key), key) or default)

    def _below_project(self, value: str) -> Path:
        return Path(os.path.normpath(self._project / Path(value).expanduser()))

    def _patterns(self, key: str) -> tuple[str, ...]:
        value = self._site.get(key)
        lines = value.splitlines() if isinstance(value, str) else value or ()
        if not isinstance(lines, list | tuple) or not all(isinstance(line, str) for line in lines):
            self._error(key, f"`{key}` is {shown(value)}, it has to be text with one pattern per line")
            return ()
        try:
            GitIgnoreSpec.from_lines(lines)
        except ValueError as error:
            self._error(key, f"`{key}` holds a pattern that cannot be read: {error}")
            return ()
        return tuple(lines)

    def _execution(self) -> Execution:
        words = [item.value for item in Execution]
        if value := self._environ.get("KUBETALK_EXECUTION", ""):
            if value in words:
                return Execution(value)
            message = f"KUBETALK_EXECUTION is `{value}`, it has to be one of {', '.join(words)}"
            self._errors.append(ConfigError(message, where="environment", remedy=did_you_mean(value, words)))
            return Execution.AUTO
        given = self._options.get("execution", Execution.AUTO.value)
        if given not in words:
            message = f"`execution` is {shown(given)}, it has to be one of {', '.join(words)}"
            self._error("execution", message, did_you_mean(str(given), words))
            return Execution.AUTO
        return Execution(given)

    def _jobs(self) -> int:
        given: object = self._options.get("jobs", 1)
        if text := self._environ.get("KUBETALK_JOBS", ""):
            if not re.fullmatch(r"\d{1,3}", text, re.ASCII) or not 1 <= int(text) <= _MOST_JOBS:
                message = f"KUBETALK_JOBS is `{text}`, it has to be a whole number from 1 to {_MOST_JOBS}"
                self._errors.append(ConfigError(message, where="environment"))
                return 1
            return int(text)
        if not isinstance(given, int) or isinstance(given, bool) or not 1 <= given <= _MOST_JOBS:
            self._error("jobs", f"`jobs` is {shown(given)}, it has to be a whole number from 1 to {_MOST_JOBS}")
            return 1
        return given

    def _cache_dir(self, docs_dir: Path) -> Path:
        default = str(_DEFAULTS.cache_dir)
        path = self._below_project(self._text(self._options.get("cache_dir"), "cache_dir") or default)
        if path == docs_dir or docs_dir in path.parents:
            remedy = "Choose a folder outside: `mkdocs serve` would rebuild for ever."
            self._error("cache_dir", f"`cache_dir` is inside docs_dir (`{docs_dir.name}`)", remedy)
        return path

    def _layers(self) -> Mapping[str, SandboxRequest]:
        value = self._options.get("layers", {})
        if not isinstance(value, Mapping):
            self._error("layers", f"`layers` is {shown(value)}, it has to be a mapping of names to what they hold")
            return {}
        layers: dict[str, SandboxRequest] = {}
        for name, definition in value.items():
            if not isinstance(name, str) or not re.fullmatch(SLUG, name):
                message = f"{shown(name)} is no name of a layer"
                self._error("layers", message, "Write lower-case letters, digits and single hyphens.")
                continue
            # The values, as MkDocs has merged and resolved them, go through the reader of documents' own YAML.
            where = option_place(self._path, "layers", name)
            problems: list[KubetalkError] = []
            reader = Reader(self._path.name, errors=problems)
            node = yaml.compose(yaml.safe_dump(definition, default_flow_style=True), Loader=yaml.SafeLoader)
            request = LAYER.read(node, reader, f"layers.{name}") if node else None
            self._errors += [ConfigError(found.message, where=where, remedy=found.remedy) for found in problems]
            if request and request.layer and not problems:
                layers[name] = replace(request, layer=replace(request.layer, location=where))
        return layers

    def _provider(self) -> ProviderSettings:
        value = self._options.get("provider", {})
        if isinstance(value, str):
            value = {"name": value}
        if not isinstance(value, Mapping):
            self._error("provider", f"`provider` is {shown(value)}, it has to be a name or a mapping with `name`")
            return ProviderSettings()
        for key in value:
            if key not in _PROVIDER_KEYS:
                remedy = did_you_mean(str(key), _PROVIDER_KEYS)
                self._error("provider", f"unknown key `{key}` in `provider`", remedy)
        texts = {key: self._text(value.get(key), f"provider.{key}") for key in _PROVIDER_KEYS}
        name = texts["name"] or PROVIDERS[0]
        if name not in PROVIDERS:
            self._error("provider", f"unknown provider `{name}`", did_you_mean(name, PROVIDERS))
        elif name == "context" and not texts["context"]:
            remedy = "Add `provider.context`: the one context of your kubeconfig that may be used."
            self._error("provider", "provider `context` needs the name of a context", remedy)
        elif name != "context" and (texts["context"] or texts["kubeconfig"]):
            key = "context" if texts["context"] else "kubeconfig"
            remedy = f"Write `name: context`, or leave `provider.{key}` out."
            self._error("provider", f"`provider.{key}` belongs to provider `context`, not `{name}`", remedy)
        for key in ("kubeconfig", "binaries"):
            texts[key] = str(self._below_project(texts[key])) if texts[key] else ""
        build = self._environ.get("KUBETALK_BUILD_SANDBOX", "") == "1"
        return ProviderSettings(name, texts["context"], texts["kubeconfig"], texts["binaries"], build=build)


def read_config(path: Path, *, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings that a mkdocs.yml gives, without MkDocs: for the command line.

    ``!ENV``, ``!relative`` and ``!!python/name:`` are read as far as kubetalk needs them, ``INHERIT`` is followed.
    Raises ConfigError or ManyErrors.
    """
    surroundings = os.environ if environ is None else environ
    config = load_config(path, surroundings)
    found = plugin_options(config.get("plugins"), path)
    return read_settings(
        found, config_path=path, site={key: config.get(key) for key in SITE_KEYS}, environ=surroundings
    )
