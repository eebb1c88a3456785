package faults

import (
	"bufio"
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/integration/faults/outcome"
)

// TestPatience: a row waits for overdue calls as long as Patience says, and counts the wait. If the time of the row is up first, the wait
// returns an error, with Patience and without it.
func TestPatience(t *testing.T) {
	for _, c := range []struct {
		name            string
		patience, limit time.Duration
		calls           int // that the row waits for, at 34 a second; only one arrives
		want            time.Duration
		givenUp         int
		err             error
	}{
		{"arrived", time.Minute, time.Hour, 1, 0, 0, nil},
		{"overdue", 20 * time.Second, time.Hour, 68, 22 * time.Second, 1, nil},
		{"a budget of a day", 20 * time.Second, time.Hour, 1_000_000, 80 * time.Second, 1, nil},
		{"no patience", 0, time.Hour, 68, time.Hour, 0, context.DeadlineExceeded},
		{"the row ends first", time.Minute, time.Second, 68, time.Second, 0, context.DeadlineExceeded},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := &World{
				Config: Config{}.filled(), program: Program{Patience: c.patience},
				Provider: &Provider{begun: time.Now(), more: make(chan struct{}), log: at(0)},
			}
			ctx, cancel := context.WithTimeout(t.Context(), c.limit)
			defer cancel()
			err := w.Await(ctx, c.calls, 0, "")
			if took := w.Provider.Now(); took != c.want || w.givenUp != c.givenUp || !errors.Is(err, c.err) {
				t.Errorf("%s: waited %v with %d waits given up, error %v, want %v, %d, %v", c.name, took, w.givenUp, err, c.want, c.givenUp, c.err)
			}
		})
	}
}

// answering returns a replica that answers each word, and appends the word to words.
func answering(t *testing.T, name string, words *[]string) *Replica {
	out, in := io.Pipe()
	r := &Replica{Name: name, words: in, reports: make(chan outcome.Report, 1)}
	t.Cleanup(func() { _ = in.Close() })
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			*words = append(*words, name+" "+lines.Text())
			r.reports <- outcome.Report{Event: "report", Replica: name}
		}
	}()
	return r
}

// TestWhoIsSentTheRate: one replica gets the new rate if the fleet shares the rate. Every replica gets it if each has its own.
func TestWhoIsSentTheRate(t *testing.T) {
	for each, want := range map[bool][]string{false: {"r1 rate 10"}, true: {"r1 rate 10", "r2 rate 10"}} {
		var got []string
		w := &World{program: Program{Each: each}, Fleet: []*Replica{answering(t, "r1", &got), answering(t, "r2", &got)}}
		if err := w.setRate(t.Context(), "rate 10"); err != nil || !slices.Equal(got, want) {
			t.Errorf("Each %v: the replicas got %q, error %v, want %q", each, got, err, want)
		}
	}
}

// TestFleetIsAsLargeAsTheRowSays: a row cannot start more replicas than its Config has. Limiters without a shared state get that number when
// they start.
func TestFleetIsAsLargeAsTheRowSays(t *testing.T) {
	w := &World{
		Config: Config{Replicas: 1, Joining: 1}.filled(), binary: "/nowhere/replica", Provider: &Provider{},
		Fleet: []*Replica{{Name: "r1"}, {Name: "r2"}, {Name: "r3", killed: true}},
	}
	_, err := w.AddAt(t.Context(), "redis://", "r4")
	if want := "the row says that there are 2 replicas, and starts another"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %q", err, want)
	}
	w.Fleet[1].killed = true
	if _, err := w.AddAt(t.Context(), "redis://", "r4"); err == nil || err.Error() == "the row says that there are 2 replicas, and starts another" {
		t.Errorf("a replica that replaces a killed one: error %v, want that its program does not exist", err)
	}
}
