package apiserver

import (
	"context"
	"slices"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	k8stesting "k8s.io/client-go/testing"
)

// verbs counts what was asked of a client.
func verbs(client *fake.Clientset) map[string]int {
	counted := map[string]int{}
	for _, action := range client.Actions() {
		counted[action.GetVerb()]++
	}
	return counted
}

func ensured(t *testing.T, client *fake.Clientset) {
	t.Helper()
	if done, err := defaultRoles(context.Background(), client); !done || err != nil {
		t.Fatalf("done %v, error %v", done, err)
	}
}

func TestDefaultRolesAreMadeAndThenOnlyLookedAt(t *testing.T) {
	client := fake.NewClientset()
	ensured(t, client)
	if _, err := client.RbacV1().ClusterRoles().Get(context.Background(), "cluster-admin", metav1.GetOptions{}); err != nil {
		t.Fatal(err)
	}
	if made := verbs(client)["create"]; made < 100 {
		t.Errorf("%d objects were made", made)
	}
	client.ClearActions()
	ensured(t, client)
	if counted := verbs(client); len(counted) != 1 || counted["list"] > 6 {
		t.Errorf("nothing had to be done, but: %v", counted)
	}
}

func TestDefaultRolesAreCorrected(t *testing.T) {
	ctx := context.Background()
	client := fake.NewClientset()
	ensured(t, client)
	roles := client.RbacV1().ClusterRoles()
	role, err := roles.Get(ctx, "system:node-proxier", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	lost := role.Rules[0]
	role.Rules = role.Rules[1:]
	if _, err := roles.Update(ctx, role, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := client.RbacV1().RoleBindings("kube-public").Delete(ctx, "system:controller:bootstrap-signer", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	client.ClearActions()
	ensured(t, client)
	counted := verbs(client)
	if counted["update"] != 1 || counted["create"] != 1 {
		t.Errorf("one role had lost a rule and one binding was gone, but: %v", counted)
	}
	if role, err = roles.Get(ctx, "system:node-proxier", metav1.GetOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, resource := range lost.Resources {
		if !slices.ContainsFunc(role.Rules, func(r rbacv1.PolicyRule) bool { return slices.Contains(r.Resources, resource) }) {
			t.Errorf("nothing allows %s any more: %v", resource, role.Rules)
		}
	}
}

func TestAListThatFailsIsTriedAgain(t *testing.T) {
	client := fake.NewClientset()
	client.PrependReactor("list", "roles", func(k8stesting.Action) (bool, runtime.Object, error) {
		return true, nil, context.DeadlineExceeded
	})
	if done, err := defaultRoles(context.Background(), client); done || err != nil {
		t.Errorf("done %v, error %v", done, err)
	}
}

func TestListedKeepsNamespacesApart(t *testing.T) {
	ctx := context.Background()
	role := func(namespace string) *rbacv1.Role {
		return &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "r"}}
	}
	client := fake.NewClientset(role("one"), role("two"))
	known, err := list(ctx, client)
	if err != nil {
		t.Fatal(err)
	}
	found, err := known.RbacV1().Roles("two").Get(ctx, "r", metav1.GetOptions{})
	if err != nil || found.Namespace != "two" {
		t.Errorf("found %v, error %v", found, err)
	}
	if _, err := known.RbacV1().Roles("three").Get(ctx, "r", metav1.GetOptions{}); err == nil {
		t.Error("found in a namespace that has none")
	}
}

func TestSystemPriorityClasses(t *testing.T) {
	ctx := context.Background()
	client := fake.NewClientset()
	for range 2 {
		if done, err := systemPriorityClasses(ctx, client); !done || err != nil {
			t.Fatalf("done %v, error %v", done, err)
		}
	}
	classes, err := client.SchedulingV1().PriorityClasses().List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, class := range classes.Items {
		names = append(names, class.Name)
	}
	if !slices.Equal(names, []string{"system-cluster-critical", "system-node-critical"}) || verbs(client)["create"] != 2 {
		t.Errorf("classes %v, actions %v", names, verbs(client))
	}
}
