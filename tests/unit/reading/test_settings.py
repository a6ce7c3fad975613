"""The options of the plugin, from MkDocs' mapping and from mkdocs.yml itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from kubetalk.errors import ConfigError, KubetalkError
from kubetalk.model import Execution, Layer, Location, ProviderSettings, SandboxRequest, Settings
from kubetalk.reading import OPTIONS, read_config, read_settings
from tests.unit.reading.conftest import told

SITE = {"site_name": "Site", "site_url": "https://example.org/x"}


def read(options: Mapping[str, Any], tmp_path: Path, **environ: str) -> Settings:
    return read_settings(options, config_path=tmp_path / "mkdocs.yml", site=SITE, environ=environ)


def problems(options: Mapping[str, Any], tmp_path: Path, **environ: str) -> list[str]:
    with pytest.raises(KubetalkError) as caught:
        read(options, tmp_path, **environ)
    return told(caught.value)


def test_defaults(tmp_path: Path) -> None:
    settings = read({}, tmp_path)
    assert settings == Settings(
        project_dir=tmp_path,
        docs_dir=tmp_path / "docs",
        site_dir=tmp_path / "site",
        site_name={"en": "Site", "ja": "Site"},
        site_url="https://example.org/x/",
        cache_dir=tmp_path / ".cache/kubetalk",
    )
    assert settings.base_path == "/x/"


def test_everything(tmp_path: Path) -> None:
    options = {
        "languages": ["ja", "pt-BR"],
        "site_name": {"ja": "サイト", "pt-BR": "Sítio"},
        "site_description": "about",
        "author": "somebody",
        "execution": "live",
        "provider": {"name": "context", "context": "kind-x", "kubeconfig": "kube/config"},
        "cache_dir": "build/cache",
        "jobs": 3,
        "layers": {"shop": {"sandbox": {"istio": "available", "nodes": 5}, "run": ["kubectl create ns shop"]}},
    }
    assert set(options) == set(OPTIONS)
    settings = read(options, tmp_path)
    assert settings.languages == ("ja", "pt-BR")
    assert settings.site_name == {"ja": "サイト", "pt-BR": "Sítio"}
    assert settings.site_description == {"ja": "about", "pt-BR": "about"}
    assert (settings.author, settings.execution, settings.jobs) == ("somebody", Execution.LIVE, 3)
    assert settings.provider == ProviderSettings("context", "kind-x", str(tmp_path / "kube/config"))
    assert settings.cache_dir == tmp_path / "build/cache"
    layer = Layer("shop", ("kubectl create ns shop",))
    assert settings.layers == {"shop": SandboxRequest(nodes=5, istio=True, layer=layer)}


def test_layers_know_their_line_and_their_mistakes(tmp_path: Path) -> None:
    config = tmp_path / "mkdocs.yml"
    text = """site_name: x
plugins:
  - kubetalk:
      layers:
        fine: {run: [echo a]}
        wrong:
          sandbox: {istoi: available, nodes: 0}
          run: []
        none: {sandbox: {layer: fine}}
        text: kubectl
"""
    config.write_text(text, encoding="utf-8")
    with pytest.raises(KubetalkError) as caught:
        read_config(config, environ={})
    kinds = "`kubernetes`, `nodes`, `istio`, `gateway-api`"
    assert sorted(told(caught.value)) == [
        "mkdocs.yml:10: `layers.text` is `kubectl`, it has to be a mapping with `sandbox`, `run`",
        "mkdocs.yml:6: `layers.wrong.run` has no command. A layer is what they leave.",
        "mkdocs.yml:6: `layers.wrong.sandbox.nodes` is `0`, it has to be a whole number from 1 to 100",
        "mkdocs.yml:6: unknown key `istoi` in `layers.wrong.sandbox`. Did you mean `istio`?",
        "mkdocs.yml:9: `layers.none` has no `run`. Add `run`: the commands that make the layer, in order.",
        f"mkdocs.yml:9: unknown key `layer` in `layers.none.sandbox`. Known: {kinds}.",
    ]
    config.write_text(text.partition("        wrong:")[0], encoding="utf-8")
    layer = read_config(config, environ={}).layers["fine"].layer
    assert layer == Layer("fine", ("echo a",))
    assert layer.location == Location("mkdocs.yml", 5)


def test_environment_overrides(tmp_path: Path) -> None:
    settings = read({"execution": "live", "jobs": 2}, tmp_path, KUBETALK_EXECUTION="replay", KUBETALK_JOBS="5")
    assert (settings.execution, settings.jobs) == (Execution.REPLAY, 5)
    assert problems({}, tmp_path, KUBETALK_EXECUTION="relay", KUBETALK_JOBS="0") == [
        "environment: KUBETALK_EXECUTION is `relay`, it has to be one of live, replay, auto. Did you mean `replay`?",
        "environment: KUBETALK_JOBS is `0`, it has to be a whole number from 1 to 64",
    ]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"langages": ["en"]}, "unknown option `langages` of the plugin kubetalk. Did you mean `languages`?"),
        ({"languages": "en"}, "`languages` is `en`, it has to be a list such as `[en, ja]`"),
        ({"layers": ["shop"]}, "`layers` is a list, it has to be a mapping of names to what they hold"),
        (
            {"layers": {"My Shop": {}}},
            "`My Shop` is no name of a layer. Write lower-case letters, digits and single hyphens.",
        ),
        ({"languages": []}, "`languages` is an empty list, it has to be a list such as `[en, ja]`"),
        ({"languages": ["en", "en"]}, "`languages` holds `en` twice"),
        ({"languages": ["English"]}, "`languages` holds `English`, which is no language tag"),
        ({"site_name": {"en": "x"}}, "`site_name` has no text in `ja`. Add `site_name.ja`."),
        (
            {"site_name": {"en": "x", "ja": "y", "fr": "z"}},
            "`site_name` has a text in `fr`, which is not in `languages`",
        ),
        ({"site_name": ["x"]}, "`site_name` is a list, it has to be text"),
        ({"execution": "rerun"}, "`execution` is `rerun`, it has to be one of live, replay, auto"),
        ({"jobs": True}, "`jobs` is `true`, it has to be a whole number from 1 to 64"),
        ({"jobs": 0}, "`jobs` is `0`"),
        ({"cache_dir": "docs/.cache"}, "`cache_dir` is inside docs_dir (`docs`). Choose a folder outside"),
        ({"provider": "embeded"}, "unknown provider `embeded`. Did you mean `embedded`?"),
        ({"provider": ["kind"]}, "`provider` is a list, it has to be a name or a mapping with `name`"),
        ({"provider": {"nam": "kind"}}, "unknown key `nam` in `provider`. Did you mean `name`?"),
        ({"provider": "context"}, "provider `context` needs the name of a context"),
        (
            {"provider": {"name": "kind", "context": "x"}},
            "`provider.context` belongs to provider `context`, not `kind`",
        ),
    ],
)
def test_wrong_options(options: Mapping[str, Any], expected: str, tmp_path: Path) -> None:
    found = problems(options, tmp_path)
    assert any(line.startswith(f"mkdocs.yml: {expected}") for line in found), found


def test_language_no_is_a_word(tmp_path: Path) -> None:
    settings = read({"languages": [False, "en"], "site_name": {False: "Sted", "en": "Site"}}, tmp_path)
    assert settings.site_name == {"no": "Sted", "en": "Site"}


def test_wrong_site_url_and_missing_name(tmp_path: Path) -> None:
    with pytest.raises(KubetalkError) as caught:
        read_settings({}, config_path=tmp_path / "mkdocs.yml", site={"site_url": "example.org"}, environ={})
    assert told(caught.value) == [
        "mkdocs.yml: mkdocs.yml has no `site_name`. Add `site_name: …`.",
        (
            "mkdocs.yml: `site_url` is `example.org`, it has to be an absolute address. "
            "Write it like `https://example.org/talks/`."
        ),
    ]


CONFIG = """\
site_name: !ENV [NAME, OTHER, Fallback]
site_url: !ENV URL
site_author: somebody
docs_dir: content
theme: {name: material, custom_dir: !relative $config_dir/theme}
plugins:
  - search
  - kubetalk:
      languages: [en]
      exekution: live
markdown_extensions:
  - pymdownx.emoji: {emoji_index: !!python/name:material.extensions.emoji.twemoji }
  - x: !!python/object/apply:y.z {kwds: {case: lower}}
"""


def test_config_with_foreign_tags_and_lines(tmp_path: Path) -> None:
    path = tmp_path / "mkdocs.yml"
    path.write_text(CONFIG, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_config(path, environ={})
    assert str(caught.value) == (
        "mkdocs.yml:10: unknown option `exekution` of the plugin kubetalk. Did you mean `execution`?"
    )
    path.write_text(CONFIG.replace("exekution", "execution"), encoding="utf-8")
    settings = read_config(path, environ={"OTHER": "12", "URL": "https://example.org"})
    assert settings.site_name == {"en": "12"}
    assert settings.site_url == "https://example.org/"
    assert settings.author == "somebody"
    assert settings.docs_dir == tmp_path / "content"
    assert read_config(path, environ={}).site_name == {"en": "Fallback"}


def test_config_inherits(tmp_path: Path) -> None:
    (tmp_path / "base.yml").write_text("site_name: Base\nplugins: {kubetalk: {jobs: 2, languages: [en]}}\n")
    (tmp_path / "mkdocs.yml").write_text("INHERIT: base.yml\nplugins: {kubetalk: {jobs: 4}}\n")
    settings = read_config(tmp_path / "mkdocs.yml", environ={})
    assert (settings.jobs, settings.languages, settings.site_name) == (4, ("en",), {"en": "Base"})


def test_mistakes_are_told_where_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared/base.yml").write_text(
        "site_url: example.org\nplugins:\n  kubetalk:\n    jobs: 0\n    layers:\n      empty: {run: []}\n",
        encoding="utf-8",
    )
    site = tmp_path / "mine.yml"
    site.write_text(
        "INHERIT: shared/base.yml\nplugins:\n  kubetalk:\n    execution: never\n    layers:\n      x: {}\n",
        encoding="utf-8",
    )
    with pytest.raises(KubetalkError) as caught:
        read_config(site, environ={})
    places = {line.split(": ", 1)[1].split(" is ")[0]: line.split(": ", 1)[0] for line in told(caught.value)}
    assert places == {
        "mine.yml has no `site_name`. Add `site_name: …`.": "mine.yml",
        "`site_url`": "shared/base.yml:1",
        "`execution`": "mine.yml:4",
        "`jobs`": "shared/base.yml:4",
        "`layers.empty.run` has no command. A layer": "shared/base.yml:6",
        "`layers.x` has no `run`. Add `run`: the commands that make the layer, in order.": "mine.yml:6",
    }


@pytest.mark.parametrize("plugins", ["[kubetalk]", "{kubetalk: {languages: [en]}}"])
def test_patterns_of_pages_that_mkdocs_does_not_publish(plugins: str, tmp_path: Path) -> None:
    config = tmp_path / "mkdocs.yml"
    config.write_text(f"site_name: x\nplugins: {plugins}\nexclude_docs: |\n  a/\n  !a/b.md\n", encoding="utf-8")
    assert read_config(config, environ={}).exclude_docs == ("a/", "!a/b.md")
    config.write_text(f"site_name: x\nplugins: {plugins}\nexclude_docs: 3\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"mkdocs\.yml:3: `exclude_docs` is `3`, it has to be text"):
        read_config(config, environ={})


@pytest.mark.parametrize(
    "plugins",
    ["[kubetalk]", "{kubetalk: }", "[search, {kubetalk: {}}]", "[{kubetalk: {enabled: true}}]", "[kubetalk: ]"],
)
def test_config_plugin_forms(plugins: str, tmp_path: Path) -> None:
    (tmp_path / "mkdocs.yml").write_text(f"site_name: x\nplugins: {plugins}\n")
    assert read_config(tmp_path / "mkdocs.yml", environ={}).languages == ("en", "ja")


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("site_name: x\n", r"mkdocs.yml: the plugin kubetalk is not switched on. Add `- kubetalk` under `plugins:`."),
        ("plugins: [{kubetalk: [x]}]\n", "mkdocs.yml:1: the options of the plugin kubetalk are a list"),
        ("a: [\n", "mkdocs.yml:2: not valid YAML"),
        ("- a\n", "mkdocs.yml: the file is a list, it has to be a mapping"),
        ("INHERIT: mkdocs.yml\n", "mkdocs.yml: INHERIT goes round in a circle"),
        ("INHERIT: gone.yml\n", "there is no gone.yml"),
    ],
)
def test_config_mistakes(config: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "mkdocs.yml").write_text(config)
    with pytest.raises(ConfigError, match=re.escape(expected)):
        raise _line(tmp_path / "mkdocs.yml")


def _line(path: Path) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read_config(path, environ={})
    return ConfigError(str(caught.value))
