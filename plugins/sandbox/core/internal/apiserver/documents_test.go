package apiserver

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/emicklei/go-restful/v3"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	listers "k8s.io/apiextensions-apiserver/pkg/client/listers/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/controller/openapi/builder"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/kube-openapi/pkg/handler3"
	"k8s.io/kube-openapi/pkg/spec3"
	"k8s.io/kube-openapi/pkg/validation/spec"

	"k8s.io/apiserver/pkg/server/mux"
	"k8s.io/apiserver/pkg/server/routes"
)

func get(t *testing.T, handler http.Handler, url string) *httptest.ResponseRecorder {
	t.Helper()
	recorder := httptest.NewRecorder()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	request.Header.Set("Accept", "application/json")
	handler.ServeHTTP(recorder, request)
	return recorder
}

// listed3 are the addresses in the list of documents, by path.
func listed3(t *testing.T, handler http.Handler) map[string]string {
	t.Helper()
	var list handler3.OpenAPIV3Discovery
	answer := get(t, handler, openAPIv3)
	if err := json.Unmarshal(answer.Body.Bytes(), &list); err != nil || answer.Code != http.StatusOK {
		t.Fatalf("%d, %v: %s", answer.Code, err, answer.Body)
	}
	found := map[string]string{}
	for path, one := range list.Paths {
		found[path] = one.ServerRelativeURL
	}
	return found
}

func services() []*restful.WebService {
	var all []*restful.WebService
	for _, path := range []string{"/apis/one.example/v1", "/apis/two.example/v1"} {
		service := new(restful.WebService).Path(path).Produces("application/json")
		service.Route(service.GET("things").Operation("listThings").Returns(http.StatusOK, "OK", "").To(func(*restful.Request, *restful.Response) {}))
		all = append(all, service)
	}
	return all
}

func serviceConfig() *common.OpenAPIV3Config {
	return &common.OpenAPIV3Config{
		Info:                  &spec.Info{InfoProps: spec.InfoProps{Title: "t", Version: "v"}},
		GetOperationIDAndTags: func(r *restful.Route) (string, []string, error) { return r.Operation, nil, nil },
		GetDefinitions: func(common.ReferenceCallback) map[string]common.OpenAPIDefinition {
			return map[string]common.OpenAPIDefinition{"": {}}
		},
	}
}

func TestDocumentsOfServicesAreThoseOfKubernetes(t *testing.T) {
	container, upstream := restful.NewContainer(), mux.NewPathRecorderMux("upstream")
	for _, service := range services() {
		container.Add(service)
	}
	routes.OpenAPI{V3Config: serviceConfig()}.InstallV3(container, upstream)
	own := ofServices(services(), serviceConfig(), "1.36")
	ours := documents(func() map[string]document { return own })
	theirs := listed3(t, upstream)
	if len(theirs) != 2 {
		t.Fatalf("nothing to compare with: %v", theirs)
	}
	for path := range theirs {
		want, got := get(t, upstream, theirs[path]), get(t, ours, listed3(t, ours)[path])
		if got.Code != want.Code || got.Body.String() != want.Body.String() {
			t.Errorf("%s: %d %s, want %d %s", path, got.Code, got.Body, want.Code, want.Body)
		}
		for _, name := range []string{"Content-Type", "Cache-Control", "Vary", "Etag"} {
			if got, want := got.Header().Get(name), want.Header().Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
	}
	if len(listed3(t, ours)) != len(theirs) {
		t.Errorf("listed are %v", listed3(t, ours))
	}
}

func TestAHashLeadsToTheDocumentAsItIsNow(t *testing.T) {
	own := ofServices(services(), serviceConfig(), "1.36")
	ours := documents(func() map[string]document { return own })
	now := listed3(t, ours)["apis/one.example/v1"]
	old := get(t, ours, openAPIv3+"/apis/one.example/v1?hash=OLD")
	if old.Code != http.StatusMovedPermanently || old.Header().Get("Location") != now {
		t.Errorf("%d, %v", old.Code, old.Header())
	}
	if plain := get(t, ours, openAPIv3+"/apis/one.example/v1"); plain.Code != http.StatusOK || plain.Header().Get("Cache-Control") != "" {
		t.Errorf("without a hash: %d, %v", plain.Code, plain.Header())
	}
	if missing := get(t, ours, openAPIv3+"/apis/three.example/v1"); missing.Code != http.StatusNotFound {
		t.Errorf("a group that is not there: %d", missing.Code)
	}
	if other := ofServices(services(), serviceConfig(), "1.35")["apis/one.example/v1"].hash; other == own["apis/one.example/v1"].hash {
		t.Error("another release has the same hash")
	}
}

// defining is a definition of one kind with a version that is served and one that is not.
func defining(name string, generation int64, field string, established apiextensionsv1.ConditionStatus) *apiextensionsv1.CustomResourceDefinition {
	schema := &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{
		Type: "object", Properties: map[string]apiextensionsv1.JSONSchemaProps{field: {Type: "string"}},
	}}
	return &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: name + "s.example.com", UID: types.UID(name), Generation: generation},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: "example.com", Scope: apiextensionsv1.NamespaceScoped,
			Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: name + "s", Singular: name, Kind: name, ListKind: name + "List"},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{
				{Name: "v1", Served: true, Storage: true, Schema: schema},
				{Name: "v1alpha1", Schema: schema},
			},
		},
		Status: apiextensionsv1.CustomResourceDefinitionStatus{
			Conditions: []apiextensionsv1.CustomResourceDefinitionCondition{{Type: apiextensionsv1.Established, Status: established}},
		},
	}
}

// upstreamDocument is what Kubernetes' controller makes of the definitions.
func upstreamDocument(t *testing.T, all ...*apiextensionsv1.CustomResourceDefinition) string {
	t.Helper()
	var specs []*spec3.OpenAPI
	for _, one := range all {
		made, err := builder.BuildOpenAPIV3(one, "v1", builder.Options{IncludeSelectableFields: true})
		if err != nil {
			t.Fatal(err)
		}
		specs = append(specs, made)
	}
	merged, err := builder.MergeSpecsV3(specs...)
	if err != nil {
		t.Fatal(err)
	}
	service := handler3.NewOpenAPIService()
	service.UpdateGroupVersion("apis/example.com/v1", merged)
	return get(t, http.HandlerFunc(service.HandleGroupVersion), openAPIv3+"/apis/example.com/v1").Body.String()
}

func TestDocumentsOfDefinitions(t *testing.T) {
	store := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{})
	defined := &definitions{lister: listers.NewCustomResourceDefinitionLister(store)}
	ours := documents(defined.documents)
	put := func(one *apiextensionsv1.CustomResourceDefinition) {
		t.Helper()
		if err := store.Add(one); err != nil {
			t.Fatal(err)
		}
	}
	const path = "apis/example.com/v1"
	put(defining("widget", 1, "size", apiextensionsv1.ConditionFalse))
	if list := listed3(t, ours); len(list) != 0 {
		t.Errorf("listed before it is established: %v", list)
	}
	widget := defining("widget", 1, "size", apiextensionsv1.ConditionTrue)
	put(widget)
	first := listed3(t, ours)
	if len(first) != 1 {
		t.Fatalf("listed are %v", first)
	}
	if got := get(t, ours, first[path]).Body.String(); got != upstreamDocument(t, widget) {
		t.Errorf("the document is %s", got)
	}
	if again := listed3(t, ours); again[path] != first[path] {
		t.Error("another hash, though nothing changed")
	}

	wider := defining("widget", 2, "width", apiextensionsv1.ConditionTrue)
	gadget := defining("gadget", 1, "name", apiextensionsv1.ConditionTrue)
	put(wider)
	put(gadget)
	second := listed3(t, ours)
	if second[path] == first[path] {
		t.Error("the same hash after a change")
	}
	if got := get(t, ours, second[path]).Body.String(); got != upstreamDocument(t, gadget, wider) {
		t.Errorf("the document is %s", got)
	}

	for _, one := range []*apiextensionsv1.CustomResourceDefinition{wider, gadget} {
		if err := store.Delete(one); err != nil {
			t.Fatal(err)
		}
	}
	if list := listed3(t, ours); len(list) != 0 {
		t.Errorf("listed after all are gone: %v", list)
	}
}
