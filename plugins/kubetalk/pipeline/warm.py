"""Sandboxes that stay while somebody writes: an edit of a session's last block runs that block and no more."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kubetalk import recordings, running
from kubetalk import sandbox as sandboxes
from kubetalk.errors import KubetalkError, SandboxError
from kubetalk.model import Document, Progress, Provider, Recording, Sandbox, Session
from kubetalk.pipeline.performing import Attempt, Ran, about, private_folder, run_in, run_timed

MOST = 2
"""An author edits one document at a time, and looks something up in another; a sandbox takes 0.4 GiB and more."""


@dataclass(slots=True)
class _Kept:
    """One document's sandbox, with the points that its session can be taken up again from."""

    folder: Path
    sandbox: Sandbox
    session: Session
    undo: contextlib.ExitStack
    busy: threading.Lock = field(default_factory=threading.Lock)
    """The cluster is being put back, or a session runs in it."""

    def fits(self, session: Session, provider: Provider) -> bool:
        """Whether a fresh sandbox would be the same, so that this one may stand for it."""
        return self.session.request == session.request and self.sandbox.facts == provider.facts(session.request)

    def run(self, document: Document, session: Session, progress: Progress) -> Recording:
        with self.busy:
            self.session = session
            return run_in(
                document, session, self.sandbox, self.folder / "w", progress=progress, states=self.folder / "states"
            )

    def rewind(self) -> None:
        # What goes wrong here is found out by the next run, which then takes a fresh sandbox.
        with self.busy, contextlib.suppress(KubetalkError, OSError):
            running.rewind(
                self.session,
                self.sandbox,
                workspace=self.folder / "w",
                keys=recordings.key_chain(self.session, self.sandbox.facts),
                states=self.folder / "states",
            )

    def close(self) -> None:
        with self.busy:
            self.undo.close()


class WarmSandboxes:
    """The sandboxes of the documents that ran last, `MOST` of them. Used by one thread at a time."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        """By document id, the one that ran last at the end."""
        self._rewinding: list[threading.Thread] = []

    def run(self, document: Document, session: Session, provider: Provider, *, progress: Progress) -> Recording:
        """Run a session, beginning where it was edited if the document's sandbox is still here.

        Raises RunError if a command ends otherwise than its block says, SandboxError if there is no sandbox.
        """
        kept = self._kept.pop(document.id, None)
        if kept:
            try:
                if kept.fits(session, provider):
                    recording = self._run_in(kept, document, session, progress)
                    self._kept[document.id] = kept
                    return recording
            except SandboxError as error:
                progress(f"{document.id}: a fresh sandbox has to take over ({error.message})")
            kept.close()
        requests = [session.request, *(one.session.request for one in self._kept.values())]
        most = 1 if sandboxes.has_one_cluster(provider) else sandboxes.affordable(MOST, requests, with_checkpoints=True)
        while len(self._kept) >= most:
            self._kept.pop(next(iter(self._kept))).close()
        kept = _start(document, session, provider, progress)
        try:
            recording = self._run_in(kept, document, session, progress)
        except SandboxError:
            kept.close()
            raise
        self._kept[document.id] = kept
        return recording

    def settle(self) -> None:
        """When the author has the page: put the clusters back in the background to where the next edit will begin."""
        self._rewinding = [thread for thread in self._rewinding if thread.is_alive()]
        for kept in self._kept.values():
            thread = threading.Thread(target=kept.rewind, name="sandbox-rewind", daemon=True)
            thread.start()
            self._rewinding.append(thread)

    def close(self) -> None:
        """End all of them; safe to call twice."""
        for thread in self._rewinding:
            thread.join()
        while self._kept:
            self._kept.popitem()[1].close()

    def _run_in(self, kept: _Kept, document: Document, session: Session, progress: Progress) -> Recording:
        try:
            return kept.run(document, session, progress)
        except SandboxError:
            raise
        except KubetalkError:
            # The author mends the command and goes on from there.
            self._kept[document.id] = kept
            raise
        except BaseException:
            kept.close()
            raise


def _start(document: Document, session: Session, provider: Provider, progress: Progress) -> _Kept:
    with contextlib.ExitStack() as undo:
        folder = undo.enter_context(private_folder())
        sandbox = undo.enter_context(provider.start(session.request, folder / "s", about(document, progress)))
        return _Kept(folder, sandbox, session, undo.pop_all())


def run_warm(
    planned: Sequence[tuple[Document, Session]], provider: Provider, warm: WarmSandboxes, *, progress: Progress
) -> Generator[Ran]:
    """As `performing.run_sessions`, one after the other in sandboxes that stay."""
    for document, session in planned:
        yield run_timed(document, session, lambda d, s: Attempt(warm.run(d, s, provider, progress=progress)))
