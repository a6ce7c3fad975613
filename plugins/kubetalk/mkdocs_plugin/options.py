"""The plugin's options as MkDocs sees them: only their names; `reading.read_settings` checks the values."""

from __future__ import annotations

from typing import Any

from mkdocs.config import config_options as opt
from mkdocs.config.base import Config


def _any() -> opt.Optional[Any]:
    return opt.Optional(opt.Type(object))


class KubetalkOptions(Config):
    """``plugins: - kubetalk: {…}`` in mkdocs.yml; all optional."""

    enabled = opt.Type(bool, default=True)
    """``false`` leaves the site to MkDocs alone."""
    languages = _any()
    """BCP 47 tags, the first is the default: ``[en, ja]``."""
    site_name = _any()
    """One name per language; MkDocs' own ``site_name`` if absent."""
    site_description = _any()
    """One sentence per language."""
    author = _any()
    """Who the site's talks are by."""
    execution = _any()
    """``auto``, ``live`` or ``replay``."""
    provider = _any()
    """``embedded``, ``kind``, ``context``, or a mapping with ``name``, ``context``, ``kubeconfig``, ``binaries``."""
    cache_dir = _any()
    """Where sessions verified on this machine are kept."""
    jobs = _any()
    """How many documents run at once."""
    layers = _any()
    """Name of a layer to its ``run``, commands, and its ``sandbox``, the cluster they talk to."""
