"""What a build must never do: start a process when it replays, write into docs/, publish or keep a secret."""

from __future__ import annotations

import base64
import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from kubetalk import reporting
from kubetalk.cli import main
from kubetalk.model import Verdict
from kubetalk.pipeline import check_documents, diff_documents, record_documents, settings_from_config
from tests.site.test_build import GOOD, TALK, with_changes
from tests.support.fakes import FakeProvider
from tests.support.sites import BuildSite, Site

PAGE = {
    "docs/setup.md": '# Setup\n\n```console live id="get-ns"\n$ kubectl get namespaces\n```\n',
    "docs/setup.recording.yml": GOOD[TALK + "recording.yml"].replace("document: small", "document: setup.md"),
}

# Ends the interpreter at once when a process is started, however that is done in Python.
WATCHED = """
import os, sys

STARTS = {"subprocess.Popen", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system"}

def watch(event, arguments):
    if event in STARTS:
        os.write(2, f"STARTED {event} {arguments}\\n".encode())
        os._exit(99)

sys.addaudithook(watch)
from mkdocs.__main__ import cli
cli(sys.argv[1:])
"""


def replaying(site: Site) -> dict[str, str]:
    assert site.project_dir.is_dir()
    return {**os.environ, "KUBETALK_EXECUTION": "replay", "NO_MKDOCS_2_WARNING": "1"}


def test_a_replay_starts_no_process(build_site: BuildSite) -> None:
    site = build_site({**GOOD, **PAGE})
    shutil.rmtree(site.site_dir)
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, "build", "--strict"],
        cwd=site.project_dir,
        env=replaying(site),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "v1.36.4" in site.read("en/talks/small/slides/index.html")


def test_the_watch_over_replays_is_awake(build_site: BuildSite) -> None:
    site = build_site(GOOD)
    start = WATCHED.replace("from mkdocs", "os.system('true')\nfrom mkdocs")
    done = subprocess.run(
        [sys.executable, "-c", start], cwd=site.project_dir, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 99


@pytest.mark.skipif(
    sys.platform != "linux" or not (shutil.which("strace") or os.environ.get("CI")),
    reason="no strace: the audit hook's test has to do",
)
def test_the_kernel_sees_no_process_of_a_replay(build_site: BuildSite, tmp_path: Path) -> None:
    assert shutil.which("strace"), "in continuous integration scripts/test installs strace"
    site = build_site({**GOOD, **PAGE})
    trace = tmp_path / "trace"
    done = subprocess.run(
        ["strace", "-f", "-qq", "-e", "trace=process", "-o", str(trace), sys.executable, "-m", "mkdocs", "build"],
        cwd=site.project_dir,
        env=replaying(site),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    calls = trace.read_text(encoding="utf-8").splitlines()
    programs = [line for line in calls if re.search(r"\bexecve(at)?\(", line) and line.endswith("= 0")]
    assert len(programs) == 1, programs  # the interpreter itself
    # A thread is a clone too, but stays in the process.
    children = [line for line in calls if re.search(r"\b(v?fork|clone3?)\(", line) and "CLONE_THREAD" not in line]
    assert children == []


def files_below(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("execution", ["replay", "auto", "live"])
def test_a_build_leaves_docs_as_they_were(
    build_site: BuildSite, monkeypatch: pytest.MonkeyPatch, execution: str
) -> None:
    monkeypatch.setattr("kubetalk.sandbox.provider_for", lambda _: FakeProvider())
    site = build_site({**GOOD, **PAGE})
    before = files_below(site.project_dir / "docs")
    # A session that tries to change its document's files changes copies of them.
    text = GOOD[TALK + "en.md"].replace("$ kubectl get namespaces", "$ kubectl get namespaces && echo x > notes.txt")
    if execution != "replay":
        build_site({**GOOD, **PAGE, TALK + "en.md": text, TALK + "notes.txt": "mine\n"}, execution=execution)
        before |= {"talks/small/en.md": text.encode(), "talks/small/notes.txt": b"mine\n"}
    assert files_below(site.project_dir / "docs") == before


def secret_words() -> dict[str, str]:
    """Kinds of secrets and what a command prints of them. Made up; none was ever valid."""
    plain = "kR7vQ2mX9tLb4Wz8"

    def b64(text: str) -> str:
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    jwt = ".".join([b64('{"alg":"RS256","kid":"k1"}'), b64('{"sub":"system:serviceaccount:a:b"}'), b64(plain * 4)])
    body = "\n".join(base64.b64encode((plain * 3).encode()).decode() for _ in range(4))
    data = b64(f"hunter2-{plain}")
    return {
        "pem private key": f"-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----",
        "rsa private key": f"-----BEGIN RSA PRIVATE KEY-----\n{body[::-1]}\n-----END RSA PRIVATE KEY-----",
        "openssh private key": f"-----BEGIN OPENSSH PRIVATE KEY-----\nb3{body}\n-----END OPENSSH PRIVATE KEY-----",
        "jwt": jwt,
        "bearer token": f"Authorization: Bearer {plain}AbCdEf0123456789",
        "basic auth": f"Authorization: Basic {base64.b64encode(f'admin:{plain}'.encode()).decode()}",
        "url with a password": f"postgres://app:{plain}pg@db.example.org:5432/app",
        "aws key id": "AKIA" + "Q3EGRYNKXJ7TPLVD",
        "aws secret key": "aws_secret_access_key = " + "wJ4lrXUtnFEMI/K7MDENG+bPxRfiCYzzQmK0yEYQ",
        "github token": "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8",
        "gitlab token": "glpat-" + "xY3z_9QwErTy7UiOp2As",
        "slack token": "xoxb-" + "123456789012-1234567890123-AbCdEfGhIjKlMnOpQrStUvWx",
        "google api key": "AIza" + "SyD9x8w7v6u5t4s3r2q1p0o9n8m7l6k5j4i",
        "npm token": "npm_" + "Zx9Yw8Vu7Ts6Rq5Po4Nm3Lk2Ji1Hg0FeDcBa",
        "stripe key": "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dcQ8",
        "kubeconfig key": f"client-key-data: {base64.b64encode(plain.encode() * 6).decode()}",
        "kubeconfig token": f"token: {plain}{plain[::-1]}tk",
        "secret data": f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\ndata:\n  password: {data}",
        "password variable": f"DB_PASSWORD={plain}pw",
        "bootstrap token": "kubeadm join --token " + "q8d3zk.7f0x2m9v4c6b1n5a",
        "docker config": json.dumps(
            {"auths": {"r.example.org": {"auth": base64.b64encode(f"bot:{plain}dk".encode()).decode()}}}
        ),
        "api key by its name": "api_key: " + "9fQ2xT7mVb4KzR1cWj8LpY5dHs3NgE6uAaXo",
        "token by itself": "Zq7Lm2Xv9Rt4Wb1Nc8Kd5Hs3Py6Gf0Ja",
        "generated password in a sentence": "Your password was set to T5rWq8YzK2mXv7Lb4Nc9 for admin",
    }


def needles(text: str) -> list[bytes]:
    """The parts of a text that must appear nowhere: its long words without the names around them."""
    words = re.findall(r"[A-Za-z0-9+/_.-]{16,}=*", text.replace("-----", " ").replace("DB_PASSWORD=", ""))
    return [word.encode() for word in words if word != "aws_secret_access_key"]


def test_planted_secrets_are_written_nowhere(
    build_site: BuildSite, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secrets = list(secret_words().values())
    assert len(secrets) >= 20
    cases = "".join(f"{number})\ncat <<'END'\n{secret}\nEND\n;;\n" for number, secret in enumerate(secrets))
    provider = FakeProvider(f"#!/bin/sh\ncase $2 in\n{cases}*) exit 1 ;;\nesac\n")
    monkeypatch.setattr("kubetalk.sandbox.provider_for", lambda _: provider)
    told: list[str] = []
    private = tmp_path / "private"
    private.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(private))
    commands = "\n".join(f"$ kubectl print {number}" for number in range(len(secrets)))
    files = {**without_recording(), TALK + "en.md": GOOD[TALK + "en.md"].replace("$ kubectl get namespaces", commands)}
    site = build_site(files, execution="auto")
    settings = settings_from_config(site.project_dir / "mkdocs.yml")
    reports = [
        record_documents(settings, (), progress=told.append),
        check_documents(settings, (), progress=told.append),
    ]
    assert reports[1].count(Verdict.FRESH) == len(secrets)
    # The output of a command that fails is in the report, that of one that drifted is in the diff.
    provider.kubectl = provider.kubectl.replace("END\n;;", "END\nexit 1;;")
    reports.append(check_documents(settings, (), progress=told.append))
    provider.kubectl = "#!/bin/sh\necho nothing\n"
    reports.append(
        diff_documents(dataclasses.replace(settings, cache_dir=tmp_path / "other"), (), progress=told.append)
    )
    assert reports[2].documents[0].failure
    assert len(reports[3].documents[0].texts) == len(secrets)
    for number, report in enumerate(reports):
        for style in reporting.FORMATS:
            (site.project_dir / f"report-{number}.{style}").write_text(
                reporting.render_report(report, style), encoding="utf-8"
            )
    assert told
    (site.project_dir / "log.txt").write_text("\n".join(told), encoding="utf-8")
    found = {**files_below(site.project_dir), **files_below(tmp_path / "other")}
    assert any(name.startswith("site/en/talks/small/") for name in found)
    assert any(name.startswith(".cache/") for name in found)
    assert "docs/talks/small/recording.yml" in found
    words = [word for secret in secrets for word in needles(secret)]
    assert len(words) > len(secrets)
    leaks = [(name, needle) for name, content in found.items() for needle in words if needle in content]
    assert leaks == []
    assert list(private.iterdir()) == []


def without_recording() -> Mapping[str, str]:
    return {path: text for path, text in GOOD.items() if not path.endswith("recording.yml")}


def quiet(_: str) -> None:
    pass


KUBECTL_AS_RECORDED = "#!/bin/sh\nprintf 'NAME      STATUS   AGE\\ndefault   Active   <b>9s\\n'\n"


def test_a_verified_page_marks_what_drifted_and_a_recorded_one_has_no_verdict(
    build_site: BuildSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = FakeProvider("#!/bin/sh\nprintf 'NAME      STATUS        AGE\\ndefault   Terminating   <b>9s\\n'\n")
    monkeypatch.setattr("kubetalk.sandbox.provider_for", lambda _: provider)
    for language, mark in (("en", "Differs from the last check"), ("ja", "前回の確認から変化あり")):
        for view in ("index.html", "slides/index.html"):
            recorded = build_site(GOOD).read(f"{language}/talks/small/{view}")
            verified = build_site(GOOD, execution="auto").read(f"{language}/talks/small/{view}")
            assert "Active" in recorded
            assert mark not in recorded
            assert "Terminating" in verified
            assert "Active" not in verified
            assert verified.count(mark) == 1
    provider.kubectl = KUBECTL_AS_RECORDED
    shutil.rmtree(build_site(GOOD).project_dir / ".cache")
    fresh = build_site(GOOD, execution="auto").read("en/talks/small/index.html")
    assert "Differs from the last check" not in fresh
    assert len(provider.sandboxes) == 2


def test_the_command_line_reports_drift_with_its_exit_code(
    build_site: BuildSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = FakeProvider("#!/bin/sh\nprintf 'NAME      STATUS        AGE\\ndefault   Terminating   <b>9s\\n'\n")
    monkeypatch.setattr("kubetalk.sandbox.provider_for", lambda _: provider)
    site = build_site(with_changes())
    config = ["-f", str(site.project_dir / "mkdocs.yml")]
    done = CliRunner().invoke(main, ["check", *config])
    assert done.exit_code == 1
    assert "STATUS of default: Active -> Terminating" in done.stdout
    done = CliRunner().invoke(main, ["diff", *config])
    assert done.exit_code == 1
    assert "        -default   Active   <b>9s\n" in done.stdout
    assert CliRunner().invoke(main, ["record", *config]).exit_code == 0
    assert CliRunner().invoke(main, ["check", *config]).exit_code == 0
    provider.kubectl = "#!/bin/sh\necho out of order; exit 1\n"
    done = CliRunner().invoke(main, ["record", *config])
    assert done.exit_code == 2
    assert "out of order" in done.stdout
    provider.reason = "no room"
    done = CliRunner().invoke(main, ["check", *config])
    assert done.exit_code == 2
    assert done.stderr.endswith("kubetalk: no room\n")
