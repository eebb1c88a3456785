package limiter

import (
	"context"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/limiter/internal/adapt"
	"github.com/weir-go/weir/limiter/internal/bucket"
	"github.com/weir-go/weir/lua"
)

// ReadPosition is [Limiter.Where] for readers outside the fleet. It returns when a call of one token would start if it
// came now and passed the given configured buckets of a namespace, narrowest first. It assumes that the fleet has the
// default horizon, and costs Redis two pipelines without a script. It leaves out buckets in shadow mode, and does not
// know whether the whole fleet is in shadow mode. Errors wrap [ErrUnavailable], except two: the error that names a
// bucket which the namespace does not have, and the error that reports that another version of the project has written
// the namespace.
func ReadPosition(ctx context.Context, rdb redis.UniversalClient, namespace string, buckets ...string) (Position, error) {
	keys := lua.Keys(namespace)
	first, err := lua.Read(ctx, rdb, keys, nil)
	if err != nil {
		return Position{}, fmt.Errorf("%w: reading namespace %s: %w", ErrUnavailable, namespace, err)
	}
	if err := first.Check(); err != nil {
		return Position{}, fmt.Errorf("limiter: reading namespace %s: %w", namespace, err)
	}
	var limits []bound
	var of []int
	for i, name := range buckets {
		some := levelsOf(first, name)
		if len(some) == 0 {
			return Position{}, fmt.Errorf("limiter: namespace %s has no bucket %q", namespace, name)
		}
		if slices.Contains(first.Shadowed(), name) {
			continue
		}
		for _, b := range some {
			limits, of = append(limits, b), append(of, i)
		}
	}
	args := make([]lua.Limit, len(limits))
	for i, b := range limits {
		args[i] = b.args()
	}
	r, err := lua.Read(ctx, rdb, keys, args)
	if err != nil {
		return Position{}, fmt.Errorf("%w: reading namespace %s: %w", ErrUnavailable, namespace, err)
	}
	horizon := DefaultHorizon.Microseconds()
	v := viewOf(r, limits, horizon)
	p := Position{}
	if len(limits) == 0 {
		return p, nil
	}
	q := bucket.Request{Lane: "{look}", Now: v.now, Horizon: horizon, Asks: []bucket.Ask{{N: 1, Cost: []int64{1}, Patience: -1}}} // a brace is in no name
	v.place(&p, &q, of, func(name string) bool { return disputedIn(r, name) })
	return p, nil
}

// levelsOf returns the limits of a bucket in a reading, narrowest first.
func levelsOf(r *lua.Reading, name string) (limits []bound) {
	for _, l := range r.Levels {
		if l.Field.Bucket != name {
			continue
		}
		b := boundOf(l.Limit)
		s, ok := adapt.Parse(l.Learnt, adapt.Limit{Tokens: l.Tokens, Per: l.PerUS, Burst: l.Burst, Start: 1}, r.OwnUS)
		if ok && s.Seen > 0 { // the limit is unknown
			b.start = 1
		}
		limits = append(limits, b)
	}
	narrowestFirst(limits)
	return limits
}

// disputedIn reports whether live replicas were configured with different limits of a bucket.
func disputedIn(r *lua.Reading, name string) bool {
	texts := map[string]bool{}
	for _, w := range r.Wishes {
		if w.Age > wishesLive {
			continue
		}
		if text, ok := describe(w.Limits, map[string][]Limit{})[name]; ok {
			texts[text] = true
		}
	}
	return len(texts) > 1
}
