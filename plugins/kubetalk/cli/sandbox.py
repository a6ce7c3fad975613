"""`kubetalk sandbox …`: the cluster by hand."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from kubetalk.cli import sandbox_reports as reports
from kubetalk.cli.common import config_option, load_settings, one_line_errors, progress
from kubetalk.errors import ConfigError
from kubetalk.model import ProviderSettings, SandboxRequest
from kubetalk.reading.spelling import did_you_mean
from kubetalk.sandbox import commands, upkeep
from kubetalk.sandbox import shell as shells
from kubetalk.sandbox.kept import DEFAULT_NAME

_name_option = click.option(
    "--name", default=DEFAULT_NAME, show_default=True, help="Which sandbox, if you keep several."
)
_json_option = click.option("--json", "as_json", is_flag=True, help="For programs.")
_kubernetes_option = click.option("--kubernetes", default="", metavar="MINOR", help="Emulate a Kubernetes minor, 1.34.")
_nodes_option = click.option(
    "--nodes", type=click.IntRange(1, 50), default=3, show_default=True, help="How many nodes."
)
_istio_option = click.option("--istio", is_flag=True, help="With istioctl, and a real istiod once it is installed.")

_layer_option = click.option(
    "--layer", default="", metavar="NAME", help="Begin on this layer of mkdocs.yml, which says the rest."
)


def _request(config_file: Path, kubernetes: str, nodes: int, istio: bool, layer: str) -> SandboxRequest:
    """What the options ask for.

    Raises ConfigError for a layer that is not defined, and for one beside what it says itself.
    """
    asked = SandboxRequest(kubernetes=kubernetes, nodes=nodes, istio=istio)
    if not layer:
        return asked
    if asked != SandboxRequest():
        raise ConfigError("--layer cannot be used with --kubernetes, --nodes or --istio", remedy="The layer says them")
    layers = load_settings(config_file).layers
    if layer not in layers:
        remedy = did_you_mean(layer, layers) or "Define it under `layers:`, an option of the plugin"
        raise ConfigError(f"there is no layer `{layer}`", where=config_file, remedy=remedy)
    return layers[layer]


def _provider(config_file: Path) -> ProviderSettings:
    """The provider the site's configuration names; the embedded one outside of a site."""
    return load_settings(config_file).provider if config_file.exists() else ProviderSettings()


@click.group()
def sandbox() -> None:
    """A throw-away Kubernetes cluster without Docker.

    Its control plane is real, its nodes and pods are simulated.
    """


@sandbox.command()
@config_option
@_istio_option
@click.option("--force", is_flag=True, help="Build again even if the binary is there.")
@_json_option
@one_line_errors
def build(config_file: Path, istio: bool, force: bool, as_json: bool) -> None:
    """Get the sandbox binary, building it if it has to be.

    That happens once and takes some minutes.
    """
    built = upkeep.build(_provider(config_file), istio=istio, force=force)
    click.echo(reports.as_json(reports.built_data(built)) if as_json else reports.built_text(built))


@sandbox.command()
@config_option
@_name_option
@_kubernetes_option
@_nodes_option
@_istio_option
@_layer_option
@_json_option
@one_line_errors
def up(config_file: Path, name: str, kubernetes: str, nodes: int, istio: bool, layer: str, as_json: bool) -> None:
    """Start a sandbox that stays until `down`."""
    request = _request(config_file, kubernetes, nodes, istio, layer)
    kept = commands.up(_provider(config_file), request, name, progress)
    click.echo(reports.as_json(reports.kept_data(kept)) if as_json else reports.up_text(kept))


@sandbox.command()
@config_option
@_name_option
@_kubernetes_option
@_nodes_option
@_istio_option
@_layer_option
@click.option("-c", "--command", help="Run this instead of an interactive shell.")
@one_line_errors
def shell(
    config_file: Path, name: str, kubernetes: str, nodes: int, istio: bool, layer: str, command: str | None
) -> None:
    """Open a shell in a sandbox.

    In the one that is up, else in one that lives as long as the shell.
    """
    request = _request(config_file, kubernetes, nodes, istio, layer)
    sys.exit(shells.shell(_provider(config_file), request, name, progress, command))


@sandbox.command()
@_json_option
@one_line_errors
def status(as_json: bool) -> None:
    """Say what is up: parts, memory, disk, checkpoints."""
    found = commands.status()
    click.echo(reports.as_json(reports.status_data(found)) if as_json else reports.status_text(found))


@sandbox.command()
@_name_option
@click.argument("part", default="")
@click.option(
    "-n", "--lines", type=click.IntRange(1), default=40, show_default=True, help="How many of the last lines."
)
@_json_option
@one_line_errors
def logs(name: str, part: str, lines: int, as_json: bool) -> None:
    """Print the last log lines of one PART, or of all."""
    found = commands.logs(name, part, lines)
    click.echo(reports.as_json(reports.logs_data(found)) if as_json else reports.logs_text(found))


@sandbox.command()
@_name_option
@click.argument("label")
@_json_option
@one_line_errors
def checkpoint(name: str, label: str, as_json: bool) -> None:
    """Save the state of the cluster as LABEL."""
    moment = commands.checkpoint(name, label)
    click.echo(reports.as_json(reports.moment_data(moment)) if as_json else f"saved as {label!r}")


@sandbox.command()
@_name_option
@click.argument("label")
@_json_option
@one_line_errors
def restore(name: str, label: str, as_json: bool) -> None:
    """Put the cluster back to LABEL."""
    moment = commands.restore(name, label)
    click.echo(reports.as_json(reports.moment_data(moment)) if as_json else f"restored to {label!r}")


@sandbox.command()
@_name_option
@_json_option
@one_line_errors
def down(name: str, as_json: bool) -> None:
    """End a sandbox and remove its files."""
    ended = commands.down(name)
    click.echo(reports.as_json(reports.ended_data(ended)) if as_json else reports.ended_text(ended))


@sandbox.command()
@config_option
@_json_option
@one_line_errors
def versions(config_file: Path, as_json: bool) -> None:
    """Say what is inside the sandbox and where its binary is."""
    inside = upkeep.versions(_provider(config_file))
    click.echo(reports.as_json(reports.inside_data(inside)) if as_json else reports.inside_text(inside))


@sandbox.command()
@config_option
@_json_option
@one_line_errors
def prune(config_file: Path, as_json: bool) -> None:
    """Remove what killed builds and old versions left behind.

    And layers that nobody used for a month.
    """
    pruned = upkeep.prune(_provider(config_file))
    click.echo(reports.as_json(reports.pruned_data(pruned)) if as_json else reports.pruned_text(pruned))
