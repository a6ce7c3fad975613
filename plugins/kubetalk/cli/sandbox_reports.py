"""What `kubetalk sandbox …` prints of what came of it: a text for people, and with ``--json`` data for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from kubetalk.sandbox.binaries import Binary
from kubetalk.sandbox.commands import Ended, Moment, PartLog, Status
from kubetalk.sandbox.keeper import KeptSandbox
from kubetalk.sandbox.kept import name_option
from kubetalk.sandbox.upkeep import Inside, Pruned

_MIB = 1 << 20


def as_json(told: object) -> str:
    """For programs."""
    return json.dumps(told, indent=2)


def built_text(built: Mapping[str, Binary]) -> str:
    """One line per binary."""
    return "\n".join(f"{found.path} ({found.origin}): {_versions(found.versions)}" for found in built.values())


def built_data(built: Mapping[str, Binary]) -> list[dict[str, object]]:
    """A list of binaries: module, path, origin, fingerprint, versions."""
    return [{"module": module, **_binary(found), "fingerprint": found.fingerprint} for module, found in built.items()]


def up_text(kept: KeptSandbox) -> str:
    """That it is up, and how to reach it."""
    option = name_option(kept.name)
    return (
        f"the sandbox {kept.name!r} is up: {_versions(kept.versions)}\n"
        f"  kubetalk sandbox shell{option}\n"
        f"  kubetalk sandbox down{option}"
    )


def kept_data(kept: KeptSandbox) -> dict[str, object]:
    """What is known of it, and its kubeconfig."""
    about = {key: value for key, value in asdict(kept).items() if key not in {"environment", "socket"}}
    return {**about, "kubeconfig": kept.environment.get("KUBECONFIG")}


def status_text(found: Sequence[Status]) -> str:
    """Each sandbox with its parts."""
    return "\n".join(line for one in found for line in _status_lines(one)) or "no sandbox is up"


def status_data(found: Sequence[Status]) -> list[dict[str, object]]:
    """A list: as `kept_data`, and parts, bytes on disk, checkpoints."""
    return [
        {
            **kept_data(one.kept),
            "parts": [asdict(part) for part in one.parts],
            "bytes": one.bytes,
            "checkpoints": list(one.checkpoints),
        }
        for one in found
    ]


def logs_text(found: Sequence[PartLog]) -> str:
    """The lines of each part below its name."""
    return "\n\n".join("\n".join([f"==> {log.part} <==", *log.lines]) for log in found)


def logs_data(found: Sequence[PartLog]) -> dict[str, list[str]]:
    """Part to lines."""
    return {log.part: list(log.lines) for log in found}


def moment_data(moment: Moment) -> dict[str, str]:
    """The sandbox and the checkpoint."""
    return asdict(moment)


def ended_text(ended: Ended) -> str:
    """That it is down, and what it said."""
    return "\n".join([f"the sandbox {ended.name!r} is down", *ended.notes])


def ended_data(ended: Ended) -> dict[str, object]:
    """The sandbox, and a list of what it said."""
    return {"name": ended.name, "notes": list(ended.notes)}


def inside_text(inside: Inside) -> str:
    """A table of versions, binaries, layers."""
    core, istio = inside.core, inside.istio
    rows = [f"{tool:<12}{version}" for tool, version in inside.versions.items()]
    where = f"{core.path} ({core.origin})" if core else "not built yet: kubetalk sandbox build"
    rows += [f"{'emulates':<12}{', '.join(inside.emulates)}", f"{'binary':<12}{where}"]
    rows += [f"{tool:<12}{version}" for tool, version in (istio.versions if istio else {}).items()]
    where = f"{istio.path} ({istio.origin})" if istio else "not built yet: kubetalk sandbox build --istio"
    rows.append(f"{'binary':<12}{where}")
    rows += [
        f"{'layer':<12}{kept.name}, {kept.bytes / _MIB:.1f} MiB: {'; '.join(kept.commands)}".replace("\n", " ")
        for kept in inside.layers
    ]
    return "\n".join(rows)


def inside_data(inside: Inside) -> dict[str, object]:
    """The same, ``binary`` and ``istio`` null where nothing is built yet."""
    core, istio = inside.core, inside.istio
    return {
        "binary": str(core.path) if core else None,
        "origin": core.origin if core else "not built yet",
        "fingerprint": inside.fingerprint,
        "versions": dict(inside.versions),
        "emulates": list(inside.emulates),
        "istio": _binary(istio) if istio else None,
        "layers": [
            {"name": kept.name, "path": str(kept.path), "commands": list(kept.commands), "bytes": kept.bytes}
            for kept in inside.layers
        ],
    }


def pruned_text(pruned: Pruned) -> str:
    """One line per thing that was removed, or had to be left."""
    lines = [
        *(f"removed {path}" for path in pruned.files),
        *(f"deleted cluster {name}" for name in pruned.clusters),
        *(f"deleted namespace {name}" for name in pruned.namespaces),
        *(f"forgot the sandbox {name!r}, which is no longer running" for name in pruned.sandboxes),
        *(f"left {what}" for what in pruned.left),
    ]
    return "\n".join(lines) or "nothing to remove"


def pruned_data(pruned: Pruned) -> dict[str, list[str]]:
    """Lists of names and sentences."""
    return {
        "files": [str(path) for path in pruned.files],
        "clusters": list(pruned.clusters),
        "namespaces": list(pruned.namespaces),
        "sandboxes": list(pruned.sandboxes),
        "left": list(pruned.left),
    }


def _binary(found: Binary) -> dict[str, object]:
    return {"binary": str(found.path), "origin": found.origin, "versions": dict(found.versions)}


def _status_lines(one: Status) -> Iterator[str]:
    kept = one.kept
    where = f"{kept.provider} {kept.context}".rstrip()
    yield f"{kept.name}: {where}, {_versions(kept.versions)}"
    began = f", layer {kept.layer}" if kept.layer else ""
    kubeconfig = kept.environment.get("KUBECONFIG")
    yield f"  since {kept.since}, {kept.nodes} nodes{began}, kubeconfig {kubeconfig}"
    memory = sum(part.pss for part in one.parts) / _MIB
    labels = ", ".join(one.checkpoints) or "none"
    yield f"  {memory:.0f} MiB memory, {one.bytes / _MIB:.0f} MiB disk, checkpoints: {labels}"
    for part in one.parts:
        yield f"  {part.name:<26}{part.state:<12}pid {part.pid:<8}{part.pss / _MIB:6.0f} MiB"


def _versions(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{tool} {version}" for tool, version in versions.items())
