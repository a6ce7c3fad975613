package main

import (
	"encoding/json"
	"fmt"
	"os"

	sandbox "kubetalk.dev/sandbox"
)

// runVersions prints what is inside as one JSON object.
func runVersions() int {
	r, err := sandbox.ReadRelease()
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(r.Versions)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
