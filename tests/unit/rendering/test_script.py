"""The script of a page, read by bash and run against a kubectl that only tells what it was called with."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from kubetalk.model import Layer, SourceFile
from kubetalk.rendering.regexes import grep_options
from kubetalk.rendering.script import is_endless, script_of, used_files
from kubetalk.rendering.strings import load_strings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.rendering.conftest import ReadPost

KUBECTL = """\
#!/bin/bash
printf 'kubectl %s\\n' "$*"
case $* in
    *file.yaml | *-k* | *dir) find . -type f | sort ; cat "${@: -1}" 2>/dev/null || true ;;
    *forbidden*) echo "Error from server (Forbidden)" >&2 ; exit 3 ;;
    "get pods") echo x >>"$CALLS" ; [ "$(wc -l <"$CALLS")" -lt 3 ] || echo "web 3/3 Running" ;;
    *-w*) exec sleep 600 ;;
esac
"""


def scripted(read_post: ReadPost, source: str, *files: SourceFile, layer: Layer | None = None) -> str:
    _, rendition = read_post({"true": ""}, en=source)
    if layer and rendition.recording:
        provenance = replace(rendition.recording.provenance, layer=layer)
        rendition = replace(rendition, recording=replace(rendition.recording, provenance=provenance))
    return script_of(replace(rendition, files=files), rendition.document.texts["en"], load_strings("en"))


def block(*commands: str, options: str = "") -> str:
    return "\n".join([f"```console live {options}", *(f"$ {command}" for command in commands), "```", "", ""])


def source_file(folder: Path, path: str, content: str | bytes, *, executable: bool = False) -> SourceFile:
    place = folder / "document" / path
    place.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode() if isinstance(content, str) else content
    place.write_bytes(data)
    return SourceFile(path, place, hashlib.sha256(data).hexdigest(), executable)


def run(script: str, tmp_path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """What the script prints; ``options`` are bash's."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "kubectl").write_text(KUBECTL, encoding="utf-8")
    (tools / "sleep").write_text("#!/bin/bash\n[ $1 = 1 ] || exec /bin/sleep $1\n", encoding="utf-8")
    for tool in tools.iterdir():
        tool.chmod(0o755)
    environment = {
        "PATH": f"{tools}:{os.environ['PATH']}",
        "TMPDIR": str(tmp_path),
        "CALLS": str(tmp_path / "calls"),
        "LANG": "C.UTF-8",
    }
    subprocess.run(["bash", "-n"], input=script, text=True, check=True, timeout=30)
    return subprocess.run(
        ["bash", *options],
        input=script,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        cwd=tmp_path,
        timeout=60,
        check=False,
    )


def test_files_heredocs_and_hidden_commands(read_post: ReadPost, tmp_path: Path) -> None:
    source = (
        '```console live id="setup" hide\n$ cd .\n```\n\n'
        '```yaml file="a b/file.yaml"\nEOF\nkind: X\n```\n\n'
        '```console live id="x"\n$ kubectl apply \\\n>   -f "a b/file.yaml"\noutput\n```\n'
    )
    script = scripted(read_post, source)
    assert script.startswith("#!/usr/bin/env bash\n# The commands of “Sample”. Read them first")
    done = run(script, tmp_path)
    assert done.returncode == 0
    assert done.stdout == "kubectl apply -f a b/file.yaml\n./a b/file.yaml\nEOF\nkind: X\n"
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == []  # nothing where the reader stands


def test_the_documents_files_come_along_and_only_those_that_are_used(read_post: ReadPost, tmp_path: Path) -> None:
    files = [
        source_file(tmp_path, "manifests/file.yaml", "kind: EOF\nEOF\n"),
        source_file(tmp_path, "charts/dir/Chart.yaml", "name: dir"),
        source_file(tmp_path, "charts/dir/logo.png", b"\x89PNG\0"),
        source_file(tmp_path, "charts/other/Chart.yaml", "name: other"),
        source_file(tmp_path, "notes/private.txt", "what I think"),
        source_file(tmp_path, "run.sh", "#!/bin/bash\necho ran\n", executable=True),
    ]
    commands = ("./run.sh", "kubectl apply -f manifests/file.yaml", "kubectl apply -f charts/dir")
    script = scripted(read_post, block(*commands), *files)
    assert "# charts/dir/logo.png is needed here too" in script
    assert "other" not in script
    assert "private" not in script
    done = run(script, tmp_path, "-eu")
    assert done.returncode == 0, done.stdout
    found = "./charts/dir/Chart.yaml\n./manifests/file.yaml\n./run.sh\n"
    assert done.stdout == (
        f"ran\nkubectl apply -f manifests/file.yaml\n{found}kind: EOF\nEOF\nkubectl apply -f charts/dir\n{found}"
    )


@pytest.mark.parametrize(
    ("command", "used"),
    [
        ("kubectl apply -f web.yaml", ["base/web.yaml"]),  # after `cd base`
        ("kubectl apply -f base", ["base/kustomization.yaml", "base/web.yaml"]),
        ("kubectl apply -k over/dev/", ["base/kustomization.yaml", "base/web.yaml", "over/dev/kustomization.yaml"]),
        ("helm upgrade x y --values=./v.yaml", ["v.yaml"]),
        (
            "cat *.yaml",
            ["base/kustomization.yaml", "base/web.yaml", "over/dev/kustomization.yaml", "v.yaml", "w s.yaml"],
        ),
        ('kubectl apply -f "w s.yaml"', ["w s.yaml"]),
        ("kubectl auth can-i '*' '*'", []),
        ("kubectl get pods -l app=web", []),
    ],
)
def test_which_files_a_command_uses(tmp_path: Path, command: str, used: list[str]) -> None:
    contents = {
        "base/kustomization.yaml": "resources: [web.yaml]\n",
        "base/web.yaml": "kind: X\n",
        "over/dev/kustomization.yaml": "resources:\n- ../../base\n",
        "v.yaml": "a: 1\n",
        "w s.yaml": "b: 1\n",
    }
    files = [source_file(tmp_path, path, content) for path, content in contents.items()]
    assert [file.path for file in used_files(files, [command])] == used


def test_what_waits_asks_again_and_what_fails_goes_on(read_post: ReadPost, tmp_path: Path) -> None:
    source = (
        '```console live id="a" until="(?:3/3)\\s+Running" within="40s"\n$ kubectl get pods\n```\n\n'
        '```console live id="b" exit="3"\n$ kubectl delete forbidden -f - <<END\n> x\n> END\n```\n\n'
        '```console live id="c" within="0.2s"\n$ kubectl get pods -w\n```\n\n'
        '```console live id="d"\n$ kubectl version\n```\n'
    )
    script = scripted(read_post, source, layer=Layer("l", ("kubectl label x",)))
    done = run(script, tmp_path)
    assert done.stdout == (
        "kubectl label x\nkubectl get pods\nweb 3/3 Running\n"
        "kubectl delete forbidden -f -\nError from server (Forbidden)\nexit code 3, expected here: 3\n"
        "kubectl get pods -w\nkubectl version\n"
    )
    assert (tmp_path / "calls").read_text(encoding="utf-8").count("x") == 3


def test_an_expected_failure_does_not_end_a_strict_script(read_post: ReadPost, tmp_path: Path) -> None:
    source = block("kubectl delete forbidden", options='exit="3"') + block("kubectl version")
    assert run(scripted(read_post, source), tmp_path, "-e").stdout.endswith("kubectl version\n")


@pytest.mark.parametrize(
    ("command", "endless"),
    [
        ("kubectl get pods --watch", True),
        ("kubectl -n x get pods \\\n  -w", True),
        ("kubectl logs -f deployment/web", True),
        ("kubectl apply -f get.yaml", False),
        ("kubectl get -f web.yaml", False),
        ("kubectl get pods -o wide", False),
    ],
)
def test_what_never_ends(command: str, *, endless: bool) -> None:
    assert is_endless(command) is endless


@pytest.mark.parametrize(
    ("pattern", "option", "written"),
    [
        ("3/3", "-E", "3/3"),
        (r"\d+/\d+ +Running", "-E", "[0-9]+/[0-9]+ +Running"),
        (r"^web-[\w.]{3}\s", "-E", "^web-[[:alnum:]_.]{3}[[:space:]]"),
        (r"(?:a|b).*?c", "-E", "(a|b).*c"),
        (r"\S\.io\-x", "-E", r"[^[:space:]]\.io-x"),
        (r"[^\d]]", "-E", "[^0-9]]"),
        (r"a[]b]", "-E", "a[]b]"),
        (r"(?i)ready", "-P", "(?i)ready"),
        (r"a(?!b)", "-P", "a(?!b)"),
        (r"\bok\b", "-P", r"\bok\b"),
        (r"[\S-]", "-P", r"[\S-]"),
    ],
)
def test_regular_expressions_for_grep(pattern: str, option: str, written: str) -> None:
    assert grep_options(pattern) == (option, written)
    for line in ("3/3", "12/12 Running", "web-a.1 x", "abc", "x.io-x", "READY ok", "a]b", "", "a-b"):
        done = subprocess.run(
            ["grep", "-q", option, "-e", written], input=line + "\n", text=True, check=False, timeout=30
        )
        assert (done.returncode == 0) is bool(re.search(pattern, line)), line
