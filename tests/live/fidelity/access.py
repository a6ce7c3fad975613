"""Who may do what: RBAC, ServiceAccounts and their tokens, certificates."""

from __future__ import annotations

import base64
import json

from .checks import Bench, check, condition, heredoc, pod, ready

# A request for CN=jane, O=developers; its key was never kept.
REQUEST = (
    "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIZk1JR0dBZ0VBTUNReEV6QVJCZ05WQkFvTUNtUmxkbVZzYjNC"
    "bGNuTXhEVEFMQmdOVkJBTU1CR3BoYm1VdwpXVEFUQmdjcWhrak9QUUlCQmdncWhrak9QUU1CQndOQ0FBUVpFbUJXd2szcUNnMXJU"
    "QlNBOVFsckxHdTVuaW8vCnBYQnJjenlvZjRZcml1L3FjaC9mRHN1Rm1xeUJHODBza3U1VU44TFZCb25Md21xVVMxV0lxZ2NEb0FB"
    "d0NnWUkKS29aSXpqMEVBd0lEU0FBd1JRSWdhcnQwRHZmSnZIU2IzSzgvK0ZMR1p5anVJakJ3Y2hGa3FEbFNFWjlmd0djQwpJUUNR"
    "SC9UUjlGYlBOc3BwTkdmQ0JVRzZrZ0ZKdTIzeEprQjBSTlk5QTluTHdBPT0KLS0tLS1FTkQgQ0VSVElGSUNBVEUgUkVRVUVTVC0t"
    "LS0tCg=="
)


def review(t: Bench, token: str) -> dict:
    manifest = f"{{apiVersion: authentication.k8s.io/v1, kind: TokenReview, spec: {{token: {token}}}}}"
    return dict(json.loads(t.apply(manifest, "create -o json"))["status"])


@check("reference/access-authn-authz/rbac/")
def a_role_allows_what_it_names_and_nothing_else(t: Bench) -> None:
    account = f"system:serviceaccount:{t.namespace}:robot"
    t.out("kubectl create serviceaccount robot")
    t.refused(
        f"kubectl get pods --as={account}",
        f'User "{account}" cannot list resource "pods" in API group "" in the namespace "{t.namespace}"',
    )
    t.out("kubectl create role reader --verb=get,list --resource=pods --resource=configmaps")
    t.out(f"kubectl create rolebinding reader --role=reader --serviceaccount={t.namespace}:robot")
    t.until_run(f"kubectl get pods --as={account}", lambda done: done.returncode == 0)
    for question, answer in (
        ("list pods", "yes"),
        ("delete pods", "no"),
        ("list pods -n default", "no"),
        ("list nodes", "no"),
    ):
        done = t.run(f"kubectl auth can-i {question} --as={account}")
        assert [done.stdout.strip(), done.returncode] == [answer, 0 if answer == "yes" else 1], question
    t.refused('kubectl patch rolebinding reader -p \'{"roleRef": {"name": "other"}}\'', "cannot change roleRef")


@check("reference/access-authn-authz/rbac/#aggregated-clusterroles")
def cluster_roles_are_aggregated(t: Bench) -> None:
    t.apply(
        "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: fidelity-sum},"
        " aggregationRule: {clusterRoleSelectors: [{matchLabels: {fidelity: part}}]}, rules: []}"
    )
    t.out("kubectl create clusterrole fidelity-part --verb=get --resource=nodes")
    t.out("kubectl label clusterrole fidelity-part fidelity=part")
    found = t.until("clusterrole fidelity-sum", lambda o: o["rules"])
    assert found["rules"] == [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]}]
    view = t.get("clusterrole view")["aggregationRule"]["clusterRoleSelectors"][0]["matchLabels"]
    assert view == {"rbac.authorization.k8s.io/aggregate-to-view": "true"}


@check("reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping")
def nobody_grants_more_than_they_have(t: Bench) -> None:
    account = f"system:serviceaccount:{t.namespace}:default"
    t.out("kubectl create role maker --verb=create,get --resource=roles.rbac.authorization.k8s.io,configmaps")
    t.out(f"kubectl create rolebinding maker --role=maker --serviceaccount={t.namespace}:default")
    t.until_run(f"kubectl auth can-i create roles --as={account}", lambda done: done.returncode == 0)
    t.refused(
        f"kubectl create role more --verb=delete --resource=secrets --as={account}",
        "is attempting to grant RBAC permissions not currently held",
    )
    t.out(f"kubectl create role same --verb=get --resource=configmaps --as={account}")


@check("reference/access-authn-authz/authentication/#self-subject-review")
def everybody_can_ask_who_they_are(t: Bench) -> None:
    found = json.loads(t.out("kubectl auth whoami -o json"))["status"]["userInfo"]
    assert {"system:authenticated"} < set(found["groups"])
    found = json.loads(t.out("kubectl auth whoami -o json --as=jane --as-group=developers"))["status"]["userInfo"]
    assert [found["username"], found["groups"]] == ["jane", ["developers", "system:authenticated"]]


@check("reference/access-authn-authz/service-accounts-admin/")
def a_requested_token_is_a_service_account_s(t: Bench) -> None:
    token = t.out("kubectl create token default --duration=10m").strip()
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert claims["sub"] == f"system:serviceaccount:{t.namespace}:default"
    assert claims["exp"] - claims["iat"] == 600
    status = review(t, token)
    assert status["authenticated"] is True
    assert status["user"]["username"] == f"system:serviceaccount:{t.namespace}:default"
    assert f"system:serviceaccounts:{t.namespace}" in status["user"]["groups"]
    said = t.out(
        "server=$(kubectl config view --minify -o jsonpath='{.clusters[0].cluster.server}')\n"
        "kubectl config view --minify --raw -o jsonpath='{.clusters[0].cluster.certificate-authority-data}'"
        " | base64 -d > ca.crt\n"
        f"KUBECONFIG=/dev/null kubectl --server=$server --certificate-authority=ca.crt --token={token} auth whoami"
    )
    assert f"system:serviceaccount:{t.namespace}:default" in said
    assert "authenticated" not in review(t, token[:-8] + "AAAAAAAA")
    t.refused("kubectl create token default --duration=1m", "may not specify a duration less than 10 minutes")


@check("tasks/configure-pod-container/configure-service-account/#launch-a-pod-using-service-account-token-projection")
def a_pod_s_token_ends_with_the_pod(t: Bench) -> None:
    t.apply(pod("p"))
    t.until("pod p", ready)
    token = t.out("kubectl create token default --bound-object-kind=Pod --bound-object-name=p").strip()
    status = review(t, token)
    assert status["user"]["extra"]["authentication.kubernetes.io/pod-name"] == ["p"]
    t.out("kubectl delete pod p")
    t.until_run(
        f'kubectl create -o json -f - <<< \'{{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",'
        f' "spec": {{"token": "{token}"}}}}\'',
        lambda done: '"authenticated": true' not in done.stdout and done.returncode == 0,
    )


@check("tasks/configure-pod-container/configure-service-account/")
def a_token_is_projected_into_pods(t: Bench) -> None:
    t.apply(pod("p"))
    t.apply(pod("q", spec="automountServiceAccountToken: false"))
    spec = t.get("pod p")["spec"]
    (volume,) = spec["volumes"]
    assert spec["serviceAccountName"] == "default"
    assert volume["name"].startswith("kube-api-access-")
    assert volume["projected"]["sources"][0] == {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}}
    (mount,) = spec["containers"][0]["volumeMounts"]
    assert mount["mountPath"] == "/var/run/secrets/kubernetes.io/serviceaccount"
    assert "volumes" not in t.get("pod q")["spec"]
    t.refused(heredoc(pod("r", spec="serviceAccountName: nobody")), 'serviceaccount "nobody" not found')


@check("reference/access-authn-authz/certificate-signing-requests/")
def a_certificate_is_asked_for_approved_and_issued(t: Bench) -> None:
    manifest = (
        "{apiVersion: certificates.k8s.io/v1, kind: CertificateSigningRequest, metadata: {name: fidelity-%s}, spec:"
        f" {{request: {REQUEST}, signerName: kubernetes.io/kube-apiserver-client, usages: [client auth]}}}}"
    )
    t.apply(manifest % "jane")
    assert "Pending" in t.out("kubectl get csr fidelity-jane --no-headers")
    t.out("kubectl certificate approve fidelity-jane")
    found = t.until("csr fidelity-jane", lambda o: "certificate" in o["status"])
    assert base64.b64decode(found["status"]["certificate"]).startswith(b"-----BEGIN CERTIFICATE-----")
    assert "Approved,Issued" in t.out("kubectl get csr fidelity-jane --no-headers")
    t.apply(manifest % "jill")
    t.out("kubectl certificate deny fidelity-jill")
    found = t.get("csr fidelity-jill")
    assert condition(found, "Denied")["status"] == "True"
    assert "certificate" not in found["status"]
