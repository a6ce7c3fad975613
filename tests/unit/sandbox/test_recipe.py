from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from kubetalk.errors import BuildError
from kubetalk.sandbox import recipe as recipes
from kubetalk.sandbox.recipe import load_recipe, version_tuple
from kubetalk.sandbox.toolchain import pinned_version

BUILD = {
    "binary": "kubetalk-sandbox",
    "package": ".",
    "go": "1.26",
    "env": {"CGO_ENABLED": "0"},
    "flags": ["-trimpath"],
    "tags": ["a", "b"],
    "ldflags": ["-s", "-X main.version=v1"],
    "versions": {"kubernetes": "v1.36.4"},
    "emulates": ["1.35"],
    "multicall": ["kubectl"],
}


@pytest.fixture
def module(tmp_path: Path) -> Path:
    folder = tmp_path / "home" / "core"
    folder.mkdir(parents=True)
    (folder / "build.json").write_text(json.dumps(BUILD), encoding="utf-8")
    (folder / "go.mod").write_text("module m\n\ngo 1.26.3\n", encoding="utf-8")
    (folder / "go.sum").write_text("sum\n", encoding="utf-8")
    (folder / "main.go").write_text("package main\n", encoding="utf-8")
    return folder


def key(module: Path, tmp_path: Path) -> str:
    # The same path again would come from the cache that makes one build read its sources once.
    copy = tmp_path / f"copy{len(list(tmp_path.iterdir()))}" / "core"
    shutil.copytree(module, copy)
    return load_recipe("core", homes=(copy.parent,)).sources_key


def test_the_newest_go_asked_for_counts(module: Path) -> None:
    recipe = load_recipe("core", homes=(module.parent,))
    assert recipe.go == "1.26.3"
    assert recipe.build_flags == ("-trimpath", "-tags", "a,b")


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "main.go").write_text("package main // changed\n", encoding="utf-8"),
        lambda folder: (folder / "go.sum").write_text("other\n", encoding="utf-8"),
        lambda folder: (folder / "build.json").write_text(json.dumps(BUILD | {"tags": ["a"]}), encoding="utf-8"),
        lambda folder: (folder / "stages.yaml").touch(),
        lambda folder: (folder / "main.go").rename(folder / "other.go"),
    ],
)
def test_the_key_changes_with_what_goes_into_the_binary(
    module: Path, tmp_path: Path, change: Callable[[Path], object]
) -> None:
    before = key(module, tmp_path)
    change(module)
    assert key(module, tmp_path) != before


def test_the_key_does_not_change_with_anything_else(module: Path, tmp_path: Path) -> None:
    before = key(module, tmp_path)
    for name in ("main_test.go", "README.md", ".hidden", "bin/tool", "kubetalk-sandbox", "testdata/x.go"):
        (module / name).parent.mkdir(exist_ok=True)
        (module / name).write_text("package main\n", encoding="utf-8")
    assert key(module, tmp_path) == before


def test_a_module_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="no sources of the sandbox module 'istio'"):
        load_recipe("istio", homes=(tmp_path,))


def test_a_broken_build_json(module: Path) -> None:
    (module / "build.json").write_text("{}", encoding="utf-8")
    with pytest.raises(BuildError, match="KeyError"):
        load_recipe("core", homes=(module.parent,))


def test_the_real_one_can_be_built_with_the_go_that_would_be_fetched() -> None:
    recipe = load_recipe()
    assert version_tuple(pinned_version()) >= version_tuple(recipe.go)
    assert {"kubectl", "helm"} <= set(recipe.multicall)
    assert recipe.source.parent.name == "sandbox"
    assert recipes.version_tuple("go1.27rc1") == (1, 27)


def test_folders_that_are_copied_beside_the_binary() -> None:
    (folder,) = load_recipe("istio").folders
    assert (folder.module, folder.source, folder.target) == (
        "sigs.k8s.io/gateway-api",
        "config/crd/standard",
        "share/gateway-api",
    )
    assert load_recipe("core").folders == ()
