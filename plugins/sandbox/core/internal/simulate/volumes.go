package simulate

import (
	"context"
	"encoding/json"
	"strings"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	storagelisters "k8s.io/client-go/listers/storage/v1"
)

// provisioner is the name that StorageClasses give to what stands in for a storage system.
const provisioner = "kubetalk.dev/simulated"

const (
	wantsProvisioner = "volume.kubernetes.io/storage-provisioner"
	provisionedBy    = "pv.kubernetes.io/provisioned-by"
)

// disks makes, grows and removes the volumes of our classes. Who binds, protects and releases them are the real controllers.
type disks struct {
	client  kubernetes.Interface
	claims  corelisters.PersistentVolumeClaimLister
	volumes corelisters.PersistentVolumeLister
	classes storagelisters.StorageClassLister
}

// syncClaim gives a claim that was handed to us its volume, or a larger one than it had.
func (s *disks) syncClaim(ctx context.Context, key string) error {
	namespace, name, _ := strings.Cut(key, "/")
	claim, err := s.claims.PersistentVolumeClaims(namespace).Get(name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	switch {
	case claim.DeletionTimestamp != nil || claim.Annotations[wantsProvisioner] != provisioner:
		return nil
	case claim.Spec.VolumeName != "":
		return s.expand(ctx, claim)
	case claim.Status.Phase == v1.ClaimPending:
		return s.provision(ctx, claim)
	}
	return nil
}

func (s *disks) provision(ctx context.Context, claim *v1.PersistentVolumeClaim) error {
	if claim.Spec.StorageClassName == nil {
		return nil
	}
	class, err := s.classes.Get(*claim.Spec.StorageClassName)
	if err != nil {
		return err // tried again: the class may be newer than our cache
	}
	volume := &v1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: "pvc-" + string(claim.UID), Annotations: map[string]string{provisionedBy: provisioner}},
		Spec: v1.PersistentVolumeSpec{
			AccessModes: claim.Spec.AccessModes,
			Capacity:    v1.ResourceList{v1.ResourceStorage: claim.Spec.Resources.Requests[v1.ResourceStorage]},
			ClaimRef: &v1.ObjectReference{
				APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID,
				ResourceVersion: claim.ResourceVersion,
			},
			MountOptions:           class.MountOptions,
			StorageClassName:       class.Name,
			VolumeMode:             claim.Spec.VolumeMode,
			PersistentVolumeSource: v1.PersistentVolumeSource{HostPath: &v1.HostPathVolumeSource{Path: "/simulated/pvc-" + string(claim.UID)}},
		},
	}
	if class.ReclaimPolicy != nil {
		volume.Spec.PersistentVolumeReclaimPolicy = *class.ReclaimPolicy
	}
	_, err = s.client.CoreV1().PersistentVolumes().Create(ctx, volume, metav1.CreateOptions{FieldManager: "kwok"})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// expand grows the volume of a claim that asks for more than it has. Admission has asked the class whether it may.
func (s *disks) expand(ctx context.Context, claim *v1.PersistentVolumeClaim) error {
	wanted, has := claim.Spec.Resources.Requests[v1.ResourceStorage], claim.Status.Capacity[v1.ResourceStorage]
	if claim.Status.Phase != v1.ClaimBound || wanted.Cmp(has) <= 0 {
		return nil
	}
	volume, err := s.volumes.Get(claim.Spec.VolumeName)
	if err != nil || volume.Annotations[provisionedBy] != provisioner {
		return err
	}
	capacity := map[string]any{"capacity": v1.ResourceList{v1.ResourceStorage: wanted}}
	patch, err := json.Marshal(map[string]any{"spec": capacity})
	if err != nil {
		return err
	}
	if _, err = s.client.CoreV1().PersistentVolumes().Patch(ctx, volume.Name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		return err
	}
	if patch, err = json.Marshal(map[string]any{"status": capacity}); err != nil {
		return err
	}
	_, err = s.client.CoreV1().PersistentVolumeClaims(claim.Namespace).Patch(
		ctx, claim.Name, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	return err
}

// syncVolume removes a volume of ours whose claim is gone, unless its class said to keep it.
func (s *disks) syncVolume(ctx context.Context, name string) error {
	volume, err := s.volumes.Get(name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if volume.DeletionTimestamp != nil || volume.Status.Phase != v1.VolumeReleased || volume.Annotations[provisionedBy] != provisioner ||
		volume.Spec.PersistentVolumeReclaimPolicy != v1.PersistentVolumeReclaimDelete {
		return nil
	}
	err = s.client.CoreV1().PersistentVolumes().Delete(ctx, name, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
