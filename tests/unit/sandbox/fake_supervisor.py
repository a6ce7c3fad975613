"""Speaks the supervisor's protocol without a cluster, well or badly; `make_binary` in conftest.py sets BEHAVIOUR.

The same file is `kubetalk-sandbox` beside it, and the kubectl and helm in its bin folder.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

BEHAVIOUR = "good"
VERSIONS = {"kubernetes": "v1.36.4", "kubectl": "v1.36.4", "helm": "v4.2.4"}
HERE = Path(__file__).resolve().parent


def say(**message: object) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def remember(line: str) -> None:
    with (HERE / "seen").open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def supervise(arguments: list[str]) -> int:
    directory = Path(arguments[arguments.index("--dir") + 1])
    remember(json.dumps({"arguments": arguments, "environment": dict(os.environ)}))
    starts = len((HERE / "seen").read_text(encoding="utf-8").splitlines())
    if BEHAVIOUR == "dies at start":
        sys.stderr.write("flag provided but not defined: -seed\n")
        return 2
    for name in ("bin", "home", "logs", "checkpoints"):
        (directory / name).mkdir(mode=0o700, parents=True)
    (directory / "logs" / "etcd.log").write_text("one\ntwo\nthree\n", encoding="utf-8")
    (directory / "kubeconfig").write_text("fresh", encoding="utf-8")
    (directory / "kubeconfig").chmod(0o600)
    for name in ("kubectl", "helm"):
        (directory / "bin" / name).symlink_to(__file__)
    say(event="progress", step="etcd", seconds=0.1)
    if BEHAVIOUR == "garbage":
        sys.stdout.write("panic: runtime error\n")
        sys.stdout.flush()
    if BEHAVIOUR == "fails" or (BEHAVIOUR == "port taken twice" and starts <= 2):
        log = ["listen tcp 127.0.0.1:4: bind: address already in use"] if BEHAVIOUR != "fails" else ["a", "b", "c", "d"]
        say(event="failed", part="kube-apiserver", reason="kube-apiserver ended with exit status 1", log=log)
        return 1
    if BEHAVIOUR != "never ready":
        if BEHAVIOUR == "slow":
            time.sleep(0.3)
        paths = {"kubeconfig": "kubeconfig", "bin": "bin", "home": "home"}
        absolute = {key: str(directory / name) for key, name in paths.items()}
        say(event="ready", seconds=0.2, server="https://127.0.0.1:1", seeded=False, versions=VERSIONS, **absolute)
    if BEHAVIOUR == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return serve(directory)


def serve(directory: Path) -> int:
    for line in sys.stdin:
        request = json.loads(line)
        remember(line.strip())
        operation = request["op"]
        if BEHAVIOUR == "mute":
            continue
        if BEHAVIOUR == "dies later" and operation == "checkpoint":
            os.kill(os.getpid(), signal.SIGKILL)
        if BEHAVIOUR == "fails later" and operation == "checkpoint":
            say(event="failed", part="etcd", reason="etcd was killed by signal 9", log=["out of memory"])
            return 1
        if operation == "keep":
            Path(request["path"]).mkdir()
        saved = directory / "checkpoints" / request.get("name", "")
        if operation == "restore" and not saved.is_file():
            say(id=request["id"], ok=False, error=f"there is no checkpoint {request['name']!r}")
            continue
        if operation == "checkpoint":
            saved.touch()
        if operation == "forget":
            saved.unlink(missing_ok=True)
        about = {}
        if operation == "status":
            part = {"name": "etcd", "pid": os.getpid(), "state": "running", "pss": 1 << 20, "rss": 2 << 20}
            names = sorted(path.name for path in (directory / "checkpoints").iterdir())
            about = {"parts": [part], "bytes": 3 << 20, "checkpoints": names}
        say(id=request["id"], ok=True, seconds=0.0, **about)
        if operation == "stop" and BEHAVIOUR != "stubborn":
            return 0
    while BEHAVIOUR == "stubborn":
        time.sleep(60)
    return 0


def kubectl(arguments: list[str]) -> int:
    """Answers from the file `answers`: a list of [words that must be in the arguments, exit code, text]."""
    remember(json.dumps({"kubectl": arguments, "environment": dict(os.environ)}))
    for words, code, text in json.loads((HERE / "answers").read_text(encoding="utf-8")):
        if all(any(word in argument for argument in arguments) for word in words):
            (sys.stderr if code else sys.stdout).write(text)
            return code
    sys.stderr.write(f"error: no answer for {arguments}\n")
    return 1


def main() -> int:
    name = Path(sys.argv[0]).name
    if name in {"kubectl", "helm"}:
        return kubectl(sys.argv[1:])
    if sys.argv[1] == "versions":
        say(**VERSIONS)
        return 0
    return supervise(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
