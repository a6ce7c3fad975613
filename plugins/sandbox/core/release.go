// Package sandbox says what is inside the programs of this module, which are in cmd.
package sandbox

import (
	_ "embed"
	"encoding/json"
	"fmt"
)

//go:embed build.json
var buildJSON []byte

// Release is the part of build.json that the programs themselves need; the builder reads the rest.
type Release struct {
	Versions  map[string]string `json:"versions"`
	Emulates  []string          `json:"emulates"`
	Multicall []string          `json:"multicall"`
}

// ReadRelease returns what this was built as.
func ReadRelease() (Release, error) {
	var r Release
	if err := json.Unmarshal(buildJSON, &r); err != nil {
		return r, fmt.Errorf("build.json: %w", err)
	}
	return r, nil
}
