package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
)

//go:embed build.json
var buildJSON []byte

// release is the part of build.json that the program itself needs; the builder reads the rest.
type release struct {
	Versions map[string]string `json:"versions"`
	// Hub is where Istio publishes its images; the charts name it.
	Hub string `json:"hub"`
}

func readRelease() (release, error) {
	var r release
	if err := json.Unmarshal(buildJSON, &r); err != nil {
		return r, fmt.Errorf("build.json: %w", err)
	}
	return r, nil
}

// runVersions prints what is inside as one JSON object.
func runVersions([]string) int {
	r, err := readRelease()
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(r.Versions)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
