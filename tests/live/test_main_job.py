"""The promise, kept on a real sandbox: what is recorded is checked, what is edited runs again, what fails is shown."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.projects import Project, private_binaries

pytestmark = pytest.mark.live

TALK = "docs/talks/shop/"
CHART = TALK + "charts/shop/"
EN = """\
# Shop

---

## Install

```console live id="install"
$ helm install shop charts/shop
```

```console live id="services"
$ kubectl get services -l app=shop
```

---

## Who

```console live id="who"
$ kubectl auth whoami -o jsonpath='{.status.userInfo.groups[0]}{"\\n"}'
```
"""
JA = """\
# 店

---

## インストール

```console ref="install"
```

```console ref="services"
```

---

## だれ

```console live id="who"
$ kubectl auth whoami -o jsonpath='{.status.userInfo.groups[0]}{"\\n"}'
```
"""
FILES = {
    TALK + "talk.yml": "title: {en: Shop, ja: 店}\ndate: 2026-11-20\n",
    TALK + "en.md": EN,
    TALK + "ja.md": JA,
    CHART + "Chart.yaml": "apiVersion: v2\nname: shop\nversion: 0.1.0\n",
    CHART + "templates/service.yaml": (
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: shop\n  labels: {app: shop}\n"
        "spec:\n  selector: {app: shop}\n  ports: [{port: 80}]\n"
    ),
    "docs/pages/note/page.yml": "title: {en: Note, ja: メモ}\n",
    "docs/pages/note/en.md": '# Note\n\n```console live id="ns"\n$ kubectl get namespaces\n```\n',
    "docs/pages/note/ja.md": '# メモ\n\n```console ref="ns"\n```\n',
}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Both documents recorded, by the command."""
    with private_binaries() as binaries:
        made = Project(tmp_path_factory.mktemp("job") / "project", binaries)
        made.write(FILES)
        done = made.kubetalk("record", "--jobs", "2")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "recorded for the first time" in done.stdout
        yield made
        assert list(made.temporary.iterdir()) == []
        made.temporary.rmdir()


@pytest.fixture
def project(recorded: Project, tmp_path: Path) -> Iterator[Project]:
    """The recorded project, put back as it was after the test."""
    kept = tmp_path / "docs"
    shutil.copytree(recorded.folder / "docs", kept)
    yield recorded
    shutil.rmtree(recorded.folder / "docs")
    shutil.copytree(kept, recorded.folder / "docs")


def ran(output: str) -> list[tuple[str, str]]:
    """The commands that a build says it ran: `shop: 2/3 kubectl get …`."""
    return re.findall(r"(?m)\b([a-z]+): \d+/\d+ (.*)$", output)


def test_right_after_recording_nothing_has_drifted(project: Project) -> None:
    before = project.contents("docs")
    done = project.kubetalk("check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("4 fresh\n")
    assert project.contents("docs") == before


def test_an_edited_chart_is_drift_that_names_the_cell(project: Project) -> None:
    project.replace(CHART + "templates/service.yaml", "port: 80", "port: 8080")
    done = project.kubetalk("check", TALK)
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"PORT\(S\) of (service/)?shop: 80/TCP -> 8080/TCP", done.stdout), done.stdout
    assert f"{TALK}en.md:12: [services] $ kubectl get services -l app=shop  (drift-major)" in done.stdout
    assert done.stdout.endswith("2 fresh, 1 drift-major\n")
    diff = project.kubetalk("diff", TALK)
    assert diff.returncode == 1
    assert "nothing to run" in diff.stderr
    assert re.search(r"(?m)^ +-shop .* 80/TCP .*\n +\+shop .* 8080/TCP ", diff.stdout), diff.stdout


def test_a_command_changed_in_one_language_only_names_both_files(project: Project) -> None:
    project.replace(TALK + "en.md", "auth whoami", "auth whoami -v=0")
    done = project.build()
    assert done.returncode != 0
    assert f"{TALK}en.md" in done.stderr
    assert f"{TALK}ja.md" in done.stderr
    assert ran(done.stderr) == []


def test_a_command_changed_in_both_languages_runs_that_session_again(project: Project) -> None:
    assert project.build().returncode == 0
    for language in ("en", "ja"):
        project.replace(f"{TALK}{language}.md", "groups[0]", "username")
    done = project.build()
    assert done.returncode == 0, done.stderr
    assert [document for document, _ in ran(done.stderr)] == ["shop"] * 3
    site = [project.read(f"site/{language}/talks/shop/index.html") for language in ("en", "ja")]
    assert all("kubernetes-admin" in page for page in site)
    before = project.contents("docs")
    for language in ("en", "ja"):
        project.replace(f"{TALK}{language}.md", "\n---\n", "\nMore words.\n\n---\n")
    done = project.build()
    assert done.returncode == 0, done.stderr
    assert ran(done.stderr) == []
    assert "More words." in project.read("site/en/talks/shop/index.html")
    assert {name: text for name, text in project.contents("docs").items() if not name.endswith(".md")} == {
        name: text for name, text in before.items() if not name.endswith(".md")
    }


@pytest.mark.parametrize(
    ("command", "option", "said"),
    [
        ("kubectl get pod nobody", "", "ended with exit code 1 instead of 0"),
        ("echo begun; sleep 60", ' timeout="1s"', "did not end within 1 s and was ended"),
    ],
)
def test_a_command_that_fails_or_hangs_shows_its_output(project: Project, command: str, option: str, said: str) -> None:
    project.replace("docs/pages/note/en.md", '"ns"\n$ kubectl get namespaces', f'"ns"{option}\n$ {command}')
    before = project.contents("site") if (project.folder / "site").exists() else {}
    done = project.build()
    assert done.returncode != 0
    assert f"docs/pages/note/en.md:4: `{command}` (block ns) {said}" in done.stderr
    assert ('pods "nobody" not found' if "nobody" in command else "    begun\n") in done.stderr
    assert project.contents("site") == before if before else True


def test_a_shell_in_a_sandbox(project: Project) -> None:
    command = "kubectl create deployment web --image=nginx --replicas=3 && helm version --short && kubectl get nodes"
    done = project.kubetalk("sandbox", "shell", "-c", command)
    assert done.returncode == 0, done.stderr
    assert "deployment.apps/web created" in done.stdout
    assert re.search(r"(?m)^v\d", done.stdout)
    assert done.stdout.count(" Ready ") == 3


def test_a_shell_where_a_block_left_off(project: Project) -> None:
    done = project.kubetalk("run", "services", "-c", "helm list --short; ls; exit 7")
    assert done.returncode == 7, done.stderr
    assert "$ helm install shop charts/shop\n" in done.stdout
    assert "whoami" not in done.stdout
    assert done.stdout.endswith("shop\ncharts\n")
