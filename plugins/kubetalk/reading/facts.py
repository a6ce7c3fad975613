"""The YAML file of a document (talk.yml, post.yml, page.yml) and tags.yml: strict, every problem with its line.

The tables below are the only description of the format; `schema` publishes them for editors.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import yaml

from kubetalk.errors import ContentError, KubetalkError
from kubetalk.model import Event, Facts, Kind, Layer, Location, SandboxRequest
from kubetalk.reading.spelling import did_you_mean
from kubetalk.reading.yaml_fields import (
    LANGUAGE,
    SLUG,
    Choice,
    Date,
    Flag,
    Key,
    ListOf,
    LocalWords,
    Reader,
    Table,
    Values,
    Whole,
    Words,
    compose,
    kind_of,
)

_TITLE = LocalWords()
_DATE = Date()
_SLUG = Words(SLUG, "lower-case letters, digits and single hyphens", ("getting-started",))
_LANGUAGE = Words(LANGUAGE, "a language such as `en` or `ja`")
_TAGS = ListOf(_SLUG)
_URL = Words(r"https?://[^\s]+", "an address that starts with `https://`", ("https://example.org/meetup",))
_VERSION = Words(r"1\.[0-9]{1,3}", "a Kubernetes minor such as `1.36`", ("1.36",))
_NODES = Whole(1, 100)
_AVAILABLE = Choice(("available",))
_FLAG = Flag()


def _sandbox(values: Values) -> SandboxRequest:
    if "layer" in values.nodes:
        return _on_layer(values)
    return SandboxRequest(
        kubernetes=values.get("kubernetes", _VERSION) or "",
        nodes=values.get("nodes", _NODES) or SandboxRequest().nodes,
        istio=values.get("istio", _AVAILABLE) is not None,
        gateway_api=values.get("gateway-api", _AVAILABLE) is not None,
    )


def _on_layer(values: Values) -> SandboxRequest:
    layers = values.reader.layers
    name = values.get("layer", _SLUG)
    if name is None:
        return SandboxRequest()
    if name not in layers:
        remedy = did_you_mean(name, layers) or "Define it under `layers:`, an option of the plugin in mkdocs.yml."
        values.reader.error(values.nodes["layer"], f"there is no layer `{name}`", remedy)
        return SandboxRequest()
    for key, node in values.nodes.items():
        if key != "layer":
            remedy = f"Leave it out; mkdocs.yml says what the layer `{name}` has."
            values.reader.error(node, f"`{key}` cannot be chosen on a layer, which has it already", remedy)
    return layers[name]


_CLUSTER: Mapping[str, Key] = {
    "kubernetes": Key(_VERSION, "the Kubernetes minor the document is about"),
    "nodes": Key(_NODES, "how many nodes the cluster has"),
    "istio": Key(_AVAILABLE, "`available` puts istioctl on the PATH and lets Istio be installed"),
    "gateway-api": Key(_AVAILABLE, "`available` installs the Gateway API definitions before the first command"),
}
SANDBOX: Table[SandboxRequest] = Table(
    {**_CLUSTER, "layer": Key(_SLUG, "the layer of mkdocs.yml that the session begins on, instead of all others")},
    _sandbox,
)
"""Also read from the front matter of an ordinary page of the site."""

_COMMANDS = ListOf(Words())


def _layer(values: Values) -> SandboxRequest:
    commands = tuple(command for command, _ in values.get("run", _COMMANDS) or ())
    if "run" in values.nodes and not commands:
        values.reader.error(values.nodes["run"], f"`{values.name}.run` has no command", "A layer is what they leave.")
    name = values.name.rpartition(".")[2]
    request = values.get("sandbox", Table(_CLUSTER, _sandbox)) or SandboxRequest()
    return replace(request, layer=Layer(name, commands, values.reader.at(values.node)))


LAYER: Table[SandboxRequest] = Table(
    {
        "sandbox": Key(Table(_CLUSTER, _sandbox), "the cluster the commands talk to"),
        "run": Key(_COMMANDS, "the commands that make the layer, in order", required=True),
    },
    _layer,
)
"""One entry of the plugin's option ``layers``; the last part of its name is the layer's."""


@dataclass(frozen=True, slots=True)
class _EventNode:
    event: Event
    node: yaml.Node
    language_node: yaml.Node


def _event(values: Values) -> _EventNode | None:
    id_, date, name = values.get("id", _SLUG), values.get("date", _DATE), values.get("name", _TITLE)
    url, language = values.get("url", _URL) or "", values.get("language", _LANGUAGE) or ""
    if id_ is None or date is None or name is None:
        return None
    return _EventNode(Event(id_, date, name, url, language), values.node, values.nodes.get("language", values.node))


_EVENTS = ListOf(
    Table(
        {
            "id": Key(_SLUG, "a short name, unique in this talk", required=True),
            "date": Key(_DATE, "the day it was or will be given", required=True),
            "name": Key(_TITLE, "what the meetup is called", required=True),
            "url": Key(_URL, "where people register or read about it"),
            "language": Key(_LANGUAGE, "the language it is given in"),
        },
        _event,
    )
)
_PATHS = ListOf(
    Words(
        r"/(?!/)(?!.*//)(?!.*(^|/)\.\.?(/|$))[^\s?#\\]*",
        "a path on this site such as `/posts/2018/11/17/old-name/`",
        ("/posts/2018/11/17/old-name/",),
    )
)
_LANGUAGES = ListOf(_LANGUAGE)

_COMMON: Mapping[str, Key] = {
    "title": Key(_TITLE, "the title, one text or one per language", required=True),
    "date": Key(_DATE, "the day it is from"),
    "description": Key(_TITLE, "one or two sentences for lists, feeds and search engines"),
    "tags": Key(_TAGS, "ids from tags.yml"),
    "sandbox": Key(SANDBOX, "the cluster its commands talk to"),
    "redirect_from": Key(_PATHS, "old paths that lead here"),
    "languages": Key(_LANGUAGES, "the languages it is written in, if it is not all of the site's"),
    "draft": Key(_FLAG, "`true`: only `mkdocs serve` shows it, a build leaves it out"),
}
_KEYS: Mapping[Kind, Mapping[str, Key]] = {
    Kind.TALK: {**_COMMON, "events": Key(_EVENTS, "where it was or will be given")},
    Kind.POST: {**_COMMON, "date": Key(_DATE, "the day it is published; part of its address", required=True)},
    Kind.PAGE: _COMMON,
}


_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema(kind: Kind) -> dict[str, object]:
    """JSON Schema (draft 2020-12) of talk.yml, post.yml or page.yml, for editors; plain data, ready for `json.dump`."""
    table: Table[None] = Table(_KEYS[kind], lambda _values: None)
    return {
        "$schema": _DIALECT,
        "title": f"kubetalk {kind.value}.yml",
        "description": f"The facts all languages of a {kind.value} share.",
        **table.schema(),
    }


def tags_schema() -> dict[str, object]:
    """JSON Schema of tags.yml."""
    return {
        "$schema": _DIALECT,
        "title": "kubetalk tags.yml",
        "description": "Tag ids, and what each is called in the site's languages.",
        "type": "object",
        "propertyNames": {"pattern": f"^({SLUG})$"},
        "additionalProperties": _TITLE.schema(),
    }


def read_facts(
    source: str,
    path: str,
    kind: Kind,
    languages: tuple[str, ...],
    tags: Mapping[str, Mapping[str, str]] | None,
    errors: list[KubetalkError],
    layers: Mapping[str, SandboxRequest] = MappingProxyType({}),
) -> Facts | None:
    """The facts of a document; None only if the file is no mapping at all.

    ``languages`` are the site's, ``tags`` what tags.yml defines (None: there is no tags.yml, every tag is fine),
    ``layers`` what mkdocs.yml defines.
    Problems are appended to ``errors``; the facts that could be read are still returned, so that the texts are looked
    at in the same pass.
    """
    reader = Reader(path, languages, errors, layers)
    node = compose(source, reader)
    if node is None:
        if not source.strip() or not errors or errors[-1].where.partition(":")[0] != path:
            message, remedy = "the file is empty", "Write at least `title:`."
            errors.append(ContentError(message, where=Location(path), remedy=remedy))
        return None
    table: Table[Facts] = Table(_KEYS[kind], lambda values: _facts(values, kind, tags))
    return table.read(node, reader, "")


def _facts(values: Values, kind: Kind, tags: Mapping[str, Mapping[str, str]] | None) -> Facts:
    reader = values.reader
    written = _languages(values)
    spoken = written or reader.languages
    title = _complete(values, "title", values.get("title", _TITLE), spoken)
    description = _complete(values, "description", values.get("description", _TITLE), spoken)
    known_tags = _tags(values, tags)
    old_paths = values.get("redirect_from", _PATHS) or ()
    return Facts(
        title=title,
        location=Location(reader.path, values.node.start_mark.line + 1),
        date=values.get("date", _DATE),
        description=description,
        tags=known_tags,
        sandbox=values.get("sandbox", SANDBOX) or SandboxRequest(),
        events=_events(values, spoken) if kind is Kind.TALK else (),
        redirect_from=tuple(path for path, _ in old_paths),
        redirect_lines=tuple(node.start_mark.line + 1 for _, node in old_paths),
        languages=written,
        draft=bool(values.get("draft", _FLAG)),
    )


def _languages(values: Values) -> tuple[str, ...]:
    found: list[str] = []
    for language, node in values.get("languages", _LANGUAGES) or ():
        if language not in values.reader.languages:
            remedy = did_you_mean(language, values.reader.languages)
            values.reader.error(node, f"`{language}` is not a language of this site", remedy)
        elif language in found:
            values.reader.error(node, f"language `{language}` is listed twice")
        else:
            found.append(language)
    written = values.nodes.get("languages")
    if isinstance(written, yaml.SequenceNode) and not written.value:
        values.reader.error(written, "`languages` is an empty list", "Leave the key out if all languages are written.")
    return tuple(language for language in values.reader.languages if language in found)


def _complete(
    values: Values, key: str, found: Mapping[str, str] | None, languages: tuple[str, ...]
) -> Mapping[str, str]:
    if found is None:
        return {}
    missing = [language for language in languages if language not in found]
    # A text of the wrong type was already told; here is only what the author forgot.
    node = values.nodes[key]
    given = {str(child.value) for child, _ in node.value} if isinstance(node, yaml.MappingNode) else set()
    for language in missing:
        if language not in given:
            values.reader.error(node, f"`{key}` has no text in `{language}`", f"Add `{key}.{language}`.")
    return {language: found[language] for language in values.reader.languages if language in found}


def _tags(values: Values, known: Mapping[str, Mapping[str, str]] | None) -> tuple[str, ...]:
    found: list[str] = []
    for tag, node in values.get("tags", _TAGS) or ():
        if tag in found:
            values.reader.error(node, f"tag `{tag}` is listed twice")
        elif known is not None and tag not in known:
            remedy = did_you_mean(tag, known) or "Add it to tags.yml."
            values.reader.error(node, f"tag `{tag}` is not defined in tags.yml", remedy)
        else:
            found.append(tag)
    return tuple(found)


def _events(values: Values, spoken: tuple[str, ...]) -> tuple[Event, ...]:
    """By date, in whatever order they are written."""
    found: dict[str, int] = {}
    events = []
    for item, node in values.get("events", _EVENTS) or ():
        event, line = item.event, node.start_mark.line + 1
        if event.id in found:
            message = f"event id `{event.id}` was already given in line {found[event.id]}"
            values.reader.error(node, message, "Give each event its own id.")
            continue
        found[event.id] = line
        if event.language and event.language not in values.reader.languages:
            # A talk may be given in a language the site does not have; a typing error of one it has is more likely.
            near = did_you_mean(event.language, values.reader.languages)
            if near.startswith("Did"):
                values.reader.error(item.language_node, f"`{event.language}` is not a language of this site", near)
        for language in spoken:
            if language not in event.name:
                message = f"the name of event `{event.id}` has no text in `{language}`"
                values.reader.error(node, message, "Write one text for all languages, or one for each.")
        events.append(event)
    return tuple(sorted(events, key=lambda event: (event.date, event.id)))


def read_tags(
    source: str, path: str, languages: tuple[str, ...], errors: list[KubetalkError]
) -> Mapping[str, Mapping[str, str]]:
    """tags.yml: tag id to one label per language. Problems are appended to ``errors``."""
    reader = Reader(path, languages, errors)
    node = compose(source, reader)
    if node is None:
        return {}
    if not isinstance(node, yaml.MappingNode):
        reader.error(node, f"the file is {kind_of(node)}, it has to be a mapping of tag ids to labels")
        return {}
    tags: dict[str, Mapping[str, str]] = {}
    for key_node, value in node.value:
        key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else ""
        if not re.fullmatch(SLUG, key):
            message = f"the tag id is {kind_of(key_node)}, it has to be lower-case letters, digits and single hyphens"
            reader.error(key_node, message)
        elif key in tags:
            reader.error(key_node, f"tag `{key}` is defined twice")
        elif (label := _TITLE.read(value, reader, key)) is not None:
            tags[key] = label
            for language in languages:
                if language not in label:
                    reader.error(value, f"tag `{key}` has no label in `{language}`", f"Add `{key}.{language}`.")
    return tags
