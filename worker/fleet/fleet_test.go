package fleet_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter/limitertest"
	"github.com/weir-go/weir/worker/fleet"
)

func TestReplicasAreSeenLostAndGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rdb := limitertest.Redis(t)
		pending := 7
		run := func(id string) (stop func()) {
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan struct{})
			p := &fleet.Publisher{
				Redis: rdb, Namespace: "weir", Logger: slog.New(slog.DiscardHandler),
				Look: func() fleet.Replica { return fleet.Replica{ID: id, Pending: pending} },
			}
			go func() {
				defer close(ended)
				if err := p.Run(ctx); err != nil {
					t.Error(err)
				}
			}()
			return func() { cancel(); <-ended }
		}
		read := func() []fleet.Seen {
			t.Helper()
			seen, err := fleet.Read(t.Context(), rdb, "weir")
			if err != nil {
				t.Fatal(err)
			}
			return seen
		}
		if seen := read(); len(seen) != 0 {
			t.Errorf("before anybody came: %+v", seen)
		}
		stopA := run("a")
		stopB := run("b")
		time.Sleep(5 * time.Second)
		seen := read()
		if len(seen) != 2 || seen[0].Pending != 7 || seen[0].Lost || seen[0].Age > fleet.Interval {
			t.Fatalf("two replicas: %+v", seen)
		}

		stopA() // an orderly end
		if seen := read(); len(seen) != 1 || seen[0].ID != "b" {
			t.Errorf("after a left: %+v", seen)
		}

		m.SetError("LOADING") // b goes silent
		time.Sleep(30 * time.Second)
		m.SetError("")
		// Within the interval b has not spoken again.
		if seen := read(); len(seen) != 1 || !seen[0].Lost || seen[0].Age < 28*time.Second {
			t.Errorf("a silent replica: %+v", seen)
		}
		time.Sleep(fleet.Interval)
		if seen := read(); len(seen) != 1 || seen[0].Lost {
			t.Errorf("a replica that is back: %+v", seen)
		}
		stopB()
	})
}
