"""What leaves a Secret is still one: in a variable, in a later command, in what Helm says after an install."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from kubetalk.model import FileStep, Layer, Location, SandboxRequest, Session, SnapshotStep, SourceFile
from kubetalk.running import run_session
from kubetalk.running.secret_values import chart_versions, installed_charts, secret_values
from tests.unit.running.conftest import FakeSandbox, Runner, outputs, prune, run_step

HERE = Location("docs/talks/t/en.md", 5)
PASSWORD = "q7Rk2mZx0B"  # ten characters, as charts make them

# A cluster whose Secrets are a file. `helm install` and the like bring them, `helm uninstall` takes them away.
KUBECTL = """#!/bin/sh
if [ "$1 $2" = "get secret" ]; then
    echo @ENCODED@
else
    echo "kubectl $*"
fi
"""
HELM = """#!/bin/sh
case "$1" in
install) cp @DIRECTORY@/after-install @DIRECTORY@/secrets; echo "Log in with @PASSWORD@" ;;
uninstall) echo '{"items":[]}' >@DIRECTORY@/secrets ;;
list) echo "NAME" ;;
esac
"""


def encoded(value: str) -> str:
    return base64.b64encode(value.encode()).decode()


def secret(
    called: str = "db", /, kind: str = "Opaque", labels: Mapping[str, str] | None = None, **data: str
) -> dict[str, Any]:
    return {
        "metadata": {"name": called, "namespace": "shop", "labels": dict(labels or {})},
        "type": kind,
        "data": {key.replace("_", "."): encoded(value) for key, value in data.items()},
    }


def holding(key: str, value: str) -> dict[str, Any]:
    return {**secret("wordpress", labels={"app": "wordpress"}), "data": {key: encoded(value)}}


def release(chart: str, version: str, status: str = "deployed", revision: int = 1) -> dict[str, Any]:
    content = json.dumps({"chart": {"metadata": {"name": chart, "version": version}, "templates": []}}).encode()
    return secret(
        f"sh.helm.release.v1.{chart}.v{revision}",
        "helm.sh/release.v1",
        {"owner": "helm", "status": status},
        release=base64.b64encode(gzip.compress(content)).decode(),
    )


@pytest.fixture
def cluster(sandbox: FakeSandbox) -> FakeSandbox:
    """With kubectl and helm that know of Secrets."""
    words = {
        "@DIRECTORY@": str(sandbox.directory),
        "@ENCODED@": encoded(PASSWORD),
        "@PASSWORD@": PASSWORD,
    }
    for name, script in (("kubectl", KUBECTL), ("helm", HELM)):
        text = script
        for word, value in words.items():
            text = text.replace(word, value)
        sandbox.tool(name, text)
    (sandbox.directory / "after-install").write_text(
        json.dumps({"items": [secret(password=PASSWORD, user="shopkeeper"), release("shop", "0.3.1")]})
    )
    return sandbox


def holds(cluster: FakeSandbox, *secrets: dict[str, Any]) -> None:
    cluster.held.write_text(json.dumps({"items": secrets}))


READ = "PW=$(kubectl get secret db -o jsonpath='{.data.password}' | base64 -d)"


class TestInASession:
    def test_a_variable_hides_nothing(self, run: Runner, cluster: FakeSandbox) -> None:
        holds(cluster, secret(password=PASSWORD, user="shopkeeper"))
        result = run(
            READ, "echo $PW", 'echo "user=shopkeeper password is $PW."', "printf %s $PW | base64", "echo x${PW}y"
        )
        assert outputs(result) == [
            "",
            "<redacted>\n",
            "user=shopkeeper password is <redacted>.\n",
            "<redacted>\n",
            "x<redacted>y\n",
        ]

    def test_nor_does_a_file_a_function_or_a_snapshot(self, run: Runner, cluster: FakeSandbox) -> None:
        holds(cluster, secret(password=PASSWORD))
        cluster.found = ({"kind": "Pod", "spec": {"args": [f"--login={PASSWORD}"]}},)
        result = run(f"f() {{ {READ}; echo $PW; }}", "f >f", "cat f", SnapshotStep("d", HERE))
        assert outputs(result)[2] == "<redacted>\n"
        assert result.recording.snapshots[0].objects == ({"kind": "Pod", "spec": {"args": ["--login=<redacted>"]}},)

    def test_what_was_printed_before_it_was_known_is_hidden_too(self, run: Runner, cluster: FakeSandbox) -> None:
        cluster.found = ({"kind": "Pod", "spec": {"args": [f"--login={PASSWORD}"]}},)
        cluster.tool("generate", f"#!/bin/sh\necho {PASSWORD}\n")
        holds(cluster, secret(password=PASSWORD))
        result = run(
            "generate", SnapshotStep("d", HERE), "kubectl create secret generic db --from-literal=x=$(generate)"
        )
        assert outputs(result)[0] == "<redacted>\n"
        assert PASSWORD not in str(result.recording)

    def test_what_helm_brought_stays_hidden_when_it_is_gone(self, run: Runner, cluster: FakeSandbox) -> None:
        result = run(
            "helm install shop ./chart", "helm uninstall shop", "cat f 2>/dev/null; echo q7Rk2mZ; generate || :"
        )
        assert outputs(result)[0] == "Log in with <redacted>\n"
        cluster.tool("generate", f"#!/bin/sh\necho {PASSWORD}\n")
        assert outputs(run("helm install shop ./chart", "helm uninstall shop", "generate"))[2] == "<redacted>\n"

    def test_what_the_author_wrote_is_no_secret(self, run: Runner, cluster: FakeSandbox, tmp_path: Path) -> None:
        holds(cluster, secret(password=PASSWORD), secret("b", password="c8Tn5kWq1D"))
        manifest = tmp_path / "login.yaml"
        manifest.write_text(f"kind: Secret\ndata: {{code: {encoded('c8Tn5kWq1D')}}}\n", encoding="utf-8")
        result = run(
            FileStep("values.yaml", f"login: {PASSWORD}\n", HERE),
            READ,
            "cut -d: -f2 values.yaml; grep -o 'code: [^}]*' login.yaml | cut -c 7- | tr -d '\\n' | base64 -d",
            files=[SourceFile("login.yaml", manifest, "")],
        )
        assert outputs(result)[1] == f" {PASSWORD}\nc8Tn5kWq1D"

    def test_asking_costs_nothing_where_no_secret_is_read(self, run: Runner, cluster: FakeSandbox) -> None:
        run("kubectl get pods", "kubectl apply -f web.yaml", "echo helpful")
        assert cluster.asked == 0
        run("kubectl get secret db", "kubectl get pods", "helm list")
        assert cluster.asked == 2  # after the one that says so, and at the end
        run("helm install shop ./chart")
        assert cluster.asked == 3

    def test_the_session_s_own_kubeconfig_and_home_are_left_alone(self, run: Runner, cluster: FakeSandbox) -> None:
        holds(cluster, secret(password=PASSWORD))
        result = run(
            "kubectl() { echo mine; }; export KUBECONFIG=/nowhere; echo secret", f"echo {PASSWORD[:5]}", "ls -A ~"
        )
        assert outputs(result) == ["secret\n", f"{PASSWORD[:5]}\n", ""]
        assert cluster.asked == 2

    def test_a_cluster_that_does_not_tell(self, run: Runner, cluster: FakeSandbox) -> None:
        told: list[str] = []
        cluster.is_silent = True
        assert outputs(run("echo secret", "echo Secret", progress=told.append)) == ["secret\n", "Secret\n"]
        assert [line for line in told if "cannot be listed" in line] == [
            "the cluster's Secrets cannot be listed; their values are hidden only where they stand"
        ]

    def test_a_saved_point_remembers(self, cluster: FakeSandbox, tmp_path: Path) -> None:
        holds(cluster, secret(password=PASSWORD), release("shop", "0.3.1"))

        def again(last: str) -> Any:
            steps = (run_step(READ, "a"), run_step("kubectl get pods", "b"), run_step(last, "c"))
            return run_session(
                Session("talk", SandboxRequest(), steps),
                cluster,
                workspace=tmp_path / "w",
                prune=prune,
                progress=lambda _: None,
                keys={("a", 0): "a", ("b", 0): "b", ("c", 0): last},
                states=tmp_path / "states",
            )

        again("true")
        holds(cluster)
        edited = again("echo $PW")
        assert edited.resumed == 2
        assert outputs(edited)[2] == "<redacted>\n"
        assert edited.recording.provenance.versions["chart shop"] == "0.3.1"


class TestValues:
    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("password", PASSWORD),
            ("password", "swordfish"),
            ("postgres-password", "kqzvbnwxtr"),
            ("anything", "kQzVbnWxTr"),
            ("anything", "4f9c1ab2"),
            ("pin", "482913"),
            ("id", "1b4e28ba-2fa1-11d2-883f-0016d3cca427"),
            ("passphrase", "correct horse battery"),
            ("token", "a\nb c\nd"),
        ],
    )
    def test_hidden(self, key: str, value: str) -> None:
        found = secret_values([holding(key, value + "\n")])
        assert {value, encoded(value + "\n")} <= found

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("password", "short"),
            ("password", "true"),
            ("password", "password"),
            ("password", "shop"),
            ("password", "wordpress"),
            ("username", "postgres"),
            ("user", "admin1"),
            ("host", "db-0.db.shop.svc.cluster.local:5432"),
            ("url", "https://db.shop.svc:8443/health"),
            ("image", "ghcr.io/shop/web:v1.2.3"),
            ("namespace", "istio-system"),
            ("name", "My Database"),
            ("date", "2026-11-29"),
            ("cert", "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIQ\n-----END CERTIFICATE-----"),
        ],
    )
    def test_shown(self, key: str, value: str) -> None:
        assert secret_values([holding(key, value)]) == set()

    def test_the_parts_of_what_is_longer(self) -> None:
        found = secret_values(
            [secret(uri=f"postgres://shop:{PASSWORD}@db:5432/shop", conf=f"[db]\nport=5432\np={PASSWORD}")]
        )
        assert PASSWORD in found
        assert not {"postgres", "shop", "5432", "port"} & found

    def test_bytes_that_are_no_text(self) -> None:
        raw = base64.b64encode(bytes(range(128, 160))).decode()
        assert secret_values([{"metadata": {}, "data": {"key": raw}}]) == {raw}

    def test_whatever_the_api_says(self) -> None:
        assert secret_values([{}, {"data": None}, {"data": {"a": "%%%"}}, release("shop", "1.0.0")]) == set()


class TestCharts:
    def test_those_that_were_installed(self) -> None:
        secrets = [
            release("istiod", "1.31.0", revision=2),
            release("istiod", "1.30.3", "superseded"),
            release("broken", "1.0.0", "failed"),
            release("shop", "0.10.0"),
            secret("sh.helm.release.v1.x.v1", "helm.sh/release.v1", {"status": "deployed"}, release="damaged"),
        ]
        charts = installed_charts(secrets)
        assert charts == {("istiod", "1.31.0"), ("istiod", "1.30.3"), ("shop", "0.10.0")}
        assert list(chart_versions(charts).items()) == [("istiod", "1.30.3, 1.31.0"), ("shop", "0.10.0")]

    def test_in_the_order_of_the_numbers(self) -> None:
        assert chart_versions([("a", "0.10.0"), ("a", "0.9.0-rc.1"), ("a", "0.9.0")]) == {
            "a": "0.9.0, 0.9.0-rc.1, 0.10.0"
        }

    def test_in_the_provenance_even_if_uninstalled_again(self, run: Runner, cluster: FakeSandbox) -> None:
        result = run("helm install shop ./chart", "helm uninstall shop")
        assert result.recording.provenance.versions == {"kubernetes": "v1.36.4", "chart shop": "0.3.1"}
        assert cluster.asked == 2
        assert "chart shop" not in run("helm list").recording.provenance.versions

    def test_those_of_a_script_and_of_the_layer(self, cluster: FakeSandbox, tmp_path: Path) -> None:
        holds(cluster, release("shop", "0.3.1"))
        request = SandboxRequest(layer=Layer("shop", ("helm install shop ./chart",)))
        result = run_session(
            Session("talk", request, (run_step("true"),)),
            cluster,
            workspace=tmp_path / "w",
            prune=prune,
            progress=lambda _: None,
        )
        assert result.recording.provenance.versions["chart shop"] == "0.3.1"
