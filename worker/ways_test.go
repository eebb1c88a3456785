package worker_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/worker/upstream"
)

// TestWaysOfAnAnalysis plays the analysis of the examples in virtual time, against providers that allow 40 calls a second, with a burst of 40,
// and answer within 50 to 300 ms. One call after the other is slow. All calls of a phase at once are refused. A pipeline within the budget is
// neither.
func TestWaysOfAnAnalysis(t *testing.T) {
	took := map[string]time.Duration{}
	for _, way := range []struct {
		name    string
		analyze analysisFunc
		weir    bool
		events  int // the client sees; -1 for any number
		refused bool
		least   int // requests at the same time
		most    int
	}{
		{"one call after the other", analyzeBefore, false, 8, false, 1, 1},
		{"a phase at once, unlimited", analyzePipelined, false, -1, true, 11, 50},
		{"pipelined, within the budget", analyzePipelined, true, 8, false, 10, 10},
	} {
		t.Run(way.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, err := newStage(upstream.Default(), way.weir)
				if err != nil {
					t.Fatal(err)
				}
				defer s.close(context.WithoutCancel(t.Context()))
				stream, began := newProgress(), time.Now()
				failed := make(chan error, 1)
				go func() {
					defer stream.end()
					failed <- way.analyze(t.Context(), s, stream, queries())
				}()
				events, next := 0, stream.follow()
				for {
					if _, err := next(t.Context()); err != nil {
						break
					}
					events++
				}
				err = <-failed
				stats := s.provider.Stats()
				took[way.name] = time.Since(began)
				t.Logf("%-30s %d requests, %2d refused, %2d at the same time, %d events, %v", way.name, stats.Total, stats.Refused, s.sideBySide(), events, took[way.name].Round(time.Millisecond))
				beside := s.sideBySide()
				if (stats.Refused > 0) != way.refused || (err != nil) != way.refused || beside < way.least || beside > way.most || way.events >= 0 && events != way.events || stats.Total != 55 {
					t.Errorf("%v; want refusals: %t, %d to %d requests at the same time, %d events", err, way.refused, way.least, way.most, way.events)
				}
			})
		})
	}
	if slow, quick := took["one call after the other"], took["pipelined, within the budget"]; quick*5 > slow {
		t.Errorf("pipelined the analysis takes %v, and %v one call after the other: want a fifth or less", quick, slow)
	}
}
