package verbs

import "testing"

func TestARefusalIsOneSentence(t *testing.T) {
	const refused = "error: Internal error occurred: unable to upgrade connection: this pod is simulated: no container runs in it, so there is nothing to exec into"
	const short = "error: this pod is simulated: no container runs in it, so there is nothing to copy from or to"
	if got := Shortened(refused, "copy from or to"); got != short {
		t.Errorf("got %q", got)
	}
	if other := `Error from server (NotFound): pods "x" not found`; Shortened(other, "exec into") != other {
		t.Error("another error was changed")
	}
}
