package apiserver

import (
	"context"
	"errors"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/apiserver/pkg/storage/storagebackend/factory"
	"k8s.io/client-go/tools/cache"
)

var errBroken = errors.New("broken")

// unready is a storage whose cache is filled at the given attempt; it tells how often it was asked, and then ends with err.
type unready struct {
	storage.Interface
	ready, asked int
	err          error
	watching     context.Context
}

func (u *unready) attempt() error {
	u.asked++
	if u.asked < u.ready {
		return apierrors.NewTooManyRequests("storage is (re)initializing", 1)
	}
	return u.err
}

func (u *unready) GetList(context.Context, string, storage.ListOptions, runtime.Object) error {
	return u.attempt()
}

func (u *unready) Watch(ctx context.Context, _ string, _ storage.ListOptions) (watch.Interface, error) {
	u.watching = ctx
	if err := u.attempt(); err != nil {
		return nil, err
	}
	return watch.NewFake(), nil
}

func (u *unready) Get(context.Context, string, storage.GetOptions, runtime.Object) error {
	return u.attempt()
}

// decorated is a storage as patiently makes it.
func decorated(t *testing.T, below storage.Interface, err error) storage.Interface {
	t.Helper()
	options := patiently(generic.RESTOptions{Decorator: func(
		*storagebackend.ConfigForResource, string, func(runtime.Object) (string, error), func() runtime.Object, func() runtime.Object,
		storage.AttrFunc, storage.IndexerFuncs, *cache.Indexers,
	) (storage.Interface, factory.DestroyFunc, error) {
		return below, func() {}, err
	}})
	store, _, storeErr := options.Decorator(nil, "", nil, nil, nil, nil, nil, nil)
	if !errors.Is(storeErr, err) {
		t.Fatal(storeErr)
	}
	return store
}

func listing(ctx context.Context, from storage.Interface) error {
	return from.GetList(ctx, "/", storage.ListOptions{}, nil)
}

func TestAListWaitsForItsCache(t *testing.T) {
	for name, result := range map[string]error{"list": nil, "failure": errBroken} {
		below := &unready{ready: 3, err: result}
		if err := listing(t.Context(), decorated(t, below, nil)); !errors.Is(err, result) || below.asked != 3 {
			t.Errorf("%s: %v after %d attempts", name, err, below.asked)
		}
	}
}

func TestAWatchWaitsForItsCacheAndGoesOn(t *testing.T) {
	below := &unready{ready: 3}
	found, err := decorated(t, below, nil).Watch(t.Context(), "/", storage.ListOptions{})
	if err != nil || found == nil || below.asked != 3 {
		t.Fatalf("%v, %v after %d attempts", found, err, below.asked)
	}
	if below.watching.Err() != nil {
		t.Error("it ends with the wait")
	}
	below = &unready{ready: 3, err: errBroken}
	if _, err := decorated(t, below, nil).Watch(t.Context(), "/", storage.ListOptions{}); !errors.Is(err, errBroken) {
		t.Errorf("the failure is told as %v", err)
	}
}

func TestOnlyWhatIsReadFromACacheWaits(t *testing.T) {
	below := &unready{ready: 3}
	err := decorated(t, below, nil).Get(t.Context(), "/", storage.GetOptions{}, nil)
	if !apierrors.IsTooManyRequests(err) || below.asked != 1 {
		t.Errorf("%v after %d attempts", err, below.asked)
	}
}

func TestPatienceHasAnEnd(t *testing.T) {
	below := &unready{ready: 1000}
	if err := listing(t.Context(), patient{below, 3 * cachePeriod}); !apierrors.IsTooManyRequests(err) || below.asked < 2 {
		t.Errorf("%v after %d attempts", err, below.asked)
	}
}

func TestAClientThatGoesIsNotTriedForAnyMore(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	below := &unready{ready: 1000}
	if err := listing(ctx, patient{below, time.Hour}); !apierrors.IsTooManyRequests(err) || below.asked != 1 {
		t.Errorf("%v after %d attempts", err, below.asked)
	}
}

func TestAStorageThatCannotBeMadeIsToldAsItIs(t *testing.T) {
	if store := decorated(t, nil, errBroken); store != nil {
		t.Errorf("%v", store)
	}
}
