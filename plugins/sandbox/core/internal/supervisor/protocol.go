package supervisor

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

// request is one line of stdin. See PROTOCOL.md.
type request struct {
	ID   json.RawMessage `json:"id"`
	Op   string          `json:"op"`
	Name string          `json:"name"`
	Path string          `json:"path"`
}

// message is one line of stdout, an event or an answer.
type message map[string]any

// longest line that is read; a request is far shorter.
const maxLine = 64 << 10

var checkpointName = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$`)

// operations maps an operation to the key that it takes beside its own.
var operations = map[string]string{
	"checkpoint": "name", "restore": "name", "forget": "name", "keep": "path", "prepare": "", "status": "", "stop": "",
}

// parseRequest reads one line. The request's id is kept even when the rest is wrong, so that the answer can carry it.
func parseRequest(line []byte) (request, error) {
	var r request
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&r); err != nil {
		var id struct {
			ID json.RawMessage `json:"id"`
		}
		if json.Unmarshal(line, &id) == nil {
			r.ID = id.ID
		}
		return request{ID: r.ID}, fmt.Errorf("this request cannot be read: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return request{ID: r.ID}, errors.New("this request cannot be read: more than one object in a line")
	}
	if len(r.ID) == 0 || (r.ID[0] != '"' && r.ID[0] != '-' && (r.ID[0] < '0' || r.ID[0] > '9')) {
		return request{}, errors.New("a request needs an id, a number or a string")
	}
	takes, ok := operations[r.Op]
	switch {
	case !ok:
		return r, fmt.Errorf("unknown op %q", r.Op)
	case takes == "name" && !checkpointName.MatchString(r.Name):
		return r, fmt.Errorf("op %q needs a name of letters, digits, '.', '_' and '-'", r.Op)
	case takes == "path" && !filepath.IsAbs(r.Path):
		return r, fmt.Errorf("op %q needs an absolute path", r.Op)
	case takes != "name" && r.Name != "":
		return r, fmt.Errorf("op %q takes no name", r.Op)
	case takes != "path" && r.Path != "":
		return r, fmt.Errorf("op %q takes no path", r.Op)
	}
	return r, nil
}

// output writes one JSON object per line; it is safe for concurrent use.
type output struct {
	mu      sync.Mutex
	encoder *json.Encoder
}

func newOutput(w io.Writer) *output {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return &output{encoder: encoder}
}

// send writes m. An error means that nobody reads any more; the end of stdin follows and ends the supervisor.
func (o *output) send(m message) {
	o.mu.Lock()
	defer o.mu.Unlock()
	_ = o.encoder.Encode(m)
}

// answer sends the result of a request that began at start.
func (o *output) answer(id json.RawMessage, start time.Time, result message, err error) {
	m := message{"id": nil, "ok": err == nil}
	if len(id) > 0 {
		m["id"] = id
	}
	if err != nil {
		m["error"] = sentence(err)
	} else {
		m["seconds"] = seconds(time.Since(start))
		for key, value := range result {
			m[key] = value
		}
	}
	o.send(m)
}

// seconds rounds to milliseconds, which is all a reader of the protocol can use.
func seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }

// sentence is the text of err in one line.
func sentence(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
