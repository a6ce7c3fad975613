// Package apiserver is kube-apiserver, put together as Kubernetes does it (cmd/kube-apiserver/app), only that less has to be waited for:
// what needs neither etcd nor a port is done while the server is loaded, two hooks of the start do not pause before they begin, and the
// OpenAPI v2 document is made when somebody asks for it. It answers as Kubernetes' own does.
package apiserver

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/client-go/rest"
	basecompatibility "k8s.io/component-base/compatibility"
	"k8s.io/component-base/featuregate"
	logsapi "k8s.io/component-base/logs/api/v1"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
	"k8s.io/kubernetes/cmd/kube-apiserver/app/options"
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
	server, err := app.CreateServerChain(completed)
	if err != nil {
		return err
	}
	for _, h := range hooks {
		kube.DisabledPostStartHooks.Delete(h.name)
		if err := server.GenericAPIServer.AddPostStartHook(h.name, h.run); err != nil {
			return fmt.Errorf("hook %s: %w", h.name, err)
		}
	}
	if err := installOpenAPI(server.GenericAPIServer.NextDelegate(), kube); err != nil {
		return err
	}
	prepared, err := server.PrepareRun()
	if err != nil {
		return err
	}
	return prepared.Run(ctx)
}
