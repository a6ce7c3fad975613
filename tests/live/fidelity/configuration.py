"""ConfigMaps and Secrets."""

from __future__ import annotations

from .checks import Bench, check, heredoc


@check("concepts/configuration/configmap/#configmap-immutable")
def an_immutable_configmap_stays_as_it_is(t: Bench) -> None:
    t.apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {a: '1'}, immutable: true}")
    t.refused('kubectl patch configmap c -p \'{"data": {"a": "2"}}\'', "field is immutable when `immutable` is set")
    t.refused("kubectl patch configmap c -p '{\"immutable\": false}'", "field is immutable when `immutable` is set")
    t.out("kubectl label configmap c a=b && kubectl delete configmap c")


@check("concepts/configuration/secret/#secret-immutable")
def an_immutable_secret_stays_as_it_is(t: Bench) -> None:
    t.apply("{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {a: one}, immutable: true}")
    t.refused('kubectl patch secret s -p \'{"stringData": {"a": "two"}}\'', "field is immutable when `immutable`")


@check("concepts/configuration/secret/#secret-types")
def secrets_have_types_and_are_encoded(t: Bench) -> None:
    t.apply("{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {a: one}}")
    found = t.get("secret s")
    assert [found["type"], found["data"]] == ["Opaque", {"a": "b25l"}]
    assert "stringData" not in found
    tls = "{apiVersion: v1, kind: Secret, metadata: {name: t}, type: kubernetes.io/tls, stringData: {a: one}}"
    t.refused(heredoc(tls), "data[tls.crt]: Required value", "data[tls.key]: Required value")
    said = t.out("kubectl describe secret s")
    assert "3 bytes" in said
    assert ": one" not in said
    t.refused('kubectl patch secret s -p \'{"type": "other"}\'', "field is immutable")


@check("tasks/manage-kubernetes-objects/kustomization/")
def a_generated_configmap_carries_its_hash(t: Bench) -> None:
    t.file("kustomization.yaml", "namePrefix: shop-\nconfigMapGenerator: [{name: c, literals: [a=1]}]\n")
    said = t.out("kubectl apply -k .")
    assert said.startswith("configmap/shop-c-")
    t.file("kustomization.yaml", "namePrefix: shop-\nconfigMapGenerator: [{name: c, literals: [a=2]}]\n")
    assert t.out("kubectl apply -k .") != said
    assert len([name for name in t.names("configmaps") if name.startswith("shop-c-")]) == 2
