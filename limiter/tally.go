package limiter

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/weir-go/weir/limiter/internal/lane"
)

const (
	attrOutcome = attribute.Key("weir.bucket.outcome") // of tokens: taken, returned, lost, settled
	attrPer     = attribute.Key("weir.limit.per")      // the duration of a limit, as text
)

// sampleEvery is the period over which utilization is measured.
const sampleEvery = 10 * time.Second

// tallies count, for each configured bucket, the tokens of this process.
type tallies struct {
	of map[string]*lane.Tally // fixed

	mu      sync.Mutex
	samples map[string]sample
}

// sample is what a bucket had counted at a time, and its utilization before that.
type sample struct {
	at   time.Time
	used int64
	was  float64
}

func newTallies(s settings) *tallies {
	t := &tallies{of: map[string]*lane.Tally{}, samples: map[string]sample{}}
	now := time.Now()
	for name := range s.Buckets {
		t.of[name] = &lane.Tally{}
		t.samples[name] = sample{at: now}
	}
	return t
}

// utilization returns the tokens that this process has used of a bucket in the last full ten seconds, as a part of what
// a rate gives.
func (t *tallies) utilization(name string, rate float64, now time.Time) float64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.samples[name]
	if passed := now.Sub(s.at); passed >= sampleEvery {
		c := t.of[name]
		used := c.Used()
		s = sample{now, used, max(0, float64(used-s.used)) / (rate * passed.Seconds())}
		t.samples[name] = s
	}
	return s.was
}

// refused counts a call that the provider of a bucket refused.
func (t *tallies) refused(bucket string) {
	if c := t.of[bucket]; c != nil {
		c.Refused.Add(1)
	}
}

// delayed counts a call that a bucket in shadow mode would not have let start at once.
func (t *tallies) delayed(p *passed, o lane.Outcome, err error) {
	bucket := ""
	switch e := err.(type) { //nolint:errorlint // never wrapped
	case *lane.TooLargeError:
		bucket = e.Bucket
	default:
		if err == lane.ErrNotNow && o.Bound >= 0 && o.Bound < len(p.limits) { //nolint:errorlint // never wrapped
			bucket = p.limits[o.Bound].bucket
		}
	}
	if c := t.of[bucket]; c != nil {
		c.Delayed.Add(1)
	}
}

// observe registers the metrics of buckets, until the limiter ends.
func (l *Limiter) observe() error {
	t := l.telemetry
	r, err := t.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		l.mu.RLock()
		conf := l.conf.limits
		lanes := slices.Collect(maps.Values(l.lanes))
		l.mu.RUnlock()
		waiting := map[string]int64{}
		for _, n := range lanes {
			if tokens := n.Waiting(); tokens > 0 {
				buckets := map[string]bool{}
				for _, limit := range n.Route().Limits {
					if !buckets[limit.Bucket] {
						waiting[limit.Bucket] += tokens
					}
					buckets[limit.Bucket] = true
				}
			}
		}
		now := time.Now()
		for name, c := range l.tallies.of {
			bucket := attrBucket.String(name)
			narrowest := 0.0
			for _, b := range conf[name] {
				if rate := b.limit.Rate(); narrowest == 0 || rate < narrowest {
					narrowest = rate
				}
				o.ObserveFloat64(t.limit, b.limit.Rate(), metric.WithAttributes(bucket, attrPer.String(b.limit.Per.String())))
			}
			if narrowest > 0 {
				o.ObserveFloat64(t.utilization, l.tallies.utilization(name, narrowest, now), metric.WithAttributes(bucket))
			}
			o.ObserveInt64(t.waiting, waiting[name], metric.WithAttributes(bucket))
			for outcome, n := range map[string]int64{"taken": c.Taken.Load(), "returned": c.Returned.Load(), "lost": c.Lost.Load(), "settled": c.Settled.Load()} {
				o.ObserveInt64(t.tokens, n, metric.WithAttributes(bucket, attrOutcome.String(outcome)))
			}
		}
		return nil
	}, t.limit, t.utilization, t.tokens, t.waiting)
	l.observing = r
	return err
}
