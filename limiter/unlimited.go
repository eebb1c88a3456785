package limiter

import (
	"context"
	"time"

	"github.com/weir-go/weir/limiter/internal/bucket"
	"github.com/weir-go/weir/limiter/internal/lane"
)

// unlimited is a store whose buckets always have a token.
type unlimited struct {
	zero time.Time
	conf configuration
}

// NewUnlimited returns a limiter that knows the routes of a configuration and lets every call start at once. It is for
// tests of code that uses a limiter, and for switching a limiter off. Costs above a burst and unknown routes are still
// errors.
func NewUnlimited(cfg Config) (*Limiter, error) {
	s, err := cfg.settings()
	if err != nil {
		return nil, err
	}
	l, err := newLimiter(s, func(*telemetry) store {
		return unlimited{time.Now(), configuration{version: 1, live: 1, limits: byBucket(s.wanted)}}
	})
	if err != nil {
		return nil, err
	}
	return l, l.begin(l.life)
}

func (u unlimited) shared() bool           { return false }
func (u unlimited) line(string) lane.Store { return u }
func (u unlimited) forget([]string)        {}

// Reserve grants everything.
func (u unlimited) Reserve(r *lane.Route, q *lane.Request) error {
	q.Now, q.ComeBack, q.Answers = time.Since(u.zero).Microseconds(), -1, q.Answers[:0]
	q.Left = q.Left[:0]
	for _, l := range r.Limits {
		q.Left = append(q.Left, l.Burst)
	}
	for _, k := range q.Asks {
		q.Answers = append(q.Answers, bucket.Answer{N: k.N, Verdict: bucket.Reserved, Bound: -1})
	}
	return nil
}

func (u unlimited) configure(context.Context, []change, bool) (configuration, error) {
	return u.conf, nil
}

func (u unlimited) look(_ context.Context, limits []bound) (*view, error) {
	v := &view{now: time.Since(u.zero).Microseconds(), ending: make([]int64, len(limits))}
	for _, b := range limits {
		v.enter(bucket.New(b.core()), b)
	}
	return v, nil
}

func (u unlimited) snapshot(context.Context) (Snapshot, error) { return Snapshot{At: time.Now()}, nil }
