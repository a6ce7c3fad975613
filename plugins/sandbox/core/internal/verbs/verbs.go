// Package verbs refuses, before anything is sent, the kubectl commands that would only fail after a minute of waiting for a container
// that never runs. All others are refused by the simulated kubelet (package simulate), for any client, and here only shortened.
package verbs

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/client-go/tools/clientcmd"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"kubetalk.dev/sandbox/internal/certs"
	"kubetalk.dev/sandbox/internal/egress"
	"kubetalk.dev/sandbox/internal/simulate"
)

// Refuse changes `kubectl run` with an attached terminal and `kubectl debug`, and shortens what others say. With a cluster that is not a
// sandbox, kubectl is left as it is.
func Refuse(root *cobra.Command) {
	for _, command := range root.Commands() {
		switch command.Name() {
		case "run":
			guard(command, "attach to", "stdin", "tty", "attach", "rm")
		case "debug":
			guard(command, "debug")
		case "logs":
			ask(command)
		case "exec":
			shorten(command, "exec into")
		case "cp":
			shorten(command, "copy from or to")
		case "attach":
			shorten(command, "attach to")
		case "port-forward":
			shorten(command, "forward a port to")
		case "get":
			shorten(command, "") // --raw: the proxy of a pod, Service or node
		}
	}
}

// guard makes command fail at once when one of the boolean flags is set, or always when none is given.
func guard(command *cobra.Command, verb string, flags ...string) {
	next := command.Run
	command.Run = func(c *cobra.Command, args []string) {
		refused := len(flags) == 0
		for _, name := range flags {
			if set, err := c.Flags().GetBool(name); err == nil && set {
				refused = true
			}
		}
		if refused && inSandbox(c) {
			fmt.Fprintln(os.Stderr, "error: "+simulate.Refusal(verb))
			os.Exit(1)
		}
		next(c, args)
	}
}

// shorten lets a command that was refused end with the sentence alone. The answer of the kubelet, or of what guards the API server's
// connections, reaches it through three layers that each add words about the connection that could not be made.
func shorten(command *cobra.Command, verb string) {
	next := command.Run
	command.Run = func(c *cobra.Command, args []string) {
		cmdutil.BehaviorOnFatal(func(message string, status int) {
			if message = Shortened(message, verb); message != "" {
				fmt.Fprintln(os.Stderr, strings.TrimSuffix(message, "\n"))
			}
			os.Exit(status)
		})
		next(c, args)
	}
}

// Shortened is what a command prints at its end instead of message.
func Shortened(message, verb string) string {
	if verb != "" && strings.Contains(message, simulate.Refusal("")) {
		return "error: " + simulate.Refusal(verb)
	}
	if _, address, refused := strings.Cut(message, egress.Refused); refused {
		return "error: " + egress.Refused + address
	}
	return message
}

// ask lets `kubectl logs --follow` first ask for nothing. It takes a refusal for a passing trouble and repeats it for 20 seconds, where a
// request that does not follow ends with it.
func ask(command *cobra.Command) {
	next := command.Run
	command.Run = func(c *cobra.Command, args []string) {
		follow, errFollow := c.Flags().GetBool("follow")
		patient, errPatient := c.Flags().GetBool("ignore-errors")
		tail := c.Flags().Lookup("tail")
		if errFollow == nil && errPatient == nil && follow && !patient && tail != nil && inSandbox(c) {
			given, changed := tail.Value.String(), tail.Changed
			_, _ = c.Flags().Set("follow", "false"), tail.Value.Set("0")
			next(c, args) // ends the process when it is refused
			_, _ = c.Flags().Set("follow", "true"), tail.Value.Set(given)
			tail.Changed = changed
		}
		next(c, args)
	}
}

// inSandbox tells whether the command's cluster is a sandbox. A real one may have any name, but it has another authority.
func inSandbox(command *cobra.Command) bool {
	rules, overrides := clientcmd.NewDefaultClientConfigLoadingRules(), clientcmd.ConfigOverrides{}
	for name, value := range map[string]*string{
		"kubeconfig": &rules.ExplicitPath, "context": &overrides.CurrentContext, "cluster": &overrides.Context.Cluster,
		"server": &overrides.ClusterInfo.Server, "certificate-authority": &overrides.ClusterInfo.CertificateAuthority,
	} {
		if flag := command.Flags().Lookup(name); flag != nil {
			*value = flag.Value.String()
		}
	}
	loaded, err := rules.Load()
	if err != nil {
		return false
	}
	config, err := clientcmd.NewNonInteractiveClientConfig(*loaded, "", &overrides, rules).ClientConfig()
	if err != nil {
		return false
	}
	authority := config.CAData
	if len(authority) == 0 && config.CAFile != "" {
		if authority, err = os.ReadFile(config.CAFile); err != nil {
			return false
		}
	}
	return certs.OfSandbox(authority)
}
