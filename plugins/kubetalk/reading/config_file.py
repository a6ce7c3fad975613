"""mkdocs.yml as the command line reads it, without MkDocs, and the line in which an option stands."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from kubetalk.errors import ConfigError
from kubetalk.model import Location


def shown(value: object) -> str:
    """A value as an error names it."""
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "an empty list" if not value else "a list"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def plugin_options(plugins: object, path: Path) -> Mapping[str, Any]:
    """What ``plugins`` of a configuration gives the plugin kubetalk. Raises ConfigError if it is not there."""
    entries: list[object] = []
    if isinstance(plugins, Mapping):
        entries = [{name: value} for name, value in plugins.items()]
    elif isinstance(plugins, list):
        entries = plugins
    for entry in entries:
        if entry == "kubetalk":
            return {}
        if isinstance(entry, Mapping) and "kubetalk" in entry:
            value = entry["kubetalk"]
            if value is None:
                return {}
            if isinstance(value, Mapping):
                return value
            message = f"the options of the plugin kubetalk are {shown(value)}, they have to be a mapping"
            raise ConfigError(message, where=option_place(path, "kubetalk"))
    raise ConfigError(
        "the plugin kubetalk is not switched on", where=Location(path.name), remedy="Add `- kubetalk` under `plugins:`."
    )


def load_config(path: Path, environ: Mapping[str, str], seen: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The content of a mkdocs.yml and of what it inherits from, foreign tags read as far as kubetalk needs them.

    ``seen`` are the files that led here. Raises ConfigError.
    """
    where = Location(path.name)
    if path in seen:
        raise ConfigError("INHERIT goes round in a circle", where=where)
    try:
        source = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        remedy = "Run the command in the folder of mkdocs.yml, or name the file with `--config-file`."
        raise ConfigError(f"there is no {path.name}", where=str(path.parent), remedy=remedy) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path.name} cannot be read: {error}", where=where) from error
    loader = _ConfigLoader(source)
    loader.environ = environ
    try:
        config = loader.get_single_data()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Location(path.name, mark.line + 1 if mark else 0)
        raise ConfigError(f"not valid YAML: {error.problem or error.context}", where=place) from error
    except yaml.YAMLError as error:
        raise ConfigError(f"not valid YAML: {error}", where=where) from error
    finally:
        loader.dispose()
    if not isinstance(config, dict):
        raise ConfigError(f"the file is {shown(config)}, it has to be a mapping", where=where)
    parent = config.pop("INHERIT", None)
    if not isinstance(parent, str):
        return config
    inherited = Path(os.path.normpath(path.parent / parent))
    return _merge(load_config(inherited, environ, (*seen, path)), config)


def _merge(base: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """MkDocs' rule for INHERIT: mappings are merged key by key, everything else is replaced."""
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        merged[key] = _merge(old, value) if isinstance(old, dict) and isinstance(value, Mapping) else value
    return merged


class _ConfigLoader(yaml.SafeLoader):
    """mkdocs.yml may hold tags that only MkDocs and its extensions understand; none of them may stop us."""

    environ: Mapping[str, str] = {}


def _env(loader: _ConfigLoader, node: yaml.Node) -> object:
    """``!ENV NAME`` and ``!ENV [NAME, …, default]``, values typed as YAML would type them, as MkDocs does."""
    names: list[Any] = (
        loader.construct_sequence(node) if isinstance(node, yaml.SequenceNode) else [_plain(loader, node)]
    )
    default = names.pop() if len(names) > 1 else None
    for name in names:
        if str(name) in loader.environ:
            value = loader.environ[str(name)]
            tag = loader.resolve(yaml.ScalarNode, value, (True, False))  # type: ignore[no-untyped-call]
            return loader.construct_object(yaml.ScalarNode(tag, value))
    return default


def _plain(loader: _ConfigLoader, node: yaml.Node) -> object:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return node.value


_ConfigLoader.add_constructor("!ENV", _env)
_ConfigLoader.add_multi_constructor("!", lambda loader, _suffix, node: _plain(loader, node))
_ConfigLoader.add_multi_constructor("tag:yaml.org,2002:python/", lambda loader, _suffix, node: _plain(loader, node))


def option_place(path: Path, key: str, below: str = "") -> Location:
    """Where an option of the plugin, or a key of MkDocs, is written; with ``below`` a name in what it holds.

    ``kubetalk`` stands for the plugin itself. Files that the configuration inherits from are looked through too; one
    that cannot be read is no error here. Without a line if it is nowhere.
    """
    files = tuple(_inherited(path))
    for wanted in dict.fromkeys([below, ""]):
        for file, root in files:
            if line := _line_in(root, key, wanted):
                return Location(os.path.relpath(file, path.parent).replace(os.sep, "/"), line)
    return Location(path.name)


def config_files(path: Path) -> tuple[Path, ...]:
    """A configuration and those it inherits from, the nearest first, as far as they can be read."""
    return tuple(file for file, _ in _inherited(path))


def _inherited(path: Path) -> Iterator[tuple[Path, yaml.MappingNode]]:
    """A configuration and those it inherits from, the nearest first, as YAML nodes."""
    seen: set[Path] = set()
    while path not in seen:
        seen.add(path)
        try:
            root = yaml.compose(path.read_text(encoding="utf-8-sig"), Loader=yaml.SafeLoader)
        except (OSError, ValueError, yaml.YAMLError):
            return
        if not isinstance(root, yaml.MappingNode):
            return
        yield path, root
        parent = next((value.value for name, value in root.value if name.value == "INHERIT"), None)
        if not isinstance(parent, str):
            return
        path = Path(os.path.normpath(path.parent / parent))


def _line_in(root: yaml.MappingNode, key: str, below: str) -> int:
    """The line of an option of the plugin, else of a key of MkDocs; 0 if it is neither."""
    top = {str(name.value): (name, value) for name, value in root.value}
    for name, value in _pairs_below(top["plugins"][1]) if "plugins" in top else ():
        if name.value != "kubetalk":
            continue
        if key == "kubetalk":
            return int(name.start_mark.line) + 1
        for option, content in _pairs_below(value):
            if option.value == key:
                inner = [found for found, _ in _pairs_below(content) if found.value == below] if below else [option]
                return int(inner[0].start_mark.line) + 1 if inner else 0
    return int(top[key][0].start_mark.line) + 1 if key in top and not below else 0


def _pairs_below(node: yaml.Node) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    """The pairs of a mapping, or of all mappings in a list."""
    for entry in node.value if isinstance(node, yaml.SequenceNode) else [node]:
        if isinstance(entry, yaml.MappingNode):
            yield from entry.value
