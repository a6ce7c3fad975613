package apiserver

import (
	"bytes"
	"crypto/sha512"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emicklei/go-restful/v3"
	"k8s.io/apiserver/pkg/server/mux"
	"k8s.io/apiserver/pkg/server/routes"
	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/kube-openapi/pkg/handler3"
)

const openAPIv3 = "/openapi/v3"

// document is the OpenAPI document of one group version. Its hash changes whenever the document does, and is known without making it.
type document struct {
	hash    string
	handler func() http.Handler // makes the document at the first call
}

// documents answers for OpenAPI version 3 like k8s.io/kube-openapi/pkg/handler3: with a list of group versions, and with a document for
// each. There the list holds a hash of every document's text, so that all of them are made for a list; the aggregator reads it every
// second, and again and again while definitions arrive. Here a document is made when somebody asks for it.
type documents func() map[string]document // by the path below /openapi/v3/: "apis/apps/v1"

// ServeHTTP implements http.Handler.
func (d documents) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, one := strings.CutPrefix(r.URL.Path, openAPIv3+"/")
	if !one {
		d.list(w, r)
		return
	}
	asked, ok := d()[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	if hash := r.URL.Query().Get("hash"); hash != "" {
		if hash != asked.hash {
			http.Redirect(w, r, address(name, asked.hash), http.StatusMovedPermanently)
			return
		}
		// What handler3 says of a document whose hash was right.
		w.Header().Set("Cache-Control", "public, immutable")
		w.Header().Set("Expires", time.Now().AddDate(1, 0, 0).Format(time.RFC1123))
	}
	// The hash has been looked at: handler3 would compare it with its own.
	plain := r.Clone(r.Context())
	plain.URL.RawQuery = ""
	asked.handler().ServeHTTP(w, plain)
}

func (d documents) list(w http.ResponseWriter, r *http.Request) {
	list := handler3.OpenAPIV3Discovery{Paths: map[string]handler3.OpenAPIV3DiscoveryGroupVersion{}}
	for name, one := range d() {
		list.Paths[name] = handler3.OpenAPIV3DiscoveryGroupVersion{ServerRelativeURL: address(name, one.hash)}
	}
	body, err := json.Marshal(list)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Etag", strconv.Quote(hashOf(string(body))))
	http.ServeContent(w, r, openAPIv3, time.Time{}, bytes.NewReader(body))
}

func address(name, hash string) string {
	u := url.URL{Path: openAPIv3 + "/" + name, RawQuery: url.Values{"hash": {hash}}.Encode()}
	return u.String()
}

func hashOf(text string) string { return fmt.Sprintf("%X", sha512.Sum512([]byte(text))) }

// ofServices are the documents of the API's own types. They are a matter of the program and of the release that it plays.
func ofServices(services []*restful.WebService, config *common.OpenAPIV3Config, release string) map[string]document {
	var building sync.Mutex // a builder completes the configuration that it is given
	found := map[string]document{}
	for _, service := range services {
		name := strings.TrimPrefix(service.RootPath(), "/")
		found[name] = document{hash: hashOf(release + " " + name), handler: sync.OnceValue(func() http.Handler {
			building.Lock()
			defer building.Unlock()
			one, own := restful.NewContainer(), mux.NewPathRecorderMux("openapi-v3")
			one.Add(service)
			routes.OpenAPI{V3Config: config}.InstallV3(one, own)
			return own
		})}
	}
	return found
}
