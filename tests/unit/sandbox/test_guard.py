from __future__ import annotations

from typing import Any

import pytest

from kubetalk.sandbox.guard import needs_programs, production_like


def kubeconfig(**names: str) -> dict[str, Any]:
    return {
        "contexts": [{"name": names.get("context", "dev"), "context": {"namespace": names.get("namespace", "")}}],
        "clusters": [
            {"name": names.get("cluster", "dev"), "cluster": {"server": names.get("server", "https://127.0.0.1:1")}}
        ],
        "users": [{"name": names.get("user", "me"), "user": {}}],
    }


@pytest.mark.parametrize(
    "names",
    [
        {"context": "prod"},
        {"context": "eu-prod-1"},
        {"context": "gke_company_europe-west1_shop-prd01"},
        {"context": "PRODUCTION"},
        {"context": "shopProd"},
        {"context": "EUProd"},
        {"context": "ACMEProd"},
        {"context": "myprod"},
        {"context": "shopproduction"},
        {"context": "prods"},
        {"context": "prodeu"},
        {"context": "productionready"},
        {"context": "preprod"},
        {"context": "cannon-prod"},
        {"context": "myprd"},
        {"context": "prdcluster"},
        {"context": "Produktion"},
        {"context": "produktiv"},
        {"context": "live"},
        {"context": "本番"},
        {"cluster": "arn:aws:eks:eu-west-1:123:cluster/production-blue"},
        {"user": "admin@prod"},
        {"namespace": "live_shop"},
        {"server": "https://api.live.example.com:6443"},
    ],
)
def test_production_by_name(names: dict[str, str]) -> None:
    assert production_like(kubeconfig(**names)) != ""


@pytest.mark.parametrize(
    "names",
    [
        {"context": "kind-dev"},
        {"context": "product-catalogue-test"},
        {"context": "product-demo"},
        {"context": "products"},
        {"context": "APIProducts"},
        {"context": "Produkt-Test"},
        {"context": "byproduct"},
        {"context": "producer"},
        {"context": "productivity"},
        {"context": "reproducible"},
        {"context": "reproduction-of-issue-7"},
        {"context": "prodigy"},
        {"context": "nonprod"},
        {"context": "shop-non-prod"},
        {"context": "olive"},
        {"context": "reproduce-bug"},
        {"context": "delivery"},
        {"context": "staging"},
        {"server": "https://liverpool.example.com"},
    ],
)
def test_not_production(names: dict[str, str]) -> None:
    assert production_like(kubeconfig(**names)) == ""


@pytest.mark.parametrize(
    ("user", "expected"), [({"exec": {}}, "me"), ({"auth-provider": {}}, "me"), ({"token": "x"}, "")]
)
def test_credentials_from_a_program(user: dict[str, Any], expected: str) -> None:
    assert needs_programs({"users": [{"name": "me", "user": user}]}) == expected


def test_an_empty_kubeconfig() -> None:
    assert production_like({"contexts": None, "clusters": None, "users": None}) == ""
    assert needs_programs({"users": None}) == ""
