from __future__ import annotations

import base64
import json
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kubetalk.running import find_secrets, redact
from kubetalk.running.redaction import REDACTED, encodings_of, random_words
from tests.support.golden import Golden

# None of these was ever issued: they are put together here so that no scanner takes the file for a leak.
A20 = "a1B2c3D4e5F6g7H8i9J0"
A36 = A20 + "k1L2m3N4o5P6q7R8"
A40 = A20 + A20
HEX40 = "0123456789abcdef" * 2 + "01234567"
KEY = "-----BEGIN {0}PRIVATE KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END {0}PRIVATE KEY-----"
JWT = "eyJhbGciOiJSUzI1NiIsImtpZCI6IiJ9." + "eyJpc3MiOiJrdWJlcm5ldGVzIn0." + A40

PLANTED = {
    "service account token (JWT)": (f"token: {JWT}", JWT),
    "bare JWT, as kubectl create token prints it": (JWT, JWT),
    "bearer header": (f"> Authorization: Bearer {A20}", A20),
    "basic header": ("authorization: Basic YWRtaW46aHVudGVyMg==", "YWRtaW46aHVudGVyMg=="),
    "kubeconfig CA": ("    certificate-authority-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1J", "LS0tLS1CRUdJ"),
    "kubeconfig client key": (f'"client-key-data": "{A40}"', A40),
    "kubeconfig client certificate": (f"client-certificate-data: {A40}", A40),
    "kubeconfig token": (f"    token: {A40}", A40),
    "RSA key": (KEY.format("RSA "), "MIIEvQIBADANBg"),
    "PKCS 8 key": (KEY.format(""), "kqhkiG9w0BAQEF"),
    "OpenSSH key": (KEY.format("OPENSSH "), "MIIEvQIBADANBg"),
    "key that is cut off": (KEY.format("EC ")[:60], "MIIEvQIBADANBg"),
    "PEM key in base64": (base64.b64encode(KEY.format("EC ").encode()).decode(), "LS0tLS1CRUdJTi"),
    "AWS key id": ("AKIA" + "Q2W3E4R5T6Y7U2I3", "AKIAQ2W3"),
    "AWS secret": (f"aws_secret_access_key = {A40}", A40),
    "Google API key": ("AIza" + A20 + "k1L2m3N4o5P6q7R", "AIza"),
    "Google OAuth token": ("ya29." + A40, A40),
    "Google service account": (json.dumps({"private_key_id": HEX40, "private_key": KEY.format("")}), HEX40),
    "GitHub token": ("ghp_" + A36, A36),
    "GitHub fine-grained token": ("github_pat_" + A40, A40),
    "GitLab token": ("glpat-" + A20, A20),
    "Slack token": ("xoxb-" + "123456789012-" + A20, A20),
    "Slack webhook": ("https://hooks.slack.com/services/T000/B000/" + A20, A20),
    "Stripe key": ("sk_live_" + A20, A20),
    "npm token": ("npm_" + A36, A36),
    "PyPI token": ("pypi-AgE" + A40, A40),
    "SendGrid key": (f"SG.{A20}.{A20}", A20),
    "DigitalOcean token": ("dop_v1_" + HEX40, HEX40),
    "Hugging Face token": ("hf_" + A36, A36),
    "AI service key": ("sk-ant-" + A40, A40),
    "Vault token": ("hvs." + A40, A40),
    "age key": ("AGE-SECRET-KEY-1" + "Q" * 58, "QQQQ"),
    "Azure storage": (f"DefaultEndpointsProtocol=https;AccountKey={A40}==;x", A40),
    "signed URL": (f"https://b.s3/x?X-Amz-Signature={HEX40}&y", HEX40),
    "password in a URL": ("postgres://app:hunter2@db:5432/x", "hunter2"),
    "token by itself": ("Zq7Lm2Xv9Rt4Wb1Nc8Kd5Hs3Py6Gf0Ja", "Zq7Lm2Xv9Rt4"),
    "token in a sentence": (f"use {A36} to log in", A36),
    "random in base64": ("q83vEjRWeJCrze8SNFZ4kKvN7xI0Vg==", "q83vEjRWeJCr"),
    "htpasswd": ("admin:$2y$10$" + A40, A40),
    "shadow": ("root:$6$" + A40 + ":1", A40),
    "echoed --from-literal": ("+ kubectl create secret generic x --from-literal=pw=hunter2", "hunter2"),
    "echoed --password": ("+ helm registry login --password hunter2 x", "hunter2"),
    "echoed --set": ("+ helm install x . --set db.password=hunter2", "hunter2"),
    "docker config": ('"auth": "YWRtaW46aHVudGVyMg=="', "YWRtaW46aHVudGVyMg=="),
    "curl -u": ("+ curl -u admin:hunter2 http://x", "hunter2"),
    "bootstrap token": ("kubeadm join --token abcdef.0123456789abcdef", "0123456789abcdef"),
    "cookie": (f"< Set-Cookie: session={A20}; Path=/", A20),
    "API key header": (f"> X-Api-Key: {A20}", A20),
    "environment": (f"DB_PASSWORD=hunter2\nAPI_TOKEN={A20}", "hunter2"),
    "Helm values": ("auth:\n  rootPassword: hunter2\n", "hunter2"),
    "random value beside its name": (f'clientSecret: "{A20}"', A20),
    "Telegram bot": ("123456789:AA" + A20 + "abcdefghijklm", A20),
    "colours inside": ("\x1b[36mghp_" + A20 + "\x1b[0m" + "k1L2m3N4o5P6q7R8", A20),
}


@pytest.mark.parametrize("kind", PLANTED)
def test_planted_secrets_are_gone(kind: str) -> None:
    text, secret = PLANTED[kind]
    assert secret in text
    redacted = redact(f"before\n{text}\nafter\n")
    assert secret not in redacted
    assert REDACTED in redacted
    assert redacted.startswith("before\n")
    # A key without an end may go on: everything behind it is taken for key.
    assert redacted.endswith("after\n") or "cut off" in kind
    assert redact(redacted) == redacted


ORDINARY = """\
NAME                   READY   STATUS    RESTARTS      AGE   IP           NODE             NOMINATED NODE
web-7887448d46-khsx7   1/1     Running   1 (5m ago)    2d1h  10.244.0.3   sandbox-worker   <none>
secret/web-tls-7887448d46 created
serviceaccount/build-robot-token-reader created
uid: 3f2504e0-4f89-11d3-9a0c-0305e82c3301
resourceVersion: "482916773910"
image: nginx@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
imageID: docker.io/library/nginx@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
secretName: istio-ingressgateway-certs-long-name-of-2026
secretKeyRef: {name: db, key: password}
- key: node-role.kubernetes.io/control-plane
    key: app.kubernetes.io/managed-by-some-operator
token-auth-file: /etc/kubernetes/pki/tokens.csv
automountServiceAccountToken: false
tokenExpirationSeconds: 3607
mountPath: /var/run/secrets/kubernetes.io/serviceaccount
caBundle: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSURCVENDQWUyZ0F3SUJBZ0lJ
   password   <string>
   token      <string> -required-
password:  6 bytes
token:      912 bytes
Type:  kubernetes.io/service-account-token
password: <nil>
PASSWORD=$DB_PASSWORD
pod-template-hash=7887448d46
controller-uid=3f2504e0-4f89-11d3-9a0c-0305e82c3301
Warning: resource secrets/x is missing the kubectl.kubernetes.io/last-applied-configuration annotation
version.BuildInfo{Version:"v4.2.4", GitCommit:"", GitTreeState:"", GoVersion:"go1.26.8"}
https://203.0.113.250:443/path?x=1 http://web.default.svc.cluster.local:80
"The token must be given in the header", "key": "value", "auth": true
commit 0123456789abcdef0123456789abcdef01234567
Encryption key: rotated
HTTP2ProtocolOptionsV3 X509v3SubjectAltNameType2 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 RequiredDuringScheduling2
4096 SHA256:q83vEjRWeJCrze8SNFZ4kKvN7xI0VnNpZ2hzdW1zb2 (RSA)
ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKq7Lm2Xv9Rt4Wb1Nc8Kd5Hs3Py6Gf0J author
integrity="sha384-q83vEjRWeJCrze8SNFZ4kKvN7xI0VnNpZ2hzdW1zb2"
k8s.gcr.io/pause@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef shop-1876a4f3b2c1d0e9
Go-http-client/2.0 v0.0.0-20260910123456-0a1b2c3d4e5f ip-10-0-0-1.eu-central-1.compute.internal
{"keys": 3, "Version":"v4.2.4", "GitTreeState":"clean", "BuildDate":"2026-09-10T12:34:56Z"}
-----BEGIN CERTIFICATE-----
MIIDBTCCAe2gAwIBAgIIcertificate
MIIDqzCCApOgAwIBAgIUZq7Lm2Xv9Rt4Wb1Nc8Kd5Hs3Py6Gf0JaMA0GCSqGSIb3
-----END CERTIFICATE-----
"""


def test_ordinary_output_is_left_alone() -> None:
    assert redact(ORDINARY) == ORDINARY


@pytest.mark.golden("running/redaction")
def test_golden(golden: Golden) -> None:
    golden.check(redact(golden.input, **golden.options))


SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, "data": {"a": "c2VjcmV0"}}
LIST = {"apiVersion": "v1", "items": [{"kind": "ConfigMap", "data": {"a": "public"}}, SECRET], "kind": "List"}


class TestSecretObjects:
    @pytest.mark.parametrize("document", [SECRET, LIST], ids=["one", "list"])
    @pytest.mark.parametrize("indent", [None, 4])
    def test_json(self, document: object, indent: int | None) -> None:
        text = json.dumps(document, indent=indent)
        redacted = redact(text)
        assert "c2VjcmV0" not in redacted
        assert "public" in redacted or "public" not in text
        assert json.loads(redacted)["kind"] == json.loads(text)["kind"]

    def test_json_that_is_cut_off(self) -> None:
        text = json.dumps({"kind": "Secret", "data": {"a": "c2VjcmV0", "b": "bW9yZQ=="}, "metadata": {}})
        assert "bW9y" not in redact(text[: text.index("metadata")])

    @pytest.mark.parametrize("document", [SECRET, LIST], ids=["one", "list"])
    def test_yaml(self, document: object) -> None:
        redacted = redact(yaml.safe_dump(document))
        assert "c2VjcmV0" not in redacted
        assert yaml.safe_load(redacted.replace(REDACTED, "c2VjcmV0")) == document

    def test_the_annotation_that_repeats_it(self) -> None:
        applied = json.dumps({"kind": "Secret", "stringData": {"p": "hunter2"}})
        document = {"kind": "Secret", "metadata": {"annotations": {"kubectl.kubernetes.io/last": applied}}}
        assert "hunter2" not in redact(json.dumps(document))
        assert "hunter2" not in redact(yaml.safe_dump(document))
        assert "hunter2" not in redact(f"kind: Secret\nmetadata:\n  annotations:\n    last: |\n      {applied}\n")

    @pytest.mark.parametrize(
        "command",
        [
            "kubectl get secret db -o jsonpath='{.data.password}' | base64 -d",
            "kubectl get secrets -o go-template='{{range .items}}{{.data}}{{end}}'",
            "kubectl -n x get secret/db -o json | jq -r '.data.password|@base64d'",
            "kubectl get secret db -o custom-columns=P:.data.password",
            "kubectl create token default",
        ],
    )
    def test_bare_values(self, command: str) -> None:
        assert redact("hunter2\n", command=command) == "<redacted>\n"
        assert redact("Error from server\n", command=command) == "Error from server\n"

    @pytest.mark.parametrize(
        "command", ["kubectl get secrets", "kubectl get secret db -o name", "kubectl get cm -o yaml"]
    )
    def test_only_where_values_are_taken(self, command: str) -> None:
        assert redact("secret/db\n", command=command) == "secret/db\n"


def test_known_secrets_and_their_base64() -> None:
    for form in encodings_of("swordfish"):
        assert redact(f"x {form} y", known=["swordfish"]) == "x <redacted> y"


def test_secrets_that_an_author_wrote() -> None:
    assert find_secrets("export T=" + "ghp_" + A36) == ("GitHub token",)
    assert find_secrets("echo " + PLANTED["PEM key in base64"][0]) == ("PEM private key in base64",)
    assert not find_secrets("kubectl create secret generic db --from-literal=password=example")
    assert not find_secrets("aws configure set aws_access_key_id AKIAIOSFODNN7EXAMPLE")


@given(st.text(alphabet=st.sampled_from(list('kind: Secret\n"{}[],data\\-=token/aB3 \x1b[0m')), max_size=200))
def test_any_text_is_read_and_stays_redacted(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


@given(st.text(max_size=40), st.sampled_from(sorted(PLANTED)), st.text(max_size=40))
def test_surroundings_hide_nothing(before: str, kind: str, after: str) -> None:
    text, secret = PLANTED[kind]
    assert secret not in redact(f"{before}\n{text}\n{after}")


@pytest.mark.parametrize(
    "text",
    [
        "kind: Secret\n" * 30_000,
        '{"kind":"Secret","data":{' * 30_000,
        "-----BEGIN PRIVATE KEY-----" * 20_000,
        "password=" * 60_000,
        "a://b:" * 80_000,
        "eyJ" + "a" * 500_000,
        "token: " + "-" * 500_000,
        " - " * 200_000 + "kind: Secret",
    ],
    ids=range(8),
)
def test_hostile_output_costs_linear_time(text: str) -> None:
    started = time.process_time()
    redact(text)
    assert time.process_time() - started < 5


def test_what_the_author_wrote_is_published_already() -> None:
    word = "Zq7Lm2Xv9Rt4Wb1Nc8Kd5Hs3Py6Gf0Ja"
    public = random_words(f"kind: ConfigMap\ndata: {{build: {word}}}\n")
    assert public == {word}
    assert redact(f"build: {word}", public=public) == f"build: {word}"
    assert redact(f"build: {word}") == f"build: {REDACTED}"


def test_a_key_set_is_made_to_be_published() -> None:
    keys = '{"keys":[{"use":"sig","kty":"RSA","kid":"Zq7Lm2Xv9Rt4Wb1Nc8Kd5Hs3Py6Gf0Ja"}]}'
    assert redact(keys) == keys


ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("path", sorted((ROOT / "docs").rglob("*recording.yml")), ids=lambda path: path.parent.name)
def test_nothing_that_was_recorded_looks_like_a_secret(path: Path) -> None:
    """As the cluster's own tools print it: a reader would see every false hit."""
    assert random_words(path.read_text(encoding="utf-8")) == set()
