"""Every error kubetalk raises on purpose, one tree.

    KubetalkError
    ├── ConfigError        mkdocs.yml or a command line option
    ├── ContentError       a document in docs/: facts, fences, commands, language pairs
    ├── RecordingError     a recording.yml that cannot be read, or is missing in replay mode
    ├── SandboxError       no sandbox could be had, or it broke
    │   └── BuildError     the sandbox binary could not be built
    ├── RunError           a command failed, timed out, or was refused
    ├── DiagramError       a diagram block that cannot be drawn
    └── ManyErrors         several of the above, reported together

Host errors (MkDocs' PluginError) appear only in mkdocs_plugin.
"""

from __future__ import annotations

from collections.abc import Sequence


class KubetalkError(Exception):
    """One problem a person can act on.

    ``message`` says what is wrong and why, ``where`` is anything whose ``str()`` is a place (usually
    ``model.Location``: ``docs/talks/x/en.md:12``), ``remedy`` is one imperative sentence, ``details`` is text that
    belongs below the line, such as the output of the command that failed.
    """

    def __init__(self, message: str, *, where: object = None, remedy: str = "", details: str = "") -> None:
        self.message = message
        self.where = str(where) if where is not None else ""
        self.remedy = remedy
        self.details = details
        super().__init__(message)

    @property
    def problems(self) -> tuple[KubetalkError, ...]:
        """The single problems this error stands for: itself, or the members of a ``ManyErrors``."""
        return (self,)

    def __str__(self) -> str:
        """One line, ``where: message. Remedy``, and the details indented below it."""
        line = f"{self.where}: {self.message}" if self.where else self.message
        if self.remedy:
            line = f"{line.rstrip('.')}. {self.remedy}"
        if self.details:
            line += "\n" + "\n".join("    " + row for row in self.details.rstrip("\n").splitlines())
        return line


class ConfigError(KubetalkError):
    """An option in mkdocs.yml or on the command line is unknown or has a wrong value."""


class ContentError(KubetalkError):
    """A document cannot be read as the author surely meant it."""


class RecordingError(KubetalkError):
    """A recording is unreadable, damaged or missing where it is needed."""


class SandboxError(KubetalkError):
    """A sandbox could not be started, or stopped answering."""


class BuildError(SandboxError):
    """The sandbox binary could not be built (no network, no disk space, Go too old)."""


class RunError(KubetalkError):
    """A command ended with an exit code nobody expected, ran out of time, or was refused."""


class DiagramError(KubetalkError):
    """A diagram block asks for something its snapshot does not hold."""


class ManyErrors(KubetalkError):  # noqa: N818 -- the plural is the point
    """Several problems found in one pass, so that an author mends them in one go."""

    def __init__(self, errors: Sequence[KubetalkError]) -> None:
        self._errors = tuple(problem for error in errors for problem in error.problems)
        super().__init__(f"{len(self._errors)} problems")

    @property
    def problems(self) -> tuple[KubetalkError, ...]:
        """All members, in the order they were found."""
        return self._errors

    def __str__(self) -> str:
        """One line per problem."""
        return "\n".join(str(problem) for problem in self._errors)
