package supervisor

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestParseRequest(t *testing.T) {
	for line, want := range map[string]string{
		`{"id":1,"op":"checkpoint","name":"a"}`:                             "",
		`{"id":"x","op":"status"}`:                                          "",
		`{"id":1,"op":"stop"} `:                                             "",
		`{"id":1,"op":"restore","name":"../a"}`:                             "needs a name",
		`{"id":1,"op":"restore","name":".a"}`:                               "needs a name",
		`{"id":1,"op":"restore"}`:                                           "needs a name",
		`{"id":1,"op":"restore","name":"` + strings.Repeat("a", 101) + `"}`: "needs a name",
		`{"id":1,"op":"status","name":"a"}`:                                 "takes no name",
		`{"id":1,"op":"keep","path":"/x"}`:                                  "",
		`{"id":1,"op":"keep","path":"x"}`:                                   "absolute path",
		`{"id":1,"op":"keep"}`:                                              "absolute path",
		`{"id":1,"op":"keep","path":"/x","name":"a"}`:                       "takes no name",
		`{"id":1,"op":"prepare"}`:                                           "",
		`{"id":1,"op":"prepare","path":"/x"}`:                               "takes no path",
		`{"id":1,"op":"fly"}`:                                               `unknown op "fly"`,
		`{"id":1,"op":"stop","force":true}`:                                 `unknown field "force"`,
		`{"id":1,"op":"stop"}{"id":2,"op":"stop"}`:                          "more than one",
		`{"op":"stop"}`:                                                     "needs an id",
		`{"id":null,"op":"stop"}`:                                           "needs an id",
		`stop`:                                                              "cannot be read",
		``:                                                                  "cannot be read",
	} {
		_, err := parseRequest([]byte(line))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", line, err, want)
		}
	}
}

func TestAnswerKeepsTheID(t *testing.T) {
	for line, want := range map[string]string{
		`{"id":"a b","op":"fly"}`:           `"a b"`,
		`{"id":7,"op":"stop","force":true}`: `7`,
		`{"id":`:                            `null`,
	} {
		var w bytes.Buffer
		r, err := parseRequest([]byte(line))
		newOutput(&w).answer(r.ID, time.Now(), nil, err)
		var answer struct {
			ID    json.RawMessage `json:"id"`
			OK    bool            `json:"ok"`
			Error string          `json:"error"`
		}
		if err := json.Unmarshal(w.Bytes(), &answer); err != nil {
			t.Fatal(err)
		}
		if string(answer.ID) != want || answer.OK || answer.Error == "" {
			t.Errorf("%s: answered %s", line, w.String())
		}
	}
}

func TestAnswerIsOneLine(t *testing.T) {
	var w bytes.Buffer
	newOutput(&w).answer(json.RawMessage("1"), time.Now(), nil, errors.New("first\n\tsecond"))
	if got := w.String(); got != `{"error":"first second","id":1,"ok":false}`+"\n" {
		t.Errorf("got %q", got)
	}
}

func TestReadLinesCutsLongOnes(t *testing.T) {
	lines := make(chan []byte, 3)
	readLines(t.Context(), strings.NewReader(strings.Repeat("x", 3*maxLine)+"\n{}\n"), lines)
	if first := <-lines; len(first) != maxLine {
		t.Errorf("the long line arrived with %d bytes", len(first))
	}
	if second := string(<-lines); second != "{}" {
		t.Errorf("the line after it arrived as %q", second)
	}
}

func TestReasons(t *testing.T) {
	log := `I1123 00:42:52.613032    9342 options.go:263] external host was not specified
E1123 00:42:53.000000    9342 a.go:1] one
W1123 00:42:53.000000    9342 a.go:1] Errors are not warnings
E1123 00:42:53.000000    9342 a.go:1] two
{"level":"info","msg":"fine"}
Error: listen tcp 127.0.0.1:1: bind: address already in use
F1123 00:42:53.000000    9342 a.go:1] four
`
	got := reasons(log)
	if len(got) != 3 || !strings.HasSuffix(got[0], "two") || !strings.Contains(got[1], "already in use") || !strings.HasSuffix(got[2], "four") {
		t.Errorf("got %q", got)
	}
}
