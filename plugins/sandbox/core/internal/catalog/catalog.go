// Package catalog keeps kubectl from reading its catalog of translated messages where that translates nothing.
//
// kubectl asks for the first translation while its packages are initialised, so every process of this file reads the catalog, the parts
// of a control plane too: a ZIP archive is made in memory, then unpacked and parsed several times (30 ms, a third of what all packages
// need, and 4 MiB). Without a language in the environment that is the catalog "default", in which each message is its own translation.
package catalog

import (
	"os"
	"strings"

	"k8s.io/kubectl/pkg/util/i18n"
)

// leftOut tells whether kubectl asked for its catalog and did not get it.
var leftOut bool

// k8s.io/kubectl asks for this to be in a package that is initialised before it translates anything. This one imports so little that Go
// does it before those that import sigs.k8s.io (go.dev/ref/spec, "Program initialization"); a test looks whether it still is.
func init() {
	if speaks(os.Getenv) {
		return
	}
	// An error means that we come too late, and everything is as it would be without us.
	_ = i18n.SetLoadTranslationsFunc(func() error {
		leftOut = true
		return nil
	})
}

// speaks tells whether the environment may name a language that kubectl has. As in i18n.LoadTranslations the first of these that is set
// counts, and the language stands before the dot; which languages there are is left to kubectl.
func speaks(getenv func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if value := getenv(name); value != "" {
			language, _, _ := strings.Cut(value, ".")
			return language != "C" && language != "POSIX"
		}
	}
	return false
}

// LeftOut tells whether kubectl asked for its catalog and was spared it.
func LeftOut() bool { return leftOut }
