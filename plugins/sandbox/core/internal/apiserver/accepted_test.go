package apiserver

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apiserver"
	listers "k8s.io/apiextensions-apiserver/pkg/client/listers/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

func condition(
	kind apiextensionsv1.CustomResourceDefinitionConditionType, status apiextensionsv1.ConditionStatus, reason string,
) apiextensionsv1.CustomResourceDefinitionCondition {
	return apiextensionsv1.CustomResourceDefinitionCondition{Type: kind, Status: status, Reason: reason}
}

var (
	namesAccepted = condition(apiextensionsv1.NamesAccepted, apiextensionsv1.ConditionTrue, "NoConflicts")
	isInstalling  = condition(apiextensionsv1.Established, apiextensionsv1.ConditionFalse, "Installing")
	isEstablished = condition(apiextensionsv1.Established, apiextensionsv1.ConditionTrue, "InitialNamesAccepted")
)

func definition(made time.Time, conditions ...apiextensionsv1.CustomResourceDefinitionCondition) *apiextensionsv1.CustomResourceDefinition {
	return &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: "boats.example.org", CreationTimestamp: metav1.NewTime(made)},
		Status:     apiextensionsv1.CustomResourceDefinitionStatus{Conditions: conditions},
	}
}

// changing is a lister in which the definition becomes another one after two looks; it tells how often was looked.
type changing struct {
	listers.CustomResourceDefinitionLister
	known, later *apiextensionsv1.CustomResourceDefinition
	looks        int
}

func (c *changing) Get(name string) (*apiextensionsv1.CustomResourceDefinition, error) {
	c.looks++
	switch {
	case c.known == nil || name != c.known.Name:
		return nil, apierrors.NewNotFound(apiextensionsv1.Resource("customresourcedefinitions"), name)
	case c.looks > 2:
		return c.later, nil
	}
	return c.known, nil
}

// looks asks for a definition that changes from known to later, and returns how often was looked before the answer.
func looks(t *testing.T, method, path string, known, later *apiextensionsv1.CustomResourceDefinition, limit time.Duration) int {
	t.Helper()
	lister := &changing{known: known, later: later}
	answered := false
	next := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { answered = true })
	request := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	accepted{next, lister, limit}.ServeHTTP(httptest.NewRecorder(), request)
	if !answered {
		t.Errorf("%s %s is not answered", method, path)
	}
	return lister.looks
}

func TestWhoAsksForADefinitionThatWasJustMadeWaitsUntilItIsAccepted(t *testing.T) {
	path, now := definitionPath+"boats.example.org", time.Now()
	taken := condition(apiextensionsv1.NamesAccepted, apiextensionsv1.ConditionFalse, "KindConflict")
	invalid := condition(apiextensionsv1.Established, apiextensionsv1.ConditionFalse, "InvalidCABundle")
	refused := condition(apiextensionsv1.Established, apiextensionsv1.ConditionFalse, "NotAccepted")
	done := definition(now, namesAccepted, isEstablished)
	for name, test := range map[string]struct {
		method, path string
		known, later *apiextensionsv1.CustomResourceDefinition
		looks        int
	}{
		"nothing is said yet":  {http.MethodGet, path, definition(now), done, 3},
		"its names are":        {http.MethodGet, path, definition(now, namesAccepted, isInstalling), done, 3},
		"it is refused":        {http.MethodGet, path, definition(now), definition(now, taken, refused), 3},
		"established":          {http.MethodGet, path, definition(now, namesAccepted, isEstablished), definition(now), 1},
		"refused before":       {http.MethodGet, path, definition(now, taken, refused), definition(now), 1},
		"an old one":           {http.MethodGet, path, definition(now.Add(-time.Hour)), definition(now), 1},
		"none":                 {http.MethodGet, path, nil, definition(now), 1},
		"written, not read":    {http.MethodPatch, path, definition(now), definition(now), 0},
		"its status":           {http.MethodGet, path + "/status", definition(now), definition(now), 1},
		"something else":       {http.MethodGet, "/apis/apps/v1/deployments", definition(now), definition(now), 0},
		"all the definitions":  {http.MethodGet, definitionPath[:len(definitionPath)-1], definition(now), definition(now), 0},
		"an unknown authority": {http.MethodGet, path, definition(now, namesAccepted, invalid), definition(now), 1},
	} {
		if got := looks(t, test.method, test.path, test.known, test.later, time.Minute); got != test.looks {
			t.Errorf("%s: %d looks, want %d", name, got, test.looks)
		}
	}
	deleted := definition(now)
	deleted.DeletionTimestamp = &metav1.Time{Time: now}
	if got := looks(t, http.MethodGet, path, deleted, deleted, time.Minute); got != 1 {
		t.Errorf("one that is being deleted is waited for, %d looks", got)
	}
}

func TestADefinitionThatNobodyAcceptsIsToldAsItIs(t *testing.T) {
	young := definition(time.Now().Add(time.Hour)) // of an age that does not end the wait
	if got := looks(t, http.MethodGet, definitionPath+"boats.example.org", young, young, 3*cachePeriod); got < 2 {
		t.Errorf("%d looks", got)
	}
}

// roundTrip is what the server gets when a controller sends such a request.
func roundTrip(t *testing.T, method, path, contentType string, body []byte) []byte {
	t.Helper()
	var got []byte
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var err error
		if got, err = io.ReadAll(r.Body); err != nil || r.ContentLength != int64(len(got)) {
			t.Errorf("%v, %d of %d bytes", err, len(got), r.ContentLength)
		}
	}))
	defer server.Close()
	request, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", contentType)
	response, err := establishing{server.Client().Transport}.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return got
}

func encoded(t *testing.T, object runtime.Object) []byte {
	t.Helper()
	text, err := runtime.Encode(apiextensions.Codecs.EncoderForVersion(protobuf.Serializer, apiextensionsv1.SchemeGroupVersion), object)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestADefinitionWhoseNamesAreAcceptedIsEstablished(t *testing.T) {
	path := definitionPath + "boats.example.org/status"
	made := definition(time.Now(), namesAccepted, isInstalling)
	made.Spec.Group = "example.org"
	sent := roundTrip(t, http.MethodPut, path, runtime.ContentTypeProtobuf, encoded(t, made))
	object, err := runtime.Decode(apiextensions.Codecs.UniversalDeserializer(), sent)
	if err != nil {
		t.Fatal(err)
	}
	got, ok := object.(*apiextensionsv1.CustomResourceDefinition)
	if !ok || got.Spec.Group != "example.org" || len(got.Status.Conditions) != 2 || got.Status.Conditions[0].Reason != "NoConflicts" {
		t.Fatalf("%+v", object)
	}
	if c := got.Status.Conditions[1]; c.Status != apiextensionsv1.ConditionTrue || c.Reason != "InitialNamesAccepted" ||
		c.Message != "the initial names have been accepted" || c.LastTransitionTime.IsZero() {
		t.Errorf("%+v", c)
	}
}

func TestAllOtherUpdatesOfADefinitionStayAsTheyAre(t *testing.T) {
	path := definitionPath + "boats.example.org/status"
	pending := definition(time.Now(), namesAccepted, isInstalling)
	converted := definition(time.Now(), namesAccepted, isInstalling)
	converted.Spec.Conversion = &apiextensionsv1.CustomResourceConversion{
		Strategy: apiextensionsv1.WebhookConverter, Webhook: &apiextensionsv1.WebhookConversion{ConversionReviewVersions: []string{"v1"}},
	}
	for name, test := range map[string]struct {
		method, path, contentType string
		body                      []byte
	}{
		"a webhook converts": {http.MethodPut, path, runtime.ContentTypeProtobuf, encoded(t, converted)},
		"names are taken": {http.MethodPut, path, runtime.ContentTypeProtobuf, encoded(t, definition(time.Now(),
			condition(apiextensionsv1.NamesAccepted, apiextensionsv1.ConditionFalse, "KindConflict"),
			condition(apiextensionsv1.Established, apiextensionsv1.ConditionFalse, "NotAccepted")))},
		"established before":  {http.MethodPut, path, runtime.ContentTypeProtobuf, encoded(t, definition(time.Now(), namesAccepted, isEstablished))},
		"no conditions":       {http.MethodPut, path, runtime.ContentTypeProtobuf, encoded(t, definition(time.Now()))},
		"no definition":       {http.MethodPut, path, runtime.ContentTypeProtobuf, encoded(t, &apiextensionsv1.CustomResourceDefinitionList{})},
		"not its status":      {http.MethodPut, definitionPath + "boats.example.org", runtime.ContentTypeProtobuf, encoded(t, pending)},
		"another kind's":      {http.MethodPut, "/apis/apps/v1/namespaces/a/deployments/b/status", runtime.ContentTypeProtobuf, encoded(t, pending)},
		"another method":      {http.MethodPatch, path, runtime.ContentTypeProtobuf, encoded(t, pending)},
		"an unknown encoding": {http.MethodPut, path, runtime.ContentTypeJSON, []byte("{}")},
	} {
		if got := roundTrip(t, test.method, test.path, test.contentType, test.body); !bytes.Equal(got, test.body) {
			t.Errorf("%s: the update was changed", name)
		}
	}
}
