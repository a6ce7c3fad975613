package apiserver

import (
	"bytes"
	"reflect"
	"testing"

	definitionkinds "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1beta1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apiserver"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/storage/storagebackend"
)

func TestDefinitionsAreStoredAsProtobufAndReadAsEither(t *testing.T) {
	before := apiextensions.Codecs.LegacyCodec(v1beta1.SchemeGroupVersion)
	config := &storagebackend.ConfigForResource{Config: storagebackend.Config{
		Codec:           before,
		EncodeVersioner: runtime.NewMultiGroupVersioner(v1beta1.SchemeGroupVersion, schema.GroupKind{Group: v1beta1.GroupName}),
	}}
	options, err := adjusted{generic.RESTOptions{StorageConfig: config}, asProtobuf}.GetRESTOptions(schema.GroupResource{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if config.Codec != before {
		t.Error("the configuration of others is changed too")
	}
	open, preserve := true, true
	made := &definitionkinds.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: "boats.example.org", UID: "u"},
		Spec: definitionkinds.CustomResourceDefinitionSpec{
			Group:    "example.org",
			Names:    definitionkinds.CustomResourceDefinitionNames{Plural: "boats", Singular: "boat", Kind: "Boat", ListKind: "BoatList"},
			Scope:    definitionkinds.NamespaceScoped,
			Version:  "v1",
			Versions: []definitionkinds.CustomResourceDefinitionVersion{{Name: "v1", Served: true, Storage: true}},
			Validation: &definitionkinds.CustomResourceValidation{OpenAPIV3Schema: &definitionkinds.JSONSchemaProps{
				Type:                   "object",
				XPreserveUnknownFields: &open,
				XValidations:           definitionkinds.ValidationRules{{Rule: "self.size > 0"}},
				Properties: map[string]definitionkinds.JSONSchemaProps{
					"size": {Type: "integer", Nullable: true, XIntOrString: true},
					"more": {AdditionalProperties: &definitionkinds.JSONSchemaPropsOrBool{Allows: true}},
				},
			}},
			Conversion:            &definitionkinds.CustomResourceConversion{Strategy: definitionkinds.NoneConverter},
			PreserveUnknownFields: &preserve,
		},
		Status: definitionkinds.CustomResourceDefinitionStatus{StoredVersions: []string{"v1"}},
	}
	for name, codec := range map[string]runtime.Codec{"as it is now": options.StorageConfig.Codec, "as it was": before} {
		text, err := runtime.Encode(codec, made)
		if err != nil {
			t.Fatal(err)
		}
		if binary := bytes.HasPrefix(text, []byte("k8s\x00")); binary != (codec != before) {
			t.Errorf("%s: protobuf is %v", name, binary)
		}
		got, err := runtime.Decode(options.StorageConfig.Codec, text)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, made) {
			t.Errorf("%s:\n%+v\nwant\n%+v", name, got, made)
		}
	}
}
