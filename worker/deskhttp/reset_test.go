package deskhttp_test

import (
	"context"
	"net/http"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/weir-go/weir/worker/desk"
	"github.com/weir-go/weir/worker/sse"
)

// TestReadersThatResetLeaveNothing: 500 readers of an analysis reset their connections in the middle of its events. Another reader gets all
// events, and no goroutine of the 500 is left.
func TestReadersThatResetLeaveNothing(t *testing.T) {
	const readers, events = 500, 100
	halfway, begin, goOn := make(chan struct{}), make(chan struct{}), make(chan struct{})
	work := func(ctx context.Context, report func(sse.Event) error) []sse.Event {
		for i := range events {
			switch i {
			case 0:
				<-begin
			case events / 2:
				close(halfway)
				<-goOn
			}
			if err := report(stamped(1_000)); err != nil {
				return failed(err)
			}
		}
		return []sse.Event{{Name: "done"}}
	}
	plainProtocols(t, desk.Config{Name: "r", Last: failed, Grace: 100 * time.Millisecond}, work, func(t *testing.T, s *plainServer) {
		halfway, begin, goOn = make(chan struct{}), make(chan struct{}), make(chan struct{})
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.addr+"/start", nil)
		must(t, err)
		healthy, err := s.client.Do(req)
		must(t, err)
		defer healthy.Body.Close()
		before := runtime.NumGoroutine()
		s.stall(t, healthy.Header.Get("Location")+"/events", readers)
		if n := s.desk.Counts().Readers; n != readers+1 {
			t.Fatalf("%d readers, want %d", n, readers+1)
		}
		close(begin)
		<-halfway
		for _, c := range s.dialed {
			must(t, c.SetLinger(0))
			must(t, c.Close())
		}
		limit := time.Now().Add(30 * time.Second)
		for s.desk.Counts().Readers > 1 || runtime.NumGoroutine() > before+5 {
			if time.Now().After(limit) {
				t.Fatalf("%d readers and %d goroutines are left, %d were there before", s.desk.Counts().Readers, runtime.NumGoroutine(), before)
			}
			runtime.Gosched()
		}
		close(goOn)
		late, err := delays(healthy.Body)
		must(t, err)
		if len(late) != events {
			t.Fatalf("the reader beside them had %d events of %d", len(late), events)
		}
		t.Logf("%d readers had reset; the one beside them had each event after at most %v, and %d goroutines were there as before", readers, slices.Max(late), before)
	})
}
