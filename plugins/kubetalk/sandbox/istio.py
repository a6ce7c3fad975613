"""What a document that asks for Istio or the Gateway API gets beside Kubernetes: commands, charts, CRDs."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from kubetalk.errors import SandboxError
from kubetalk.model import ProviderSettings, SandboxRequest
from kubetalk.sandbox.binaries import Binary, find_binary
from kubetalk.sandbox.objects import Kubectl
from kubetalk.sandbox.recipe import load_recipe

CHARTS_VARIABLE = "ISTIO_CHARTS"
"""Names a folder with Istio's Helm charts, packaged as a repository serves them: what is `$ISTIO_CHARTS/istiod` in a
session is `istio/istiod` to a reader who has added Istio's chart repository under its usual name, `istio`."""

# Where the build puts the folders that build.json lists under `files`.
_GATEWAY_API = Path("share/gateway-api")
_CHARTS_SECONDS = 30.0
_APPLY_SECONDS = 60.0


def needs_istio_binary(request: SandboxRequest) -> bool:
    """Whether the core's binary is not enough for that request."""
    return request.istio or request.gateway_api


def istio_unavailable(settings: ProviderSettings, request: SandboxRequest) -> str:
    """Why that request cannot be served here, with the remedy; empty if it can.

    Raises BuildError if a folder is named in the settings but holds no working binary.
    """
    if needs_istio_binary(request) and find_binary(settings, "istio") is None and not settings.build:
        wanted = "Istio" if request.istio else "the Gateway API"
        return f"the document asks for {wanted}, which is not built yet. Run `kubetalk sandbox build --istio`"
    return ""


def istio_versions(versions: Mapping[str, str], request: SandboxRequest) -> dict[str, str]:
    """The part of the binary's versions that a page with that request can show."""
    wanted = {"istio": request.istio, "istioctl": request.istio, "gateway-api": request.gateway_api}
    return {tool: version for tool, version in versions.items() if wanted.get(tool)}


def link_commands(binary: Binary, folder: Path) -> None:
    """Puts the commands of the binary into a folder of a session's PATH.

    Raises SandboxError.
    """
    try:
        for name in load_recipe("istio").multicall:
            (folder / name).symlink_to(binary.path)
    except OSError as error:
        raise SandboxError(f"the sandbox has no place for istioctl: {error}") from error


def write_charts(binary: Binary, folder: Path) -> None:
    """Writes Istio's charts, which the binary holds, to a new folder: one file per chart.

    Raises SandboxError.
    """
    try:
        subprocess.run(
            [binary.path, "charts", str(folder)],
            cwd=folder.parent,
            env={},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_CHARTS_SECONDS,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        raise SandboxError("Istio's charts could not be written", details=error.stderr.strip()) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SandboxError(f"Istio's charts could not be written: {error}") from error


def apply_gateway_api(kubectl: Kubectl, binary: Binary) -> None:
    """Installs the Gateway API's standard resource definitions and waits until they can be used.

    Raises SandboxError.
    """
    folder = binary.path.parent / _GATEWAY_API
    if not folder.is_dir():
        raise SandboxError(
            f"the Gateway API's resource definitions are not in {folder}",
            remedy="Build them with `kubetalk sandbox build --istio --force`",
        )
    # The definitions are longer than what a client-side apply can remember (kubernetes.io/docs, "Server-Side Apply").
    kubectl.run("apply", "--server-side", "--filename", str(folder), timeout=_APPLY_SECONDS)
    # There are no others yet: a sandbox begins without any.
    kubectl.run("wait", "--for=condition=Established", "--timeout=30s", "crd", "--all", timeout=_APPLY_SECONDS)
