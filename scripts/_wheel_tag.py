"""Build hook of the wheels that scripts/_wheels.py makes: names the platform, which hatchling cannot know.

The program inside is static and no Python extension, so the tag is neither this interpreter's nor `any`.
"""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class TagHook(BuildHookInterface):  # type: ignore[type-arg]  # the parameter is for plugins with a typed config
    """Takes the tag from `[tool.hatch.build.targets.wheel.hooks.custom]`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Sets it."""
        del version
        build_data["pure_python"] = False
        build_data["tag"] = self.config["tag"]
