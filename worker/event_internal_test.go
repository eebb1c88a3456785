package worker

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

// TestWhatCannotBeEncodedIsAnErrorEvent: the process does not end.
func TestWhatCannotBeEncodedIsAnErrorEvent(t *testing.T) {
	ev := event("result", "k", math.Inf(1))
	var f Failure
	if err := json.Unmarshal(ev.Data, &f); err != nil || ev.Name != "error" || ev.Key != "" || !strings.Contains(f.Error, "result cannot be encoded") {
		t.Errorf("event %+v, error %v, want an error event that names the result", ev, err)
	}
}
