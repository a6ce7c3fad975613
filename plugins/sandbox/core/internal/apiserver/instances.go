package apiserver

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/apiserver/pkg/storage/storagebackend/factory"
	"k8s.io/client-go/tools/cache"
)

// patientInstances gives custom resources a storage of which a list waits for its cache also without a request, which patient sees to.
//
// That is what removes a definition (k8s.io/apiextensions-apiserver/pkg/controller/finalizer): it lists the instances, is often the first
// that wants them, and is sent away. Its next attempt, 5 ms later, sometimes works on the definition as it was before the first one noted
// its failure, meets a conflict and counts on being called again. It is not, until all definitions are looked at again, every 5 minutes:
// `kubectl delete crd` hung for so long in one of a hundred cases, and an uninstalled Istio left definitions in one of eight.
type patientInstances struct{ generic.RESTOptionsGetter }

// GetRESTOptions implements generic.RESTOptionsGetter.
func (p patientInstances) GetRESTOptions(resource schema.GroupResource, example runtime.Object) (generic.RESTOptions, error) {
	options, err := p.RESTOptionsGetter.GetRESTOptions(resource, example)
	if err != nil {
		return options, err
	}
	decorate := options.Decorator
	options.Decorator = func(
		config *storagebackend.ConfigForResource, prefix string, key func(runtime.Object) (string, error),
		newOne, newList func() runtime.Object, attributes storage.AttrFunc, trigger storage.IndexerFuncs, indexers *cache.Indexers,
	) (storage.Interface, factory.DestroyFunc, error) {
		store, destroy, err := decorate(config, prefix, key, newOne, newList, attributes, trigger, indexers)
		if err != nil {
			return store, destroy, err
		}
		return patientStorage{store, patience}, destroy, nil
	}
	return options, nil
}

type patientStorage struct {
	storage.Interface
	limit time.Duration
}

// GetList implements storage.Interface.
func (p patientStorage) GetList(ctx context.Context, key string, opts storage.ListOptions, list runtime.Object) error {
	err := p.Interface.GetList(ctx, key, opts, list)
	if _, asked := request.RequestInfoFrom(ctx); asked || !apierrors.IsTooManyRequests(err) {
		return err
	}
	// What the wait ends with is said by err too, in Kubernetes' words.
	_ = wait.PollUntilContextTimeout(ctx, cachePeriod, p.limit, false, func(ctx context.Context) (bool, error) {
		err = p.Interface.GetList(ctx, key, opts, list)
		return !apierrors.IsTooManyRequests(err), nil
	})
	return err
}
