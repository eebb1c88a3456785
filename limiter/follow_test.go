package limiter_test

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/upstream"
)

// following is a fleet whose provider has another limit than the configured one of 40 a second.
type following struct {
	name     string
	length   time.Duration
	total    upstream.Limit    // of the provider; the burst of a bucket is random
	schedule []upstream.Change // of the same kind
	strays   float64           // share of the calls that the provider refuses for no reason
	stranger *upstream.Strangers
	overload time.Duration // from 20 s on every call fails for this long
	headers  bool          // answers contain what remains
	learn    bool          // the fleet does not know the limit
	sure     bool          // refusals have a Retry-After of a second
	measures []measured
}

// measured is a number of a run, and its mark. If the fleet is known to miss the mark, the test asserts holds instead.
type measured struct {
	name  string
	most  bool // the number must not exceed the mark
	of    func(r *followed) float64
	mark  float64
	holds float64
}

func (m measured) mean(runs []followed) (mean float64) {
	for i := range runs {
		mean += m.of(&runs[i]) / float64(len(runs))
	}
	return mean
}

// held reports whether the runs keep the asserted number.
func (m measured) held(runs []followed) bool {
	mean := m.mean(runs)
	return (mean > m.holds) != m.most || mean == m.holds
}

// followed has the calls of a run, by the time at which they were sent.
type followed struct{ calls []answered }

type answered struct {
	at time.Duration
	ok bool
}

// between returns how many calls were sent from a to b, in seconds, and how many of them were refused.
func (r *followed) between(a, b float64) (sent, refused float64) {
	for _, c := range r.calls {
		if s := c.at.Seconds(); a <= s && s < b {
			sent++
			if !c.ok {
				refused++
			}
		}
	}
	return sent, refused
}

// served measures the accepted calls a second.
func served(name string, a, b, mark, holds float64) measured {
	return measured{name, false, func(r *followed) float64 { sent, refused := r.between(a, b); return (sent - refused) / (b - a) }, mark, holds}
}

// best measures the accepted calls of the best second.
func best(name string, a, b int, mark, holds float64) measured {
	return measured{name, false, func(r *followed) float64 {
		most := 0.0
		for s := a; s < b; s++ {
			sent, refused := r.between(float64(s), float64(s+1))
			most = max(most, sent-refused)
		}
		return most
	}, mark, holds}
}

// denied measures the share of refused calls, in per cent.
func denied(a, b, mark, holds float64) measured {
	return measured{"refused, %", true, func(r *followed) float64 { sent, refused := r.between(a, b); return 100 * refused / max(1, sent) }, mark, holds}
}

func rate(n float64) upstream.Limit { return upstream.Limit{Rate: n, Burst: int64(n)} }

func window(n int, fixed bool) upstream.Limit {
	return upstream.Limit{Window: upstream.Window{N: n, Per: time.Second, Fixed: fixed}}
}

func followings() []following {
	fall := func(low, back upstream.Limit) []upstream.Change {
		return []upstream.Change{{At: 20 * time.Second, Limit: low}, {At: 40 * time.Second, Limit: back}}
	}
	return []following{
		{name: "25, bucket", length: 40 * time.Second, total: rate(25), measures: []measured{
			served("served a second", 10, 40, 0.95*25, 0.95*25), denied(10, 40, 2, 2.9),
		}},
		{name: "25, fixed window", length: 40 * time.Second, total: window(25, true), measures: []measured{
			served("served a second", 10, 40, 0.93*25, 0.9*25), denied(10, 40, 3, 3.5),
		}},
		{name: "25, sliding window", length: 40 * time.Second, total: window(25, false), measures: []measured{
			served("served a second", 10, 40, 0.90*25, 0.85*25), denied(10, 40, 3, 3.8),
		}},
		{name: "25, bucket, headers", length: 40 * time.Second, total: rate(25), headers: true, measures: []measured{
			served("served a second", 10, 40, 0.95*25, 0.9*25), denied(10, 40, 1, 1),
		}},
		{name: "25, bucket, Retry-After", length: 40 * time.Second, total: rate(25), sure: true, measures: []measured{
			served("served a second", 10, 40, 0.95*25, 0.8*25), denied(10, 40, 2, 3.5),
		}},
		{name: "40, 15 for 20 s, 40", length: 60 * time.Second, total: rate(40), schedule: fall(rate(15), rate(40)), measures: []measured{
			served("served a second from 3 s on", 23, 40, 13.5, 13.5), denied(23, 40, 5, 5.5), best("served within 10 s", 40, 50, 36, 30),
		}},
		{name: "1 % strays", length: 60 * time.Second, total: rate(100), strays: 0.01, measures: []measured{
			served("served a second", 5, 60, 36, 33),
		}},
		{
			name: "a stranger takes half", length: 60 * time.Second, total: rate(40), stranger: &upstream.Strangers{API: upstream.LastFM, Rate: 20, From: 20 * time.Second},
			measures: []measured{served("served a second", 25, 60, 15, 15), denied(25, 60, 5, 5.5)},
		},
		{
			name: "a stranger takes half, headers", length: 60 * time.Second, total: rate(40), headers: true,
			stranger: &upstream.Strangers{API: upstream.LastFM, Rate: 20, From: 20 * time.Second},
			measures: []measured{served("served a second", 25, 60, 15, 14), denied(25, 60, 1, 2.5)},
		},
		{name: "nothing configured", length: 40 * time.Second, total: rate(25), learn: true, measures: []measured{
			served("served a second", 10, 30, 0.95*25, 0.9*25), denied(10, 30, 3, 4),
		}},
		{name: "nothing configured, headers", length: 40 * time.Second, total: rate(25), learn: true, headers: true, measures: []measured{
			served("served a second", 5, 25, 0.95*25, 0.9*25), denied(5, 25, 1, 1),
		}},
		{name: "529 for 30 s", length: 65 * time.Second, total: rate(100), overload: 30 * time.Second, measures: []measured{
			{"sent a second meanwhile", true, func(r *followed) float64 { sent, _ := r.between(20, 50); return sent / 30 }, 3, 5},
			best("served within 8 s", 50, 58, 36, 36),
		}},
	}
}

// TestFleetFollowsItsProvider prints the numbers of fleets in virtual time whose provider serves less than configured. It asserts the
// mean of the seeds: of one seed, and if that misses, of four.
func TestFleetFollowsItsProvider(t *testing.T) {
	seeds, more := 1, 4
	if *full {
		seeds, more = 12, 12
	}
	for i, f := range followings() {
		if every := few(4, 1); i%every != every/4 {
			continue
		}
		t.Run(strings.ReplaceAll(f.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			var runs []followed
			play := func(seeds int) {
				for seed := len(runs); seed < seeds; seed++ {
					synctest.Test(t, func(t *testing.T) { runs = append(runs, f.run(t, uint64(seed))) }) //nolint:gosec // few
				}
			}
			play(seeds)
			if slices.ContainsFunc(f.measures, func(m measured) bool { return !m.held(runs) }) {
				play(more)
			}
			for _, m := range f.measures {
				mean, worst := m.mean(runs), m.of(&runs[0])
				for i := range runs {
					if x := m.of(&runs[i]); m.most == (x > worst) {
						worst = x
					}
				}
				missed := ""
				if (mean > m.mark) == m.most && mean != m.mark {
					missed = "  MISSED"
				}
				t.Logf("%-32s %-28s mean %6.2f, worst %6.2f, mark %5.2f%s", f.name, m.name, mean, worst, m.mark, missed)
				if !m.held(runs) {
					t.Errorf("%s: %.2f in the mean of %d runs, want %.2f", m.name, mean, len(runs), m.holds)
				}
			}
		})
	}
}

func (f following) run(t *testing.T, seed uint64) followed {
	replicas := 8
	if !*full {
		replicas = 4
	}
	config := limiter.SingleBucket("provider", limiter.PerSecond(40, 40))
	if f.learn {
		config = limiter.Config{Learn: map[string]limiter.Learn{"provider": {}}}
	}
	c := newRedisFleet(t, replicas, config)
	defer c.close(t)
	rnd := rand.New(rand.NewPCG(seed, 7))
	cfg := upstream.Config{Total: f.total, Schedule: f.schedule, Seed: seed}
	if f.total.Burst > 0 {
		stretch := []float64{0.4, 1, 2}[seed%3]
		cfg.Total.Burst = max(1, int64(float64(cfg.Total.Burst)*stretch))
	}
	if f.stranger != nil {
		cfg.Strangers = []upstream.Strangers{*f.stranger}
	}
	judge, err := upstream.NewJudge(cfg)
	if err != nil {
		t.Fatal(err)
	}
	latency := time.Duration(20*math.Exp(rnd.Float64()*math.Log(40))) * time.Millisecond // 20 to 800 ms
	begun := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), f.length)
	defer cancel()
	var mu sync.Mutex // guards the provider, the random source and the result
	var r followed
	var all sync.WaitGroup
	trip := func() time.Duration {
		return 10*time.Millisecond + time.Duration(rnd.Int64N(int64(40*time.Millisecond)))
	}
	call := func(l *limiter.Limiter) {
		for ctx.Err() == nil {
			reservation, err := l.Reserve(ctx, "provider")
			if err != nil {
				return
			}
			time.Sleep(reservation.Delay())
			if !reservation.Use("provider") {
				continue
			}
			at := time.Since(begun)
			mu.Lock()
			there := trip()
			mu.Unlock()
			time.Sleep(there)
			mu.Lock()
			now := time.Since(begun)
			broken := f.overload > 0 && now >= 20*time.Second && now < 20*time.Second+f.overload
			ok := !broken && judge.Arrive(upstream.LastFM, now, upstream.Call{}).OK && rnd.Float64() >= f.strays
			var left []upstream.State
			if f.headers {
				left = judge.Remaining(upstream.LastFM, now)
			}
			r.calls = append(r.calls, answered{at, ok})
			back := trip() + time.Duration(float64(latency)*(0.5+rnd.Float64()))
			mu.Unlock()
			time.Sleep(back)
			for _, s := range left {
				report(ctx, t, reservation, limiter.Remaining{Limit: s.Limit, Left: s.Remaining, Per: s.Per})
			}
			switch {
			case broken:
				report(ctx, t, reservation, limiter.Overloaded{})
			case !ok && f.sure:
				report(ctx, t, reservation, limiter.Throttled{RetryAfter: time.Second})
			case !ok:
				report(ctx, t, reservation, limiter.Throttled{})
			}
		}
	}
	for _, l := range c.fleet {
		for range 96 / replicas {
			all.Go(func() { call(l) })
		}
	}
	all.Wait()
	return r
}

func report(ctx context.Context, t *testing.T, r *limiter.Reservation, what limiter.Report) {
	if err := r.Report(context.WithoutCancel(ctx), what); err != nil {
		t.Error(err)
	}
}
