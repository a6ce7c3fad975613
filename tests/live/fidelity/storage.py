"""Claims, volumes and classes. The volumes are simulated; who binds, protects and releases them is not."""

from __future__ import annotations

from .checks import Bench, check, heredoc, pod, ready

ASK = "accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}"


def claim(name: str, *, spec: str = "") -> str:
    wanted = f"{spec}, {ASK}" if spec else ASK
    return f"{{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {{name: {name}}}, spec: {{{wanted}}}}}"


def storage_class(name: str, more: str = "") -> str:
    return (
        f"{{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {{name: {name}}},"
        f" provisioner: kubetalk.dev/simulated{more and ', ' + more}}}"
    )


def mounting(name: str) -> str:
    return f"volumes: [{{name: data, persistentVolumeClaim: {{claimName: {name}}}}}]"


def bound(found: dict) -> bool:
    return bool(found["status"]["phase"] == "Bound")


@check("concepts/storage/storage-classes/#volume-binding-mode")
def the_default_class_waits_for_the_first_consumer(t: Bench) -> None:
    t.apply(claim("data"))
    t.event("data", "WaitForFirstConsumer", "waiting for first consumer to be created before binding")
    found = t.get("pvc data")
    assert found["spec"]["storageClassName"] == "standard"
    assert found["status"]["phase"] == "Pending"
    t.apply(pod("p", spec=mounting("data")))
    t.until("pod p", ready)
    assert bound(t.get("pvc data"))
    assert "standard (default)" in t.out("kubectl get storageclass")


@check("concepts/storage/storage-classes/#immediate")
def an_immediate_class_binds_at_once(t: Bench) -> None:
    t.apply(storage_class("fidelity-immediate"))
    t.apply(claim("data", spec="storageClassName: fidelity-immediate"))
    found = t.until("pvc data", bound)
    volume = t.get(f"pv {found['spec']['volumeName']}")
    assert volume["spec"]["claimRef"]["name"] == "data"
    assert volume["spec"]["capacity"]["storage"] == "1Gi"
    assert volume["metadata"]["annotations"]["pv.kubernetes.io/provisioned-by"] == "kubetalk.dev/simulated"
    t.out("kubectl delete pvc data")
    t.gone(f"pv {found['spec']['volumeName']}")


@check("concepts/storage/persistent-volumes/#reclaiming")
def the_reclaim_policy_of_a_class_is_kept(t: Bench) -> None:
    t.apply(storage_class("fidelity-retain", "reclaimPolicy: Retain, mountOptions: [ro]"))
    t.apply(claim("data", spec="storageClassName: fidelity-retain"))
    name = t.until("pvc data", bound)["spec"]["volumeName"]
    volume = t.get(f"pv {name}")["spec"]
    assert volume["persistentVolumeReclaimPolicy"] == "Retain"
    assert volume["mountOptions"] == ["ro"]
    t.out("kubectl delete pvc data")
    t.until(f"pv {name}", lambda o: o["status"]["phase"] == "Released")


@check("concepts/storage/persistent-volumes/#expanding-persistent-volumes-claims")
def a_claim_grows_when_its_class_allows_it(t: Bench) -> None:
    t.apply(storage_class("fidelity-fixed"))
    t.apply(storage_class("fidelity-growing", "allowVolumeExpansion: true"))
    for kind in ("fixed", "growing"):
        t.apply(claim(kind, spec=f"storageClassName: fidelity-{kind}"))
        t.until(f"pvc {kind}", bound)
    patch = """-p '{"spec": {"resources": {"requests": {"storage": "2Gi"}}}}'"""
    t.refused(f"kubectl patch pvc fixed {patch}", "the storageclass that provisions the pvc must support resize")
    t.out(f"kubectl patch pvc growing {patch}")
    found = t.until("pvc growing", lambda o: o["status"]["capacity"]["storage"] == "2Gi")
    assert t.get(f"pv {found['spec']['volumeName']}")["spec"]["capacity"]["storage"] == "2Gi"
    t.refused(f"kubectl patch pvc growing {patch.replace('2Gi', '1Gi')}", "can not be less than")


@check("concepts/storage/persistent-volumes/#storage-object-in-use-protection")
def a_claim_in_use_stays_until_its_pod_is_gone(t: Bench) -> None:
    t.apply(claim("data"))
    t.apply(pod("p", spec=mounting("data")))
    t.until("pod p", ready)
    t.out("kubectl delete pvc data --wait=false")
    found = t.get("pvc data")
    assert "deletionTimestamp" in found["metadata"]
    assert found["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]
    assert "Terminating" in t.out("kubectl get pvc data --no-headers")
    t.out("kubectl delete pod p")
    t.gone("pvc data")


@check("concepts/storage/persistent-volumes/#binding")
def a_claim_binds_a_volume_made_by_hand(t: Bench) -> None:
    t.apply(
        "{apiVersion: v1, kind: PersistentVolume, metadata: {name: fidelity-by-hand}, spec: {capacity: {storage: 2Gi},"
        " accessModes: [ReadWriteOnce], storageClassName: by-hand, hostPath: {path: /data},"
        " persistentVolumeReclaimPolicy: Retain}}"
    )
    t.until("pv fidelity-by-hand", lambda o: o["status"]["phase"] == "Available")
    t.apply(claim("data", spec="storageClassName: by-hand"))
    found = t.until("pvc data", bound)
    assert found["spec"]["volumeName"] == "fidelity-by-hand"
    assert found["status"]["capacity"]["storage"] == "2Gi"
    t.out("kubectl delete pvc data")
    t.until("pv fidelity-by-hand", lambda o: o["status"]["phase"] == "Released")
    t.apply(claim("next", spec="storageClassName: by-hand"))
    t.event("next", "ProvisioningFailed", 'storageclass.storage.k8s.io "by-hand" not found')
    assert t.get("pvc next")["status"]["phase"] == "Pending"


@check("concepts/storage/persistent-volumes/#persistentvolumeclaims")
def a_claim_cannot_be_changed_and_a_pod_waits_for_it(t: Bench) -> None:
    t.apply(claim("data"))
    again = claim("data").replace("ReadWriteOnce", "ReadWriteMany")
    t.refused(heredoc(again), "spec is immutable after creation")
    t.apply(pod("p", spec=mounting("missing")))
    t.event("p", "FailedScheduling", 'persistentvolumeclaim "missing" not found')
    t.apply(claim("missing"))
    t.until("pod p", ready)
