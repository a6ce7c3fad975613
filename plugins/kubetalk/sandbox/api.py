"""Asks an API server over one connection that stays open.

To start a kubectl for a question of our own takes as long as a short command of the session that waits for it.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import yaml

from kubetalk.errors import SandboxError
from kubetalk.sandbox.resources import Resource

_TIMEOUT = 30.0
_PAUSE = 0.05


class Api:
    """One API server, seen with a client certificate; may be used from several threads."""

    def __init__(self, server: str, trust: ssl.SSLContext) -> None:
        address = urllib.parse.urlsplit(server)
        self._connection = http.client.HTTPSConnection(
            address.hostname or "", address.port, timeout=_TIMEOUT, context=trust
        )
        self._turn = threading.Lock()

    @classmethod
    def of(cls, kubeconfig: Path) -> Self | None:
        """For the current context of a kubeconfig; None if that asks for more than certificates that it holds itself.

        Raises SandboxError if there is no such file.
        """
        try:
            config = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise SandboxError(f"{kubeconfig} cannot be read: {error}") from error
        try:
            context = _named(config["contexts"], config["current-context"])["context"]
            cluster = _named(config["clusters"], context["cluster"])["cluster"]
            user = _named(config["users"], context["user"])["user"]
            server, authority = cluster["server"], cluster["certificate-authority-data"]
            pair = [user["client-certificate-data"], user["client-key-data"]]
        except (KeyError, TypeError, StopIteration):
            return None
        if len(cluster) > 2 or len(user) > 2:
            return None  # a proxy, another name, a plugin: kubectl knows them all
        return cls(server, _trust(authority, pair, kubeconfig.parent))

    def get(self, path: str) -> dict[str, Any]:
        """The JSON at a path of the API.

        Raises SandboxError with what the server says if it refuses, or why it does not answer.
        """
        deadline = time.monotonic() + _TIMEOUT
        status, body = self._ask(path)
        # What serves a kind that was defined a moment ago is built at the first request; client-go waits, too.
        while status == http.client.TOO_MANY_REQUESTS and time.monotonic() < deadline:
            time.sleep(_PAUSE)
            status, body = self._ask(path)
        try:
            found = json.loads(body)
        except ValueError as error:
            raise SandboxError(f"the API server answers GET {path} with no JSON") from error
        if status != http.client.OK or not isinstance(found, dict):
            told = found.get("message", "") if isinstance(found, dict) else ""
            raise SandboxError(f"the API server refuses GET {path}: {told or status}")
        return found

    def items(self, resources: Sequence[Resource], selector: str = "") -> list[dict[str, Any]]:
        """The objects of those resources in all namespaces, as `kubectl get --output=json` has them.

        The items of a list leave out what the list says already: their kind (k8s.io/apimachinery,
        `UnstructuredList`, fills it in the same way).

        Raises SandboxError.
        """
        query = f"?labelSelector={urllib.parse.quote(selector)}" if selector else ""
        found: list[dict[str, Any]] = []
        for resource in resources:
            told = self.get(resource.path + query)
            kind = {"apiVersion": told["apiVersion"], "kind": told["kind"].removesuffix("List")}
            found += [{**kind, **item} for item in told["items"] or ()]
        return found

    def close(self) -> None:
        """Ends the connection; the next question makes another one."""
        with self._turn:
            self._connection.close()

    def _ask(self, path: str) -> tuple[int, bytes]:
        with self._turn:
            try:
                return self._answer(path)
            except TimeoutError as error:
                raise self._silent(path, error) from error
            except (http.client.HTTPException, OSError):
                # A connection that stayed open may be one to a server that was restored away.
                self._connection.close()
            try:
                return self._answer(path)
            except (http.client.HTTPException, OSError) as error:
                raise self._silent(path, error) from error

    def _answer(self, path: str) -> tuple[int, bytes]:
        self._connection.request("GET", path, headers={"Accept": "application/json"})
        response = self._connection.getresponse()
        return response.status, response.read()

    def _silent(self, path: str, error: Exception) -> SandboxError:
        self._connection.close()
        return SandboxError(f"the API server does not answer GET {path}: {str(error) or type(error).__name__}")


def _named(entries: Sequence[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    return next(entry for entry in entries if entry["name"] == name)


def _trust(authority: str, pair: Sequence[str], folder: Path) -> ssl.SSLContext:
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        trust.load_verify_locations(cadata=base64.b64decode(authority).decode())
        # The library reads a certificate and its key from a file only. It is private (mkstemp), and gone at once.
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".pem") as file:
            file.write(b"".join(base64.b64decode(part) for part in pair))
            file.flush()
            trust.load_cert_chain(file.name)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise SandboxError(f"the certificates of the sandbox's kubeconfig cannot be used: {error}") from error
    return trust
