package apiserver

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	apiextensionshelpers "k8s.io/apiextensions-apiserver/pkg/apihelpers"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apiserver"
	listers "k8s.io/apiextensions-apiserver/pkg/client/listers/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
)

// definitionPath is that of a definition, before its name.
const definitionPath = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/"

// accepted lets the question for a definition that was just made wait until Kubernetes has said whether it accepts it, which takes some
// milliseconds. istioctl asks for each of its fifteen when the last one is made, and looks again two seconds later if one of them is not
// established yet.
type accepted struct {
	next   http.Handler
	lister listers.CustomResourceDefinitionLister
	limit  time.Duration
}

// ServeHTTP implements http.Handler.
func (a accepted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if name, ok := strings.CutPrefix(r.URL.Path, definitionPath); ok && r.Method == http.MethodGet {
		// However the wait ends, the answer is what is stored.
		_ = wait.PollUntilContextTimeout(r.Context(), cachePeriod, a.limit, true, func(context.Context) (bool, error) {
			definition, err := a.lister.Get(name)
			return err != nil || !a.pending(definition), nil
		})
	}
	a.next.ServeHTTP(w, r)
}

// installing is why a definition is not established as long as only its names are accepted (NamingConditionController).
const installing = "Installing"

// pending says whether a definition is so young that nothing was said of it yet.
func (a accepted) pending(definition *apiextensionsv1.CustomResourceDefinition) bool {
	established := apiextensionshelpers.FindCRDCondition(definition, apiextensionsv1.Established)
	return definition.DeletionTimestamp.IsZero() && time.Since(definition.CreationTimestamp.Time) < a.limit &&
		(established == nil || established.Reason == installing)
}

// establishing is the connection of the controllers of definitions to their own server. Kubernetes accepts a definition's names with one
// update and establishes it with a second one, five seconds later where there are several API servers, at once where there is one
// (k8s.io/apiextensions-apiserver/pkg/controller/establish). Here the first update says both: the second is no news to anybody, and an
// update of one of Istio's definitions takes 15 ms of CPU, most of them in the bookkeeping of managed fields.
type establishing struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (e establishing) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodPut || !strings.HasPrefix(r.URL.Path, definitionPath) || !strings.HasSuffix(r.URL.Path, "/status") ||
		r.Header.Get("Content-Type") != runtime.ContentTypeProtobuf {
		return e.next.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if err := r.Body.Close(); err != nil {
		return nil, err
	}
	if body, err = established(body); err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.ContentLength = int64(len(body))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	r.Body, _ = r.GetBody()
	return e.next.RoundTrip(r)
}

// established returns an update that accepts the names of a definition as one that establishes it too, in the words of Kubernetes'
// EstablishingController, and every other update as it is. Whether a webhook that converts can be trusted is left to that controller.
func established(body []byte) ([]byte, error) {
	object, _, err := apiextensions.Codecs.UniversalDeserializer().Decode(body, nil, nil)
	if err != nil {
		return nil, err
	}
	definition, ok := object.(*apiextensionsv1.CustomResourceDefinition)
	if !ok {
		return body, nil
	}
	condition := apiextensionshelpers.FindCRDCondition(definition, apiextensionsv1.Established)
	conversion := definition.Spec.Conversion
	if condition == nil || condition.Reason != installing || conversion != nil && conversion.Webhook != nil {
		return body, nil
	}
	apiextensionshelpers.SetCRDCondition(definition, apiextensionsv1.CustomResourceDefinitionCondition{
		Type:    apiextensionsv1.Established,
		Status:  apiextensionsv1.ConditionTrue,
		Reason:  "InitialNamesAccepted",
		Message: "the initial names have been accepted",
	})
	return runtime.Encode(apiextensions.Codecs.EncoderForVersion(protobuf.Serializer, apiextensionsv1.SchemeGroupVersion), definition)
}
