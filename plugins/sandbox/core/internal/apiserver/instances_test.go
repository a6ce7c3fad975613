package apiserver

import (
	"context"
	"errors"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/apiserver/pkg/storage/storagebackend/factory"
	"k8s.io/client-go/tools/cache"
)

var errBroken = errors.New("broken")

// unreadyStorage is a storage whose cache is filled at the given list; it tells how often it was asked.
type unreadyStorage struct {
	storage.Interface
	ready, asked int
	err          error
}

func (u *unreadyStorage) GetList(context.Context, string, storage.ListOptions, runtime.Object) error {
	u.asked++
	if u.asked < u.ready {
		return apierrors.NewTooManyRequests("storage is (re)initializing", 1)
	}
	return u.err
}

// instances is the storage of a kind as a definition's removal gets it.
func instances(t *testing.T, below storage.Interface, err error) storage.Interface {
	t.Helper()
	options, optionsErr := patientInstances{generic.RESTOptions{Decorator: func(
		*storagebackend.ConfigForResource, string, func(runtime.Object) (string, error), func() runtime.Object, func() runtime.Object,
		storage.AttrFunc, storage.IndexerFuncs, *cache.Indexers,
	) (storage.Interface, factory.DestroyFunc, error) {
		return below, func() {}, err
	}}}.GetRESTOptions(schema.GroupResource{}, nil)
	if optionsErr != nil {
		t.Fatal(optionsErr)
	}
	store, _, storeErr := options.Decorator(nil, "", nil, nil, nil, nil, nil, nil)
	if !errors.Is(storeErr, err) {
		t.Fatal(storeErr)
	}
	return store
}

func TestTheRemovalOfADefinitionWaitsForTheCacheOfItsInstances(t *testing.T) {
	for name, result := range map[string]error{"list": nil, "failure": errBroken} {
		below := &unreadyStorage{ready: 3, err: result}
		err := instances(t, below, nil).GetList(t.Context(), "/", storage.ListOptions{}, nil)
		if !errors.Is(err, result) || below.asked != 3 {
			t.Errorf("%s: %v after %d attempts", name, err, below.asked)
		}
	}
}

func TestARequestIsNotWaitedForTwice(t *testing.T) {
	below := &unreadyStorage{ready: 3}
	ctx := request.WithRequestInfo(t.Context(), &request.RequestInfo{})
	if err := instances(t, below, nil).GetList(ctx, "/", storage.ListOptions{}, nil); !apierrors.IsTooManyRequests(err) || below.asked != 1 {
		t.Errorf("%v after %d attempts", err, below.asked)
	}
}

func TestAListWithoutARequestIsPatientForSomeTimeOnly(t *testing.T) {
	below := &unreadyStorage{ready: 1000}
	err := patientStorage{below, 3 * cachePeriod}.GetList(t.Context(), "/", storage.ListOptions{}, nil)
	if !apierrors.IsTooManyRequests(err) || below.asked < 2 {
		t.Errorf("%v after %d attempts", err, below.asked)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	below.asked = 0
	err = patientStorage{below, time.Hour}.GetList(ctx, "/", storage.ListOptions{}, nil)
	if !apierrors.IsTooManyRequests(err) || below.asked != 1 {
		t.Errorf("a server that ends: %v after %d attempts", err, below.asked)
	}
}

func TestAStorageThatCannotBeMadeIsToldAsItIs(t *testing.T) {
	if store := instances(t, nil, errBroken); store != nil {
		t.Errorf("%v", store)
	}
}
