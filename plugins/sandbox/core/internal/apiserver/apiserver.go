// Package apiserver is kube-apiserver, put together as Kubernetes does it (cmd/kube-apiserver/app), only that less has to be waited for:
// what needs neither etcd nor a port is done while the server is loaded, two hooks of the start do not pause before they begin, OpenAPI
// documents are made when somebody asks for them, a definition is established by one update, and who reads a kind that is new waits for its
// cache. It answers as Kubernetes' own does.
package apiserver

import (
	"context"
	"fmt"
	"net/http"
	_ "unsafe" // for go:linkname

	"github.com/spf13/cobra"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apiserver"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	genericapifilters "k8s.io/apiserver/pkg/endpoints/filters"
	"k8s.io/apiserver/pkg/registry/generic"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/util/notfoundhandler"
	"k8s.io/client-go/rest"
	basecompatibility "k8s.io/component-base/compatibility"
	"k8s.io/component-base/featuregate"
	logsapi "k8s.io/component-base/logs/api/v1"
	aggregator "k8s.io/kube-aggregator/pkg/apiserver"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
	"k8s.io/kubernetes/cmd/kube-apiserver/app/options"
	controlplaneapiserver "k8s.io/kubernetes/pkg/controlplane/apiserver"
)

// Command returns the command, with the flags of kube-apiserver that are its own. begin is called when the server is loaded as far as it
// can be beside another one of the same sandbox, and returns when it may take that one's place.
func Command(begin func() error) *cobra.Command {
	o := options.NewServerRunOptions()
	registry := o.GenericServerRunOptions.ComponentGlobalsRegistry
	command := &cobra.Command{
		Use:          "kube-apiserver",
		Args:         cobra.NoArgs,
		SilenceUsage: true,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			rest.SetDefaultWarningHandler(rest.NoWarnings{})
			return registry.Set()
		},
		RunE: func(command *cobra.Command, _ []string) error {
			gates := registry.FeatureGateFor(basecompatibility.DefaultKubeComponent)
			if err := logsapi.ValidateAndApply(o.Logs, gates); err != nil {
				return err
			}
			o.SecureServing.Listener = unopened{o.SecureServing.BindAddress, o.SecureServing.BindPort}
			completed, err := o.Complete(command.Context())
			if err != nil {
				return err
			}
			if errs := completed.Validate(); len(errs) > 0 {
				return utilerrors.NewAggregate(errs)
			}
			if gates, ok := gates.(featuregate.MutableFeatureGate); ok {
				gates.AddMetrics()
			}
			registry.AddMetrics()
			return run(command.Context(), completed, begin)
		},
	}
	command.SetContext(genericapiserver.SetupSignalContext())
	for _, set := range o.Flags().FlagSets {
		command.Flags().AddFlagSet(set)
	}
	return command
}

func run(ctx context.Context, o options.CompletedOptions, begin func() error) error {
	config, err := app.NewConfig(o)
	if err != nil {
		return err
	}
	kube := config.KubeAPIs.ControlPlane.Generic
	kube.SkipOpenAPIInstallation = true // installOpenAPI does it
	adjust(config)
	// All servers of the chain share this set. A hook whose name is in it is left out; afterwards ours takes the name.
	for _, h := range hooks {
		kube.DisabledPostStartHooks.Insert(h.name)
	}
	completed, err := config.Complete()
	if err != nil {
		return err
	}
	if err := begin(); err != nil {
		return err
	}
	if kube.SecureServing.Listener, err = listen(o.SecureServing.SecureServingOptions); err != nil {
		return err
	}
	server, definitions, err := serverChain(completed)
	if err != nil {
		return err
	}
	for _, h := range hooks {
		kube.DisabledPostStartHooks.Delete(h.name)
		if err := server.GenericAPIServer.AddPostStartHook(h.name, h.run); err != nil {
			return fmt.Errorf("hook %s: %w", h.name, err)
		}
	}
	prepared, err := server.PrepareRun()
	if err != nil {
		return err
	}
	// Without it, the controller that makes a document after every change of a definition is not begun.
	definitions.GenericAPIServer.OpenAPIV3VersionedService = nil
	return prepared.Run(ctx)
}

// adjust changes how the three servers keep what they serve, and the connection of the one of definitions to itself.
func adjust(config *app.Config) {
	definitions := config.ApiExtensions
	definitions.GenericConfig.RESTOptionsGetter = adjusted{definitions.GenericConfig.RESTOptionsGetter, asProtobuf}
	for _, getter := range []*generic.RESTOptionsGetter{
		&config.KubeAPIs.ControlPlane.Generic.RESTOptionsGetter,
		&config.Aggregator.GenericConfig.RESTOptionsGetter,
		&definitions.GenericConfig.RESTOptionsGetter,
		&definitions.ExtraConfig.CRDRESTOptionsGetter,
	} {
		*getter = adjusted{*getter, patiently}
	}
	loopback := rest.CopyConfig(definitions.GenericConfig.LoopbackClientConfig)
	loopback.Wrap(func(next http.RoundTripper) http.RoundTripper { return establishing{next} })
	definitions.GenericConfig.LoopbackClientConfig = loopback
}

// serverChain puts the three servers behind each other, as CreateServerChain of cmd/kube-apiserver/app does, and lets the two that the
// aggregator asks for OpenAPI documents answer by installOpenAPI. The second result serves CustomResourceDefinitions.
func serverChain(config app.CompletedConfig) (*aggregator.APIAggregator, *apiextensions.CustomResourceDefinitions, error) {
	common := config.KubeAPIs.ControlPlane.Generic
	nobody := notfoundhandler.New(common.Serializer, genericapifilters.NoMuxAndDiscoveryIncompleteKey)
	definitions, err := config.ApiExtensions.New(genericapiserver.NewEmptyDelegateWithCustomHandler(nobody))
	if err != nil {
		return nil, nil, err
	}
	kube, err := config.KubeAPIs.New(definitions.GenericAPIServer)
	if err != nil {
		return nil, nil, err
	}
	informer := definitions.Informers.Apiextensions().V1().CustomResourceDefinitions()
	installOpenAPI(kube.ControlPlane.GenericAPIServer, common.Config)
	installDefinitionsOpenAPI(definitions.GenericAPIServer, config.ApiExtensions.GenericConfig.Config, informer.Lister())
	served := kube.ControlPlane.GenericAPIServer.Handler
	served.Director = accepted{served.Director, informer.Lister(), patience}
	enabled := config.ApiExtensions.GenericConfig.MergedResourceConfig.ResourceEnabled(
		apiextensionsv1.SchemeGroupVersion.WithResource("customresourcedefinitions"))
	server, err := controlplaneapiserver.CreateAggregatorServer(
		config.Aggregator, kube.ControlPlane.GenericAPIServer, informer, enabled, apiVersionPriorities)
	return server, definitions, err
}

// apiVersionPriorities is the order in which Kubernetes lists its groups, which must not be told twice either.
//
//go:linkname apiVersionPriorities k8s.io/kubernetes/cmd/kube-apiserver/app.apiVersionPriorities
var apiVersionPriorities map[schema.GroupVersion]controlplaneapiserver.APIServicePriority
