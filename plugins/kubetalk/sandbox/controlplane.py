"""One running embedded sandbox: what a session and the commands for people can do with it, and how it ends."""

from __future__ import annotations

import atexit
import contextlib
import shutil
import stat
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Self

from kubetalk.errors import SandboxError
from kubetalk.model import SandboxFacts
from kubetalk.sandbox.binaries import Binary
from kubetalk.sandbox.environment import session_environment
from kubetalk.sandbox.istio import CHARTS_VARIABLE, apply_gateway_api, link_commands
from kubetalk.sandbox.layers import KeptLayer, adopt_kubeconfig
from kubetalk.sandbox.memory import LEFT_FREE_BYTES, LOADED_BYTES, available_memory
from kubetalk.sandbox.objects import Kubectl, Reader, cluster_objects
from kubetalk.sandbox.places import RunDirectory
from kubetalk.sandbox.resources import SECRETS
from kubetalk.sandbox.supervisor import Supervisor

if TYPE_CHECKING:
    from kubetalk.sandbox.api import Api

CHARTS_FOLDER = "istio-charts"
"""Where Istio's charts are, in the sandbox's directory."""

_CHECKPOINT_SECONDS = 30.0
_RESTORE_SECONDS = 90.0
_STATUS_SECONDS = 15.0

_live: weakref.WeakSet[EmbeddedSandbox] = weakref.WeakSet()


class EmbeddedSandbox:
    """One running control plane with simulated nodes."""

    def __init__(
        self,
        run: RunDirectory,
        supervisor: Supervisor,
        facts: SandboxFacts,
        ready: Mapping[str, Any],
        istio: Binary | None = None,
    ) -> None:
        self._run = run
        self._supervisor = supervisor
        self._facts = facts
        self._home = Path(ready["home"])
        self._kubeconfig = Path(ready["kubeconfig"])
        self._bin = Path(ready["bin"])
        self._saved = run.path / "saved"
        self._closing = threading.Lock()
        self._closed = False
        charts = run.path / CHARTS_FOLDER
        self._environment = session_environment(
            folders=(self._bin, run.path / "tools"),
            home=self._home,
            kubeconfig=self._kubeconfig,
            more={CHARTS_VARIABLE: str(charts)} if charts.is_dir() else {},
        )
        # The session may edit its kubeconfig; what we ask the cluster must not depend on that.
        own = run.path / "own"
        own.mkdir(mode=0o700)
        shutil.copy2(self._kubeconfig, own / "kubeconfig")
        own_environment = {**self._environment, "HOME": str(own), "KUBECONFIG": str(own / "kubeconfig")}
        self._own_kubeconfig = own / "kubeconfig"
        self._kubectl = Kubectl(self._bin / "kubectl", self._own_kubeconfig, own_environment)
        self._api: Api | None = None
        if istio and "istioctl" in facts.versions:
            link_commands(istio, self._bin)
        self.seconds = float(ready.get("seconds", 0.0))
        """How long the start took."""
        self.seeded = bool(ready.get("seeded"))
        _live.add(self)

    @property
    def facts(self) -> SandboxFacts:
        """What it is."""
        return self._facts

    @property
    def environment(self) -> Mapping[str, str]:
        """The whole environment of a session's shell."""
        return self._environment

    @property
    def directory(self) -> Path:
        """Where all its files are."""
        return self._run.path

    @property
    def pid(self) -> int:
        """The supervisor's process id."""
        return self._supervisor.pid

    def check(self) -> None:
        """Raises SandboxError if a part of the sandbox died: the cause behind a command that suddenly fails."""
        if failure := self._supervisor.failure:
            self._raise(failure)

    def objects(self) -> tuple[Mapping[str, Any], ...]:
        """All cluster objects a diagram may draw (see `cluster_objects`).

        Raises SandboxError.
        """
        self.check()
        return cluster_objects(self._reader)

    def secrets(self) -> Sequence[Mapping[str, Any]]:
        """All Secrets, their data included.

        Raises SandboxError.
        """
        return self._reader.items([SECRETS])

    def checkpoint(self, name: str) -> None:
        """Saves the cluster, the home directory and the kubeconfig under a name; nothing stops meanwhile.

        Raises SandboxError.
        """
        self._request("checkpoint", _CHECKPOINT_SECONDS, name=name)
        saved = self._saved / name
        try:
            with _copying("save the home directory"):
                shutil.rmtree(saved, ignore_errors=True)
                (saved / "home").mkdir(mode=0o700, parents=True)
                _copy_files(self._home, saved / "home")
                shutil.copy2(self._kubeconfig, saved / "kubeconfig")
        except SandboxError:
            # A cluster without its home directory is no checkpoint.
            with contextlib.suppress(SandboxError):
                self.forget(name)
            raise
        self._prepare()

    def restore(self, name: str) -> None:
        """Puts all of that back as it was: names, UIDs, creation times; returns when the cluster is ready again.

        Raises SandboxError; the sandbox is of no more use then, unless there is no such checkpoint.
        """
        self._request("restore", _RESTORE_SECONDS, name=name)
        saved = self._saved / name
        with _copying("put the home directory back"):
            for path in self._home.iterdir():
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()
            _copy_files(saved / "home", self._home)
            shutil.copy2(saved / "kubeconfig", self._kubeconfig)
        self._prepare()

    def forget(self, name: str) -> None:
        """Removes a checkpoint.

        Raises SandboxError.
        """
        self._request("forget", _CHECKPOINT_SECONDS, name=name)
        shutil.rmtree(self._saved / name, ignore_errors=True)

    def keep(self, folder: Path) -> None:
        """Writes cluster, home directory and changed kubeconfig to a folder, for others to begin with (`KeptLayer`).

        Raises SandboxError.
        """
        self._request("keep", _CHECKPOINT_SECONDS, path=str(folder / "cluster"))
        with _copying("keep the home directory"):
            (folder / "home").mkdir(mode=0o700)
            _copy_files(self._home, folder / "home")
            if (charts := self._run.path / CHARTS_FOLDER).is_dir():
                shutil.copytree(charts, folder / "charts")
            if self._kubeconfig.read_bytes() != (self._run.path / "own" / "kubeconfig").read_bytes():
                shutil.copy2(self._kubeconfig, folder / "kubeconfig")

    def install_gateway_api(self, istio: Binary) -> None:
        """Puts the Gateway API's resource definitions into the cluster.

        Raises SandboxError.
        """
        apply_gateway_api(self._kubectl, istio)

    def adopt(self, kept: KeptLayer) -> None:
        """Takes over the home directory and the kubeconfig of a layer; its cluster this sandbox began with.

        Raises SandboxError.
        """
        with _copying("take over the home directory of its layer"):
            _copy_files(kept.home, self._home)
            if kept.kubeconfig.is_file():
                fresh = self._kubeconfig.read_text(encoding="utf-8")
                changed = adopt_kubeconfig(kept.kubeconfig.read_text(encoding="utf-8"), fresh)
                self._kubeconfig.write_text(changed, encoding="utf-8")

    def status(self) -> Mapping[str, Any]:
        """``parts`` (name, pid, state, pss and rss in bytes), ``bytes`` on disk, ``checkpoints``.

        Raises SandboxError.
        """
        answer = self._request("status", _STATUS_SECONDS)
        return {key: value for key, value in answer.items() if key not in {"id", "ok", "seconds"}}

    def logs(self) -> Path:
        """The folder with one log per part."""
        return self._run.path / "box" / "logs"

    def close(self) -> None:
        """Stops every process and removes every file; logs are kept only if the sandbox failed. Safe to call twice."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
            try:
                if self._supervisor.failure:
                    # On a full disk they cannot be; what the sandbox failed of is more than that.
                    with contextlib.suppress(OSError):
                        self._run.keep_logs(self.logs())
                self._supervisor.stop()
            finally:
                self._supervisor.kill()
                if self._api:
                    self._api.close()
                self._run.remove()
                _live.discard(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def _reader(self) -> Reader:
        """What our own questions are put to. It is made for the first one: a start would have to wait for it.

        Raises SandboxError.
        """
        if self._api is None:
            from kubetalk.sandbox.api import Api  # noqa: PLC0415  its libraries are needless where nothing is asked

            self._api = Api.of(self._own_kubeconfig)
        return self._api or self._kubectl

    def _prepare(self) -> None:
        """Loads what the next restore begins with, so that there is less to wait for, if there is memory for it."""
        if available_memory() > LEFT_FREE_BYTES + LOADED_BYTES:
            self._request("prepare", _STATUS_SECONDS)

    def _request(self, operation: str, timeout: float, **keys: str) -> Mapping[str, Any]:
        if self._closed:
            raise SandboxError(f"the sandbox is closed, it cannot {operation}")
        try:
            return self._supervisor.request(operation, timeout, **keys)
        except SandboxError as error:
            if self._supervisor.failure:
                self._raise(error)
            raise

    def _raise(self, failure: SandboxError) -> NoReturn:
        raise with_logs(failure, self._run, self.logs()) from failure


def with_logs(error: SandboxError, run: RunDirectory, logs: Path) -> SandboxError:
    """That error, with the place where the sandbox's logs are kept now, if they can be."""
    with contextlib.suppress(OSError):
        if kept := run.keep_logs(logs):
            remedy = f"{error.remedy}. " if error.remedy else ""
            return SandboxError(error.message, remedy=f"{remedy}Its logs are kept in {kept}", details=error.details)
    return error


@contextmanager
def _copying(what: str) -> Iterator[None]:
    """Raises SandboxError in one line for what goes wrong with files in the block."""
    try:
        yield
    except OSError as error:
        # shutil collects what went wrong in a whole tree: (source, target, why) each.
        first = error.args[0] if isinstance(error, shutil.Error) and error.args else None
        reason = f"{first[0][0]}: {first[0][2]}" if isinstance(first, list) and first else str(error)
        raise SandboxError(
            f"the sandbox cannot {what}: {reason}", remedy="See that the disk is not full and the file can be read"
        ) from error


def _copy_files(source: Path, target: Path) -> None:
    """Copies what a home directory holds, except kubectl's cache, which must not outlive the state it describes."""

    def left_out(folder: str, names: list[str]) -> set[str]:
        special = {name for name in names if not _is_copied((Path(folder) / name).lstat().st_mode)}
        return special | ({"cache"} if Path(folder) == source / ".kube" else set())

    shutil.copytree(source, target, symlinks=True, ignore=left_out, dirs_exist_ok=True)


def _is_copied(mode: int) -> bool:
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode)


def close_all() -> None:
    """Ends every sandbox of this process; for the end of the program, however it comes."""
    for sandbox in list(_live):
        with contextlib.suppress(SandboxError, OSError):
            sandbox.close()


atexit.register(close_all)
