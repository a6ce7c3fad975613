package simulate

import (
	"context"
	"testing"

	v1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
)

// disksOf returns disks that sees these objects, and the API they are in.
func disksOf(t *testing.T, class *storagev1.StorageClass, claim *v1.PersistentVolumeClaim, volume *v1.PersistentVolume) (*disks, *fake.Clientset) {
	t.Helper()
	client := fake.NewClientset(class, claim)
	factory := informers.NewSharedInformerFactory(client, 0)
	claims, volumes, classes := factory.Core().V1().PersistentVolumeClaims(), factory.Core().V1().PersistentVolumes(), factory.Storage().V1().StorageClasses()
	_, _ = claims.Informer().GetStore().Add(claim), classes.Informer().GetStore().Add(class)
	if volume != nil {
		_ = client.Tracker().Add(volume)
		_ = volumes.Informer().GetStore().Add(volume)
	}
	return &disks{client: client, claims: claims.Lister(), volumes: volumes.Lister(), classes: classes.Lister()}, client
}

func simulatedClass() *storagev1.StorageClass {
	retain := v1.PersistentVolumeReclaimRetain
	return &storagev1.StorageClass{
		ObjectMeta: metav1.ObjectMeta{Name: "kept"}, Provisioner: provisioner, ReclaimPolicy: &retain, MountOptions: []string{"ro"},
	}
}

func pendingClaim(size string) *v1.PersistentVolumeClaim {
	class := "kept"
	return &v1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "data", UID: "u", Annotations: map[string]string{wantsProvisioner: provisioner}},
		Spec: v1.PersistentVolumeClaimSpec{StorageClassName: &class, Resources: v1.VolumeResourceRequirements{
			Requests: v1.ResourceList{v1.ResourceStorage: resource.MustParse(size)},
		}},
		Status: v1.PersistentVolumeClaimStatus{Phase: v1.ClaimPending},
	}
}

func TestAVolumeHasThePolicyOfItsClass(t *testing.T) {
	s, client := disksOf(t, simulatedClass(), pendingClaim("1Gi"), nil)
	if err := s.syncClaim(context.Background(), "shop/data"); err != nil {
		t.Fatal(err)
	}
	volume, err := client.CoreV1().PersistentVolumes().Get(context.Background(), "pvc-u", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if volume.Spec.PersistentVolumeReclaimPolicy != v1.PersistentVolumeReclaimRetain || len(volume.Spec.MountOptions) != 1 {
		t.Errorf("%+v", volume.Spec)
	}
}

func TestAClaimOfAnotherProvisionerIsLeftAlone(t *testing.T) {
	claim := pendingClaim("1Gi")
	claim.Annotations[wantsProvisioner] = "example.com/other"
	s, client := disksOf(t, simulatedClass(), claim, nil)
	if err := s.syncClaim(context.Background(), "shop/data"); err != nil {
		t.Fatal(err)
	}
	if len(client.Actions()) != 0 {
		t.Error(client.Actions())
	}
}

func TestAClaimGrows(t *testing.T) {
	claim := pendingClaim("2Gi")
	claim.Spec.VolumeName, claim.Status.Phase = "pvc-u", v1.ClaimBound
	claim.Status.Capacity = v1.ResourceList{v1.ResourceStorage: resource.MustParse("1Gi")}
	volume := &v1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: "pvc-u", Annotations: map[string]string{provisionedBy: provisioner}}}
	s, client := disksOf(t, simulatedClass(), claim, volume)
	if err := s.syncClaim(context.Background(), "shop/data"); err != nil {
		t.Fatal(err)
	}
	grown, _ := client.CoreV1().PersistentVolumeClaims("shop").Get(context.Background(), "data", metav1.GetOptions{})
	if size := grown.Status.Capacity[v1.ResourceStorage]; size.String() != "2Gi" {
		t.Errorf("claim: %s", size.String())
	}
	grownVolume, _ := client.CoreV1().PersistentVolumes().Get(context.Background(), "pvc-u", metav1.GetOptions{})
	if size := grownVolume.Spec.Capacity[v1.ResourceStorage]; size.String() != "2Gi" {
		t.Errorf("volume: %s", size.String())
	}
}

func TestOnlyAReleasedVolumeThatIsToBeDeletedGoes(t *testing.T) {
	for policy, left := range map[v1.PersistentVolumeReclaimPolicy]int{v1.PersistentVolumeReclaimDelete: 0, v1.PersistentVolumeReclaimRetain: 1} {
		volume := &v1.PersistentVolume{
			ObjectMeta: metav1.ObjectMeta{Name: "pvc-u", Annotations: map[string]string{provisionedBy: provisioner}},
			Spec:       v1.PersistentVolumeSpec{PersistentVolumeReclaimPolicy: policy},
			Status:     v1.PersistentVolumeStatus{Phase: v1.VolumeReleased},
		}
		s, client := disksOf(t, simulatedClass(), pendingClaim("1Gi"), volume)
		if err := s.syncVolume(context.Background(), "pvc-u"); err != nil {
			t.Fatal(err)
		}
		all, _ := client.CoreV1().PersistentVolumes().List(context.Background(), metav1.ListOptions{})
		if len(all.Items) != left {
			t.Errorf("%s: %d volumes left", policy, len(all.Items))
		}
	}
}
