package apiserver

import (
	"context"
	"fmt"
	"time"
	_ "unsafe" // for go:linkname

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	genericapiserver "k8s.io/apiserver/pkg/server"
	clientset "k8s.io/client-go/kubernetes"
	schedulingv1 "k8s.io/kubernetes/pkg/apis/scheduling/v1"
	rbac "k8s.io/kubernetes/pkg/registry/rbac/rest"
	scheduling "k8s.io/kubernetes/pkg/registry/scheduling/rest"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac/bootstrappolicy"
)

// hooks are those that Kubernetes has under these names, without the second that they wait before their first attempt.
var hooks = []struct {
	name string
	run  genericapiserver.PostStartHookFunc
}{
	{rbac.PostStartHookName, atOnce("initialize roles", defaultRoles)},
	{scheduling.PostStartHookName, atOnce("add default system priority classes", systemPriorityClasses)},
}

// atOnce makes attempts without a pause before the first one; as in Kubernetes, a server without what they make ends.
func atOnce(what string, attempt func(context.Context, clientset.Interface) (bool, error)) genericapiserver.PostStartHookFunc {
	return func(hook genericapiserver.PostStartHookContext) error {
		client, err := clientset.NewForConfig(hook.LoopbackClientConfig)
		if err == nil {
			err = wait.PollUntilContextTimeout(hook, 50*time.Millisecond, 30*time.Second, true, func(ctx context.Context) (bool, error) {
				return attempt(ctx, client)
			})
		}
		if err != nil {
			return fmt.Errorf("unable to %s: %w", what, err)
		}
		return nil
	}
}

// defaultRoles makes or corrects the roles and bindings that Kubernetes brings: pkg/registry/rbac/rest, RESTStorageProvider.PostStartHook.
func defaultRoles(ctx context.Context, client clientset.Interface) (bool, error) {
	known, err := list(ctx, client)
	if err != nil {
		return false, nil //nolint:nilerr // again, as long as there is time
	}
	return ensureRBACPolicy(&rbac.PolicyData{
		ClusterRoles:               append(bootstrappolicy.ClusterRoles(), bootstrappolicy.ControllerRoles()...),
		ClusterRoleBindings:        append(bootstrappolicy.ClusterRoleBindings(), bootstrappolicy.ControllerRoleBindings()...),
		Roles:                      bootstrappolicy.NamespaceRoles(),
		RoleBindings:               bootstrappolicy.NamespaceRoleBindings(),
		ClusterRolesToAggregate:    bootstrappolicy.ClusterRolesToAggregate(),
		ClusterRoleBindingsToSplit: bootstrappolicy.ClusterRoleBindingsToSplit(),
	}, known)
}

// ensureRBACPolicy is Kubernetes' own: what a default role is, and how one that was changed is corrected, must not be told twice.
//
//go:linkname ensureRBACPolicy k8s.io/kubernetes/pkg/registry/rbac/rest.ensureRBACPolicy
func ensureRBACPolicy(policy *rbac.PolicyData, client clientset.Interface) (done bool, err error)

// systemPriorityClasses makes the two classes of system pods if they are missing: pkg/registry/scheduling/rest, AddSystemPriorityClasses.
func systemPriorityClasses(ctx context.Context, client clientset.Interface) (bool, error) {
	classes := client.SchedulingV1().PriorityClasses()
	for _, class := range schedulingv1.SystemPriorityClasses() {
		_, err := classes.Get(ctx, class.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			_, err = classes.Create(ctx, class, metav1.CreateOptions{})
		}
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return false, nil //nolint:nilerr // again, as long as there is time
		}
	}
	return true, nil
}
