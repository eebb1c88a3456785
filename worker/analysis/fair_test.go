package analysis_test

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/worker/upstream"
)

// TestShortAnalysesBesideALongOne: ten playlists of five tracks, one after the other, beside one of 600 tracks. Each takes at most three
// times what it takes alone, both from an empty bucket, in virtual time.
func TestShortAnalysesBesideALongOne(t *testing.T) {
	const long, short, repeats, most = 600, 5, 10, 3.0
	calm := func(cfg *upstream.Config) { cfg.Failures, cfg.Overloaded = 0, 0 }
	// empty takes all tokens of the bucket.
	empty := func(t *testing.T, s site) {
		t.Helper()
		for {
			ok, err := s.limiter.Allow(t.Context(), "lastfm")
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				return
			}
		}
	}
	analyze := func(t *testing.T, s site, tracksOf int) time.Duration {
		t.Helper()
		began := time.Now()
		if got, err := s.Analyze(t.Context(), tracks(tracksOf), nil); err != nil || got.Failed != 0 {
			t.Errorf("%d tracks: error %v, result %+v", tracksOf, err, got)
		}
		return time.Since(began)
	}

	var alone time.Duration
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, simulator(t, calm))
		empty(t, s)
		alone = analyze(t, s, short)
	})
	var beside []float64
	var longTook time.Duration
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, simulator(t, calm))
		empty(t, s)
		var work sync.WaitGroup
		var over atomic.Bool
		work.Go(func() {
			longTook = analyze(t, s, long)
			over.Store(true)
		})
		time.Sleep(time.Second) // the long one has asked its first question
		for range repeats {
			if over.Load() {
				t.Fatal("the long analysis has ended before the last of the short ones began")
			}
			beside = append(beside, analyze(t, s, short).Seconds()/alone.Seconds())
		}
		work.Wait()
	})
	t.Logf("alone %v; beside one of %d tracks, which took %v, times that: %.2f; the longest %.2f", alone, long, longTook, beside, slices.Max(beside))
	if slices.Max(beside) > most {
		t.Errorf("a short analysis took %.2f times its time alone, want %v at most", slices.Max(beside), most)
	}
}
