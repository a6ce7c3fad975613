package apiserver

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/apiserver/pkg/storage/storagebackend/factory"
	"k8s.io/client-go/tools/cache"
)

const (
	// patience is how long somebody may wait for a cache; afterwards he is told what Kubernetes says at once.
	patience = 5 * time.Second
	// cachePeriod is how often is tried meanwhile.
	cachePeriod = 5 * time.Millisecond
)

// patiently makes a storage of which a list or a watch waits until the cache that it is read from has been filled. Kubernetes sends the
// client away for a second (429, "storage is (re)initializing"; k8s.io/apiserver/pkg/storage/cacher), because there a cache may take
// minutes and many clients wait. Here it takes some milliseconds, after the first request for a kind that has just been defined: whoever
// defines one and uses it would lose that second again and again, an istiod that starts right after its definitions for example.
//
// What removes a definition is no client, and is often the first that wants the instances
// (k8s.io/apiextensions-apiserver/pkg/controller/finalizer). If it is sent away, its next attempt, 5 ms later, sometimes works on the
// definition as it was before the first one noted its failure, meets a conflict and counts on being called again. It is not, until all
// definitions are looked at again, every 5 minutes: `kubectl delete crd` hung for so long in one of a hundred cases, and an uninstalled
// Istio left a definition in one of eight.
func patiently(options generic.RESTOptions) generic.RESTOptions {
	decorate := options.Decorator
	options.Decorator = func(
		config *storagebackend.ConfigForResource, prefix string, key func(runtime.Object) (string, error),
		newOne, newList func() runtime.Object, attributes storage.AttrFunc, trigger storage.IndexerFuncs, indexers *cache.Indexers,
	) (storage.Interface, factory.DestroyFunc, error) {
		store, destroy, err := decorate(config, prefix, key, newOne, newList, attributes, trigger, indexers)
		if err != nil {
			return store, destroy, err
		}
		return patient{store, patience}, destroy, nil
	}
	return options
}

type patient struct {
	storage.Interface
	limit time.Duration
}

// GetList implements storage.Interface.
func (p patient) GetList(ctx context.Context, key string, opts storage.ListOptions, list runtime.Object) error {
	return p.try(ctx, func() error { return p.Interface.GetList(ctx, key, opts, list) })
}

// Watch implements storage.Interface.
func (p patient) Watch(ctx context.Context, key string, opts storage.ListOptions) (found watch.Interface, err error) {
	err = p.try(ctx, func() error {
		found, err = p.Interface.Watch(ctx, key, opts)
		return err
	})
	return found, err
}

// try repeats what the cache is not ready for. However the wait ends, the error is the last attempt's, in Kubernetes' words.
func (p patient) try(ctx context.Context, attempt func() error) error {
	err := attempt()
	if !apierrors.IsTooManyRequests(err) {
		return err
	}
	_ = wait.PollUntilContextTimeout(ctx, cachePeriod, p.limit, false, func(context.Context) (bool, error) {
		err = attempt()
		return !apierrors.IsTooManyRequests(err), nil
	})
	return err
}
