package supervisor

import (
	"context"
	"slices"
	"strings"
	"testing"
)

func TestAnAttendantSettlesOnce(t *testing.T) {
	s := &Supervisor{}
	if err := s.attendantSettled(context.Background()); err != nil {
		t.Error("nobody to wait for:", err)
	}
	s.options.Attend = "program"
	for range 2 { // a restore starts another one, which has not settled
		w := &lines{each: s.attendantSaid()}
		for _, text := range []string{"{\"event\":\"progress\"}\nnoise\n{\"event\":\"set", "tled\",\"processes\":1}"} {
			if _, err := w.Write([]byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		if s.attendantSettled(context.Background()) == nil {
			t.Error("it has not said so yet")
		}
		_, _ = w.Write([]byte("\n{\"event\":\"settled\"}\n"))
		if err := s.attendantSettled(context.Background()); err != nil {
			t.Error(err)
		}
	}
}

func TestLinesAreCutButNeverTooLong(t *testing.T) {
	var seen []string
	w := &lines{each: func(line []byte) { seen = append(seen, string(line)) }}
	for _, text := range []string{"a\nb", "c\n\n", strings.Repeat("x", maxLine+1), "end\nd\n"} {
		if n, err := w.Write([]byte(text)); n != len(text) || err != nil {
			t.Fatal(n, err)
		}
	}
	if want := []string{"a", "bc", "", "end", "d"}; !slices.Equal(seen, want) {
		t.Errorf("got %q, want %q", seen, want)
	}
}
