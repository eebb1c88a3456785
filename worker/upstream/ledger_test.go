package upstream_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/weir-go/weir/worker/upstream"
)

// TestLedgerCounts compares the worst second and the bins with a count over all pairs.
func TestLedgerCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l upstream.Ledger
		at := time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "first"))
		var all []time.Duration
		for range rapid.IntRange(1, 60).Draw(t, "arrivals") {
			l.Add(at)
			all = append(all, at)
			at += rapid.SampledFrom([]time.Duration{0, 1, 7 * ms, 100 * ms, 250 * ms, time.Second - 1, time.Second, time.Second + 1}).Draw(t, "gap")
		}
		var worst int64
		bins := []int64{}
		for _, from := range all {
			n := int64(0)
			for _, other := range all {
				if other >= from && other < from+time.Second {
					n++
				}
			}
			worst = max(worst, n)
			for int64(len(bins)) <= int64((from-all[0])/(100*ms)) {
				bins = append(bins, 0)
			}
			bins[(from-all[0])/(100*ms)]++
		}
		if l.Worst() != worst {
			t.Fatalf("worst second %d, want %d of %v", l.Worst(), worst, all)
		}
		if diff := cmp.Diff(bins, l.Bins()); diff != "" {
			t.Fatalf("bins (-want +got):\n%s", diff)
		}
	})
}

// TestLedgerIsBounded sends more arrivals than the ledger keeps, over more than the hour that it plots.
func TestLedgerIsBounded(t *testing.T) {
	const n, gap = upstream.KeptArrivals + 1000, 10 * ms // 87 minutes, 100 a second
	var l upstream.Ledger
	for i := range n {
		l.Add(time.Duration(i) * gap)
	}
	kept := l.Kept()
	if len(kept) != upstream.KeptArrivals {
		t.Fatalf("%d arrivals kept, want %d", len(kept), upstream.KeptArrivals)
	}
	for i, a := range kept {
		if want := time.Duration(i+1000) * gap; a.At != want {
			t.Fatalf("kept arrival %d is of %v, want %v", i, a.At, want)
		}
	}
	if l.Worst() != 100 {
		t.Errorf("worst second %d, want 100", l.Worst())
	}
	if got := len(l.Bins()); got != 36_000 {
		t.Errorf("%d bins, want an hour of them", got)
	}
}
