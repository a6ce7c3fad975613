package verbs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"kubetalk.dev/sandbox/internal/certs"
)

func TestARefusalIsOneSentence(t *testing.T) {
	const refused = "error: Internal error occurred: unable to upgrade connection: this pod is simulated: no container runs in it, so there is nothing to exec into"
	const short = "error: this pod is simulated: no container runs in it, so there is nothing to copy from or to"
	if got := Shortened(refused, "copy from or to"); got != short {
		t.Errorf("got %q", got)
	}
	if other := `Error from server (NotFound): pods "x" not found`; Shortened(other, "exec into") != other {
		t.Error("another error was changed")
	}
	const nobody = `Error from server (ServiceUnavailable): error trying to reach service: proxy error from egress.sock while dialing 10.244.1.2:80, ` +
		"code 502: 502 nothing in the sandbox listens on 10.244.1.2:80"
	if got, want := Shortened(nobody, ""), "error: nothing in the sandbox listens on 10.244.1.2:80"; got != want {
		t.Errorf("got %q", got)
	}
}

// A cluster of this name may be anybody's: `provider: context` runs this kubectl on real ones.
func TestASandboxIsKnownByItsAuthorityAndNotByItsName(t *testing.T) {
	dir := t.TempDir()
	own, err := certs.Generate(dir)
	if err != nil {
		t.Fatal(err)
	}
	// Any other authority; that of a real cluster is called kubernetes, too.
	other := map[string]certs.Pair{certs.CA: own[certs.FrontProxyCA], certs.Admin: own[certs.Admin]}
	write := func(name string, pairs map[string]certs.Pair, cluster string) string {
		t.Helper()
		text := certs.Kubeconfig(pairs, certs.Admin, cluster, "https://127.0.0.1:1")
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ours, renamed, theirs := write("ours", own, "sandbox"), write("renamed", own, "stage"), write("real", other, "sandbox")
	for _, c := range []struct {
		kubeconfig, flags string
		want              bool
	}{
		{ours, "", true},
		{renamed, "", true},
		{theirs, "", false},
		{filepath.Join(dir, "none"), "", false},
		{renamed + string(os.PathListSeparator) + theirs, "", true}, // the first one's context counts
		{renamed + string(os.PathListSeparator) + theirs, "--context=sandbox", false},
		{renamed + string(os.PathListSeparator) + theirs, "--cluster=sandbox", false},
		{theirs, "--kubeconfig=" + ours, true},
		{ours, "--context=none", false},
		{theirs, "--certificate-authority=" + filepath.Join(dir, certs.CA+".crt"), true},
	} {
		t.Setenv("KUBECONFIG", c.kubeconfig)
		command := &cobra.Command{Use: "run"}
		for _, name := range []string{"kubeconfig", "context", "cluster", "server", "certificate-authority"} {
			command.Flags().String(name, "", "")
		}
		if err := command.ParseFlags(strings.Fields(c.flags)); err != nil {
			t.Fatal(err)
		}
		if got := inSandbox(command); got != c.want {
			t.Errorf("KUBECONFIG=%s kubectl run %s: %v", c.kubeconfig, c.flags, got)
		}
	}
}
