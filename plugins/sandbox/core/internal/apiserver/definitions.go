package apiserver

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	apiextensionshelpers "k8s.io/apiextensions-apiserver/pkg/apihelpers"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	listers "k8s.io/apiextensions-apiserver/pkg/client/listers/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/controller/openapi/builder"
	apiextensionsfeatures "k8s.io/apiextensions-apiserver/pkg/features"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/klog/v2"
	"k8s.io/kube-openapi/pkg/handler3"
	"k8s.io/kube-openapi/pkg/spec3"
)

// definitions makes the documents of what CustomResourceDefinitions define, as k8s.io/apiextensions-apiserver/pkg/controller/openapiv3
// does after every change of one: of the versions that are served, once the definition is established.
type definitions struct {
	lister listers.CustomResourceDefinitionLister
	mu     sync.Mutex
	specs  map[types.UID]hashedSpec
	made   map[string]document
}

// hashedSpec is the hash of a definition's specification in one generation.
type hashedSpec struct {
	generation int64
	hash       string
}

// documents returns the documents by their paths. One that did not change is the same one as before.
func (d *definitions) documents() map[string]document {
	all, err := d.lister.List(labels.Everything())
	if err != nil {
		klog.Errorf("no OpenAPI documents of definitions: %v", err)
		return map[string]document{}
	}
	slices.SortFunc(all, func(a, b *apiextensionsv1.CustomResourceDefinition) int { return strings.Compare(a.Name, b.Name) })
	d.mu.Lock()
	defer d.mu.Unlock()
	specs := map[types.UID]hashedSpec{}
	served := map[string][]definedVersion{}
	hashes := map[string][]string{}
	for _, definition := range all {
		if !apiextensionshelpers.IsCRDConditionTrue(definition, apiextensionsv1.Established) {
			continue
		}
		spec, ok := d.specs[definition.UID]
		if !ok || spec.generation != definition.Generation {
			text, err := definition.Spec.Marshal()
			if err != nil {
				klog.Errorf("no OpenAPI document of %s: %v", definition.Name, err)
				continue
			}
			spec = hashedSpec{definition.Generation, hashOf(string(text))}
		}
		specs[definition.UID] = spec
		for _, version := range definition.Spec.Versions {
			if version.Served {
				path := "apis/" + definition.Spec.Group + "/" + version.Name
				served[path] = append(served[path], definedVersion{definition, version.Name})
				hashes[path] = append(hashes[path], definition.Name+" "+spec.hash)
			}
		}
	}
	made := map[string]document{}
	for path, versions := range served {
		hash := hashOf(strings.Join(hashes[path], "\n"))
		if before, ok := d.made[path]; ok && before.hash == hash {
			made[path] = before
			continue
		}
		made[path] = document{hash, sync.OnceValue(func() http.Handler { return ofDefinitions(path, versions) })}
	}
	d.specs, d.made = specs, made
	return maps.Clone(made)
}

// definedVersion is a version of a definition.
type definedVersion struct {
	definition *apiextensionsv1.CustomResourceDefinition
	version    string
}

// ofDefinitions makes the document of a group version.
func ofDefinitions(path string, versions []definedVersion) http.Handler {
	options := builder.Options{
		IncludeSelectableFields: utilfeature.DefaultFeatureGate.Enabled(apiextensionsfeatures.CustomResourceFieldSelectors),
	}
	var specs []*spec3.OpenAPI
	for _, one := range versions {
		spec, err := builder.BuildOpenAPIV3(one.definition, one.version, options)
		if err != nil { // left out, as in Kubernetes
			klog.Errorf("no OpenAPI document of %s, version %s: %v", one.definition.Name, one.version, err)
			continue
		}
		specs = append(specs, spec)
	}
	merged, err := builder.MergeSpecsV3(specs...)
	if err != nil {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		})
	}
	service := handler3.NewOpenAPIService()
	service.UpdateGroupVersion(path, merged)
	return http.HandlerFunc(service.HandleGroupVersion)
}
