package main

import (
	"fmt"
	"os"

	"kubetalk.dev/istio/internal/charts"
)

// runCharts writes the embedded charts to a folder, under their published names and with the version that is built in.
func runCharts(args []string) int {
	if len(args) != 1 {
		fmt.Fprintln(os.Stderr, "usage: kubetalk-istio charts FOLDER")
		return 2
	}
	r, err := readRelease()
	if err == nil {
		err = charts.Write(args[0], r.Versions["istio"], r.Hub)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "kubetalk-istio charts:", err)
		return 1
	}
	return 0
}
