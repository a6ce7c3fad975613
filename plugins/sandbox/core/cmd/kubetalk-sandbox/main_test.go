package main

import (
	"testing"

	sandbox "kubetalk.dev/sandbox"
)

func TestWhatASessionFindsIsACommand(t *testing.T) {
	r, err := sandbox.ReadRelease()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range r.Multicall {
		if commands[name] == nil {
			t.Errorf("multicall %s is no command", name)
		}
	}
}
