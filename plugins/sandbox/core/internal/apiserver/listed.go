package apiserver

import (
	"context"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientset "k8s.io/client-go/kubernetes"
	rbacclient "k8s.io/client-go/kubernetes/typed/rbac/v1"
)

// listed is a client that answers for single roles and bindings out of four lists. Kubernetes asks for each of its 135 by name, which
// takes most of a second of a server that is starting. Someone else's change in the meantime is a conflict, and a reason for new lists.
type listed struct {
	clientset.Interface
	rbac listedRBAC
}

// list asks for everything that is there now.
func list(ctx context.Context, client clientset.Interface) (listed, error) {
	all, from := metav1.ListOptions{}, client.RbacV1()
	clusterRoles, err := from.ClusterRoles().List(ctx, all)
	if err != nil {
		return listed{}, err
	}
	clusterRoleBindings, err := from.ClusterRoleBindings().List(ctx, all)
	if err != nil {
		return listed{}, err
	}
	roles, err := from.Roles(metav1.NamespaceAll).List(ctx, all)
	if err != nil {
		return listed{}, err
	}
	roleBindings, err := from.RoleBindings(metav1.NamespaceAll).List(ctx, all)
	if err != nil {
		return listed{}, err
	}
	return listed{Interface: client, rbac: listedRBAC{
		RbacV1Interface:     from,
		clusterRoles:        index(clusterRoles.Items),
		clusterRoleBindings: index(clusterRoleBindings.Items),
		roles:               index(roles.Items),
		roleBindings:        index(roleBindings.Items),
	}}, nil
}

// RbacV1 implements clientset.Interface.
func (l listed) RbacV1() rbacclient.RbacV1Interface { return l.rbac }

type listedRBAC struct {
	rbacclient.RbacV1Interface
	clusterRoles        objects[rbacv1.ClusterRole]
	clusterRoleBindings objects[rbacv1.ClusterRoleBinding]
	roles               objects[rbacv1.Role]
	roleBindings        objects[rbacv1.RoleBinding]
}

func (l listedRBAC) ClusterRoles() rbacclient.ClusterRoleInterface {
	return clusterRoles{l.RbacV1Interface.ClusterRoles(), l.clusterRoles}
}

func (l listedRBAC) ClusterRoleBindings() rbacclient.ClusterRoleBindingInterface {
	return clusterRoleBindings{l.RbacV1Interface.ClusterRoleBindings(), l.clusterRoleBindings}
}

func (l listedRBAC) Roles(namespace string) rbacclient.RoleInterface {
	return roles{l.RbacV1Interface.Roles(namespace), namespace, l.roles}
}

func (l listedRBAC) RoleBindings(namespace string) rbacclient.RoleBindingInterface {
	return roleBindings{l.RbacV1Interface.RoleBindings(namespace), namespace, l.roleBindings}
}

type clusterRoles struct {
	rbacclient.ClusterRoleInterface
	items objects[rbacv1.ClusterRole]
}

func (c clusterRoles) Get(_ context.Context, name string, _ metav1.GetOptions) (*rbacv1.ClusterRole, error) {
	return c.items.get("clusterroles", "", name)
}

type clusterRoleBindings struct {
	rbacclient.ClusterRoleBindingInterface
	items objects[rbacv1.ClusterRoleBinding]
}

func (c clusterRoleBindings) Get(_ context.Context, name string, _ metav1.GetOptions) (*rbacv1.ClusterRoleBinding, error) {
	return c.items.get("clusterrolebindings", "", name)
}

type roles struct {
	rbacclient.RoleInterface
	namespace string
	items     objects[rbacv1.Role]
}

func (r roles) Get(_ context.Context, name string, _ metav1.GetOptions) (*rbacv1.Role, error) {
	return r.items.get("roles", r.namespace, name)
}

type roleBindings struct {
	rbacclient.RoleBindingInterface
	namespace string
	items     objects[rbacv1.RoleBinding]
}

func (r roleBindings) Get(_ context.Context, name string, _ metav1.GetOptions) (*rbacv1.RoleBinding, error) {
	return r.items.get("rolebindings", r.namespace, name)
}

// objects are those of one kind, by namespace and name.
type objects[T any] map[[2]string]*T

func index[T any, P interface {
	*T
	metav1.Object
}](items []T) objects[T] {
	found := make(objects[T], len(items))
	for i := range items {
		object := P(&items[i])
		found[[2]string{object.GetNamespace(), object.GetName()}] = &items[i]
	}
	return found
}

func (o objects[T]) get(resource, namespace, name string) (*T, error) {
	if found, ok := o[[2]string{namespace, name}]; ok {
		return found, nil
	}
	return nil, apierrors.NewNotFound(rbacv1.Resource(resource), name)
}
