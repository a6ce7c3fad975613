"""Kinds that authors define: CustomResourceDefinitions."""

from __future__ import annotations

from .checks import Bench, check, heredoc


def definition(t: Bench, group: str, schema: str, *, version: str = "", spec: str = "", versions: str = "") -> None:
    """A kind Thing with short name of its group, established."""
    every = versions or (
        f"{{name: v1, served: true, storage: true, schema: {{openAPIV3Schema: {schema}}}{version and ', ' + version}}}"
    )
    t.apply(
        f"{{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {{name: things.{group}}},"
        f" spec: {{group: {group}, scope: Namespaced, names: {{plural: things, singular: thing, kind: Thing,"
        f" shortNames: [{group.removesuffix('.example.com')}]}}, versions: [{every}]{spec and ', ' + spec}}}}}"
    )
    t.out(f"kubectl wait --for=condition=Established crd/things.{group} --timeout=60s")
    t.until_run(f"kubectl get things.{group}", lambda done: done.returncode == 0)


def thing(group: str, name: str, more: str, version: str = "v1") -> str:
    return f"{{apiVersion: {group}/{version}, kind: Thing, metadata: {{name: {name}}}, {more}}}"


@check("tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation")
def a_schema_validates_defaults_and_prunes(t: Bench) -> None:
    group = "schema.example.com"
    size = "{type: integer, minimum: 1, maximum: 5, default: 3}"
    colour = "{type: string, enum: [red, green]}"
    definition(
        t,
        group,
        "{type: object, required: [spec], properties: {spec: {type: object, required: [colour],"
        f" properties: {{size: {size}, colour: {colour}}}}}}}}}",
    )
    t.refused(heredoc(thing(group, "a", "spec: {size: 9, colour: red}")), "should be less than or equal to 5")
    t.refused(heredoc(thing(group, "a", "spec: {colour: blue}")), 'Unsupported value: "blue"', '"red", "green"')
    t.refused(heredoc(thing(group, "a", "spec: {size: 1}")), "spec.colour: Required value")
    t.refused(heredoc(thing(group, "a", "spec: {colour: red, odd: 1}")), 'unknown field "spec.odd"')
    t.apply(thing(group, "a", "spec: {colour: red, odd: 1}"), "create --validate=false")
    assert t.get("schema a")["spec"] == {"colour": "red", "size": 3}


@check("tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-rules")
def rules_in_cel_judge_values_and_changes(t: Bench) -> None:
    group = "rules.example.com"
    rules = (
        "[{rule: self.min <= self.max, message: min must not be above max},"
        " {rule: 'self.max >= oldSelf.max', message: max never shrinks}]"
    )
    definition(
        t,
        group,
        "{type: object, properties: {spec: {type: object, properties: {min: {type: integer}, max: {type: integer}},"
        f" x-kubernetes-validations: {rules}}}}}}}",
    )
    t.refused(heredoc(thing(group, "a", "spec: {min: 5, max: 2}")), "min must not be above max")
    t.apply(thing(group, "a", "spec: {min: 1, max: 4}"))
    t.refused(heredoc(thing(group, "a", "spec: {min: 1, max: 3}")), "max never shrinks")
    t.apply(thing(group, "a", "spec: {min: 1, max: 5}"))


@check("tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#subresources")
def columns_status_and_scale_are_served(t: Bench) -> None:
    group = "columns.example.com"
    whole = "{type: object, x-kubernetes-preserve-unknown-fields: true}"
    definition(
        t,
        group,
        f"{{type: object, properties: {{spec: {whole}, status: {whole}}}}}",
        version="subresources: {status: {}, scale: {specReplicasPath: .spec.replicas,"
        " statusReplicasPath: .status.replicas}}, additionalPrinterColumns: [{name: Wish, type: integer,"
        " jsonPath: .spec.replicas}, {name: More, type: string, priority: 1, jsonPath: .spec.more}]",
    )
    t.apply(thing(group, "a", "spec: {replicas: 2, more: x}, status: {replicas: 7}"))
    found = t.get("columns a")
    assert "status" not in found
    assert found["metadata"]["generation"] == 1
    t.out("""kubectl patch columns a --subresource=status --type=merge -p '{"status": {"replicas": 1}}'""")
    found = t.get("columns a")
    assert found["status"] == {"replicas": 1}
    assert found["metadata"]["generation"] == 1
    t.out("kubectl scale columns a --replicas=4")
    assert t.get("columns a")["metadata"]["generation"] == 2
    assert [line.split() for line in t.out("kubectl get columns").splitlines()] == [["NAME", "WISH"], ["a", "4"]]
    assert t.out("kubectl get columns -o wide").split()[:3] == ["NAME", "WISH", "MORE"]


@check("tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/")
def several_versions_are_served_from_one(t: Bench) -> None:
    group = "versions.example.com"
    schema = "schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}"
    definition(
        t,
        group,
        "",
        versions=f"{{name: v1, served: true, storage: true, {schema}}},"
        f" {{name: v1beta1, served: true, storage: false, deprecated: true, {schema}}},"
        f" {{name: v1alpha1, served: false, storage: false, {schema}}}",
    )
    said = t.run(heredoc(thing(group, "a", "spec: {size: 1}", "v1beta1")))
    assert f"Warning: {group}/v1beta1 Thing is deprecated" in said.stderr
    assert t.get(f"things.v1.{group} a")["apiVersion"] == f"{group}/v1"
    assert t.get(f"things.v1beta1.{group} a")["spec"] == {"size": 1}
    t.refused(heredoc(thing(group, "a", "spec: {}", "v1alpha1")), "no matches for kind")
    assert t.get(f"crd things.{group}")["status"]["storedVersions"] == ["v1"]


@check("tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#delete-a-customresourcedefinition")
def deleting_a_definition_deletes_its_objects(t: Bench) -> None:
    group = "deleted.example.com"
    definition(t, group, "{type: object, x-kubernetes-preserve-unknown-fields: true}")
    t.apply(thing(group, "a", "spec: {}"))
    t.out(f"kubectl delete crd things.{group} --timeout=60s")
    t.until_run("kubectl get deleted", lambda done: done.returncode != 0)


@check("concepts/extend-kubernetes/api-extension/apiserver-aggregation/")
def an_aggregated_api_without_a_server_is_unavailable(t: Bench) -> None:
    t.apply(
        "{apiVersion: apiregistration.k8s.io/v1, kind: APIService, metadata: {name: v1.nobody.example.com},"
        " spec: {group: nobody.example.com, version: v1, groupPriorityMinimum: 10, versionPriority: 10,"
        f" service: {{namespace: {t.namespace}, name: nobody}}}}}}"
    )

    def unavailable(found: dict) -> bool:
        return any(c["reason"] == "ServiceNotFound" for c in found.get("status", {}).get("conditions", []))

    t.until("apiservice v1.nobody.example.com", unavailable)
    assert "False (ServiceNotFound)" in t.out("kubectl get apiservice v1.nobody.example.com --no-headers")
    t.out("kubectl delete apiservice v1.nobody.example.com")
