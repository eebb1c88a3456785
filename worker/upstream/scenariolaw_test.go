package upstream_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weir-go/weir/worker/upstream"
)

// era is a time in which a limit is in force, up to the next one.
type era struct {
	from  time.Duration
	limit upstream.Limit
}

// tight reports whether one more call at now would break a limit that changes. A bucket breaks if the calls in any
// window exceed the burst at its beginning and the refill since, each rate for as long as it was in force.
func tight(eras []era, calls []time.Duration, now time.Duration) bool {
	in := eras[0]
	for _, e := range eras {
		if e.from <= now {
			in = e
		}
	}
	if w := in.limit.Window; w.N != 0 {
		n := 0
		for _, at := range calls {
			if w.Fixed && at/w.Per == now/w.Per || !w.Fixed && at > now-w.Per {
				n++
			}
		}
		return n >= w.N
	}

	over := func(from time.Duration, burst int64) bool {
		n := int64(1)
		for _, at := range calls {
			if at >= from {
				n++
			}
		}
		refill := int64(0) // in 10⁻¹² of a token
		for i, e := range eras {
			until := now
			if i+1 < len(eras) {
				until = min(now, eras[i+1].from)
			}
			refill += int64(max(0, until-max(from, e.from))) * int64(e.limit.Rate*1000+0.5)
		}
		return n*1e12 > burst*1e12+refill
	}
	if over(now+1, in.limit.Burst) {
		return true
	}
	for i, e := range eras {
		// A window may begin with the era, or end with it: then it begins just before the next one.
		ends := now + 1
		if i+1 < len(eras) {
			ends = eras[i+1].from
		}
		if e.from <= now && over(e.from, e.limit.Burst) || ends <= now && over(ends, e.limit.Burst) {
			return true
		}
		for _, at := range calls {
			if e.from <= at && at < ends && over(at, e.limit.Burst) {
				return true
			}
		}
	}
	return false
}

// drawEras draws a limit that changes twice and stays of its kind.
func drawEras(t *rapid.T) (eras []era) {
	kind := rapid.IntRange(0, 2).Draw(t, "kind")
	per := time.Duration(rapid.Int64Range(1, int64(time.Second)).Draw(t, "window length"))
	var from time.Duration
	for range 3 {
		e := era{from: from}
		if kind == 0 {
			e.limit = upstream.Limit{
				Rate:  float64(rapid.Int64Range(1, 100_000).Draw(t, "rate in thousandths")) / 1000,
				Burst: rapid.Int64Range(1, 12).Draw(t, "burst"),
			}
		} else {
			e.limit.Window = upstream.Window{N: rapid.IntRange(1, 12).Draw(t, "window count"), Per: per, Fixed: kind == 2}
		}
		eras = append(eras, e)
		from += time.Duration(rapid.Int64Range(1, int64(3*time.Second)).Draw(t, "era"))
	}
	return eras
}

// TestScenarioKeepsTheLaw holds every verdict against a limit that changes twice and is shared with strangers, whose
// calls the test judges itself.
func TestScenarioKeepsTheLaw(t *testing.T) {
	var accepted, refused int
	rapid.Check(t, func(t *rapid.T) {
		eras := drawEras(t)
		cfg := upstream.Config{Total: eras[0].limit, Schedule: []upstream.Change{
			{At: eras[1].from, Limit: eras[1].limit}, {At: eras[2].from, Limit: eras[2].limit},
		}}
		milli := rapid.Int64Range(1, 20_000).Draw(t, "strangers a thousand seconds")
		others := upstream.Strangers{
			API: upstream.Spotify, Rate: float64(milli) / 1000, From: time.Duration(rapid.Int64Range(0, int64(time.Second)).Draw(t, "strangers from")),
		}
		others.To = others.From + time.Duration(rapid.Int64Range(1, int64(5*time.Second)).Draw(t, "strangers for"))
		cfg.Strangers = []upstream.Strangers{others}
		j, err := upstream.NewJudge(cfg)
		if err != nil {
			t.Fatal(err)
		}

		var (
			now   time.Duration
			calls []time.Duration
			came  int64
			want  upstream.StrangerCount
		)
		strangers := func() {
			for {
				at := others.From + time.Duration(came*1e12/milli)
				if at > now || at >= others.To {
					return
				}
				came++
				if tight(eras, calls, at) {
					want.Refused++
				} else {
					want.Accepted++
					calls = append(calls, at)
				}
			}
		}
		apis := []upstream.API{upstream.Anthropic, upstream.Spotify, upstream.LastFM}
		for range rapid.IntRange(30, 120).Draw(t, "arrivals") {
			if rapid.Bool().Draw(t, "later") {
				now += time.Duration(rapid.Int64Range(0, int64(200*ms)).Draw(t, "gap"))
			}
			strangers()
			api := rapid.SampledFrom(apis).Draw(t, "api")
			v := j.Arrive(api, now, upstream.Call{})
			if broken := tight(eras, calls, now); broken == v.OK {
				t.Fatalf("%s at %v: %+v, but accepting it breaks a limit: %t", api, now, v, broken)
			}
			if v.OK {
				accepted++
				calls = append(calls, now)
			} else {
				refused++
			}
		}
		if got := j.Strangers(upstream.Spotify, now); got != want {
			t.Fatalf("strangers %+v, want %+v", got, want)
		}
		if !slices.IsSorted(calls) {
			t.Fatal("the test plays calls out of order")
		}
	})
	t.Logf("%d calls accepted, %d refused", accepted, refused)
}
