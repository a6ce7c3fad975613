from __future__ import annotations

import sys
from pathlib import Path

import pytest

from kubetalk.cli import sandbox_reports as reports
from kubetalk.errors import BuildError, SandboxError
from kubetalk.model import Layer, ProviderSettings, SandboxRequest
from kubetalk.sandbox import building, embedded, upkeep
from kubetalk.sandbox.binaries import Binary
from kubetalk.sandbox.embedded import EmbeddedProvider
from kubetalk.sandbox.istio import write_charts
from kubetalk.sandbox.memory import ISTIO_BYTES, LEFT_FREE_BYTES, SANDBOX_BYTES
from kubetalk.sandbox.pool import SandboxPool
from kubetalk.sandbox.recipe import load_recipe
from kubetalk.sandbox.toolchain import Go

from .conftest import FakeBinary

ISTIO = SandboxRequest(istio=True)
GATEWAY_API = SandboxRequest(gateway_api=True)

PROGRAM = """#!{python} -IS
import json, pathlib, sys
name = pathlib.Path(sys.argv[0]).name
if name == "istioctl":
    print("istioctl", *sys.argv[1:])
elif sys.argv[1] == "versions":
    print(json.dumps({{"istio": "1.31.0", "istioctl": "1.31.0", "gateway-api": "v1.6.0"}}))
elif sys.argv[1] == "charts":
    pathlib.Path(sys.argv[2]).mkdir()
    (pathlib.Path(sys.argv[2]) / "istiod").touch()
else:
    sys.exit("no such command")
"""


@pytest.fixture
def both(tmp_path: Path) -> FakeBinary:
    """A folder with the core's binary and with Istio's."""
    binary = FakeBinary(tmp_path / "binary", "good")
    program = binary.folder / "kubetalk-istio"
    program.write_text(PROGRAM.format(python=sys.executable), encoding="utf-8")
    program.chmod(0o755)
    return binary


def quiet(_: str) -> None:
    pass


def test_a_sandbox_with_istio(both: FakeBinary, runs: Path) -> None:
    provider = EmbeddedProvider(both.settings)
    assert provider.unavailable(ISTIO) == ""
    with provider.start(ISTIO, runs, quiet) as sandbox:
        assert sandbox.facts == provider.facts(ISTIO)
        assert sandbox.facts.versions["istioctl"] == "1.31.0"
        assert "gateway-api" not in sandbox.facts.versions
        istioctl = Path(sandbox.environment["PATH"].split(":")[0]) / "istioctl"
        assert istioctl.resolve() == (both.folder / "kubetalk-istio").resolve()
        assert [path.name for path in Path(sandbox.environment["ISTIO_CHARTS"]).iterdir()] == ["istiod"]
    arguments = both.seen()[0]["arguments"]
    assert arguments[-2:] == ["--attend", str((both.folder / "kubetalk-istio").resolve())]


def test_a_layer_keeps_the_charts(both: FakeBinary, runs: Path) -> None:
    request = SandboxRequest(istio=True, layer=Layer("marked", ('touch "$ISTIO_CHARTS/marked"',)))
    for _ in range(2):
        with EmbeddedProvider(both.settings).start(request, runs, quiet) as sandbox:
            charts = Path(sandbox.environment["ISTIO_CHARTS"])
            assert sorted(path.name for path in charts.iterdir()) == ["istiod", "marked"]
            (charts / "marked").unlink()  # a copy, which is the session's own


def test_a_sandbox_without_istio_knows_nothing_of_it(both: FakeBinary, runs: Path) -> None:
    provider = EmbeddedProvider(both.settings)
    plain = provider.facts(SandboxRequest())
    assert "istioctl" not in plain.versions
    assert plain.fingerprint != provider.facts(ISTIO).fingerprint
    (both.folder / "kubetalk-istio").unlink()
    assert provider.facts(SandboxRequest()) == plain
    with provider.start(SandboxRequest(), runs, quiet) as sandbox:
        assert "ISTIO_CHARTS" not in sandbox.environment
        assert not (Path(sandbox.environment["PATH"].split(":")[0]) / "istioctl").exists()
    assert "--attend" not in both.seen()[0]["arguments"]


def test_the_gateway_api_is_applied_before_the_first_command(both: FakeBinary, runs: Path) -> None:
    both.answer(["apply"], "ok")
    both.answer(["wait"], "ok")
    (both.folder / "share" / "gateway-api").mkdir(parents=True)
    with EmbeddedProvider(both.settings).start(GATEWAY_API, runs, quiet) as sandbox:
        assert sandbox.facts.versions["gateway-api"] == "v1.6.0"
        assert "istioctl" not in sandbox.facts.versions
        calls = [call["kubectl"][2:] for call in both.seen() if "kubectl" in call]
    assert [call[0] for call in calls] == ["apply", "wait"]
    assert "--server-side" in calls[0]
    assert str((both.folder / "share" / "gateway-api").resolve()) in calls[0]
    assert "--attend" not in both.seen()[0]["arguments"]


def test_a_binary_without_its_files_says_so(both: FakeBinary, runs: Path) -> None:
    with pytest.raises(SandboxError, match="resource definitions are not in"):
        EmbeddedProvider(both.settings).start(GATEWAY_API, runs, quiet)


@pytest.mark.parametrize(("request_", "wanted"), [(ISTIO, "Istio"), (GATEWAY_API, "the Gateway API")])
def test_without_the_binary_it_says_how_to_get_it(
    request_: SandboxRequest, wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = EmbeddedProvider(ProviderSettings())
    monkeypatch.setattr(embedded, "find_binary", lambda *_: object())
    assert provider.unavailable(request_) == (
        f"the document asks for {wanted}, which is not built yet. Run `kubetalk sandbox build --istio`"
    )
    assert EmbeddedProvider(ProviderSettings(build=True)).unavailable(request_) == ""


def test_charts_that_cannot_be_written(tmp_path: Path) -> None:
    program = tmp_path / "kubetalk-istio"
    program.write_text("#!/bin/sh\necho the disk is full >&2\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)
    with pytest.raises(SandboxError, match="charts could not be written") as caught:
        write_charts(Binary(program, "folder", {}, ""), tmp_path / "charts")
    assert caught.value.details == "the disk is full"


def test_a_spare_with_istio_needs_more_memory(both: FakeBinary, tmp_path: Path) -> None:
    enough = SANDBOX_BYTES + LEFT_FREE_BYTES
    provider = EmbeddedProvider(both.settings)
    with SandboxPool(provider, tmp_path / "spares", lambda: enough + ISTIO_BYTES - 1) as pool:
        assert not pool.prepare(ISTIO)
        assert pool.prepare(SandboxRequest())


def fake_go(folder: Path, module: Path) -> Go:
    """A `go` that knows one module, and builds a script."""
    program = folder / "go"
    program.write_text(
        "#!/bin/sh\n"
        f'case "$1 $2" in\n"list -m") echo {module};;\n"list -deps") echo true kubetalk.dev/istio;;\n'
        '"build -v") while [ "$1" != -o ]; do shift; done; printf "#!/bin/sh\\necho {}\\n" >"$2"; chmod +x "$2";;\n'
        f'"env GOCACHE") echo {folder};;\nesac\n',
        encoding="utf-8",
    )
    program.chmod(0o755)
    return Go(program, "1.26.8", "linux/amd64")


def test_folders_of_modules_are_copied_beside_the_binary(tmp_path: Path) -> None:
    source = tmp_path / "module" / "config" / "crd" / "standard"
    (source / "deep").mkdir(parents=True)
    (source / "deep" / "crd.yaml").write_text("kind: CustomResourceDefinition\n", encoding="utf-8")
    (source / "deep" / "crd.yaml").chmod(0o444)
    target = tmp_path / "out" / "kubetalk-istio"
    for _ in range(2):  # a second build replaces what the first one copied
        building.build(load_recipe("istio"), fake_go(tmp_path, tmp_path / "module"), target, lambda _: None)
    copied = target.parent / "share" / "gateway-api" / "deep" / "crd.yaml"
    assert copied.read_text(encoding="utf-8") == "kind: CustomResourceDefinition\n"


def test_a_module_without_the_folder(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"gateway-api has no folder config/crd/standard"):
        building.build(
            load_recipe("istio"), fake_go(tmp_path, tmp_path / "none"), tmp_path / "out" / "x", lambda _: None
        )
    assert not (tmp_path / "out" / "x").exists()


def test_versions_of_both_binaries(both: FakeBinary) -> None:
    inside = upkeep.versions(both.settings)
    assert inside.istio is not None
    assert inside.istio.versions["istioctl"] == "1.31.0"
    assert "istioctl    1.31.0" in reports.inside_text(inside)
    (both.folder / "kubetalk-istio").unlink()
    inside = upkeep.versions(both.settings)
    assert inside.istio is None
    assert reports.inside_data(inside)["istio"] is None
    assert "kubetalk sandbox build --istio" in reports.inside_text(inside)
