package apiserver

import (
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apiserver"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/registry/generic"
)

// adjusted is how a server keeps its kinds, changed in one respect.
type adjusted struct {
	generic.RESTOptionsGetter
	adjust func(generic.RESTOptions) generic.RESTOptions
}

// GetRESTOptions implements generic.RESTOptionsGetter.
func (a adjusted) GetRESTOptions(resource schema.GroupResource, example runtime.Object) (generic.RESTOptions, error) {
	options, err := a.RESTOptionsGetter.GetRESTOptions(resource, example)
	if err != nil {
		return options, err
	}
	return a.adjust(options), nil
}

// asProtobuf keeps CustomResourceDefinitions in etcd as Kubernetes keeps its own kinds, as protobuf and in the version that it stores them
// in. Kubernetes has them as JSON, of up to 170 KiB in the case of Istio's, and each is written and read several times until it is
// established. What was stored as JSON is read too.
func asProtobuf(options generic.RESTOptions) generic.RESTOptions {
	stored := *options.StorageConfig
	stored.Codec = apiextensions.Codecs.CodecForVersions(
		protobuf.Serializer, apiextensions.Codecs.UniversalDeserializer(), stored.EncodeVersioner, runtime.InternalGroupVersioner)
	options.StorageConfig = &stored
	return options
}

// protobuf is that encoding of definitions.
var protobuf = func() runtime.SerializerInfo {
	info, ok := runtime.SerializerInfoForMediaType(apiextensions.Codecs.SupportedMediaTypes(), runtime.ContentTypeProtobuf)
	if !ok {
		panic("definitions cannot be encoded as protobuf")
	}
	return info
}()
