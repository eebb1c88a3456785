package tui

import (
	"strings"
	"testing"
	"time"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
)

// TestRecordedEvents checks that each event of operators appears once, in the order of time, even if it is older than the view.
func TestRecordedEvents(t *testing.T) {
	m := watching(120, 30)
	at := func(s int, what string) report.Event {
		return report.Event{At: began.Add(time.Duration(s) * time.Second), Of: "bucket global", What: what, By: "kim@bastion"}
	}
	early, pause, resume := at(-3600, "resumed long ago"), at(61, "paused for 1h0m0s"), at(63, "resumed")
	for i, events := range [][]report.Event{{early}, {early}, {pause, early}, {resume, pause, early}, {resume, pause, early}, nil} {
		f := reading(shop(62+2*i), "")
		f.events = events
		m.take(f)
	}
	press(m, "6")
	got := frame(m)
	for _, what := range []string{"resumed long ago, by kim@bastion", "paused for 1h0m0s, by kim@bastion", "  resumed, by kim@bastion"} {
		if strings.Count(got, what) != 1 {
			t.Errorf("%q is there %d times", what, strings.Count(got, what))
		}
	}
	if strings.Index(got, "resumed, by") > strings.Index(got, "paused for") || strings.Index(got, "paused for") > strings.Index(got, "starts: ") || strings.Index(got, "starts: ") > strings.Index(got, "long ago") {
		t.Errorf("not newest first:\n%s", got)
	}
}
