package limiter

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/limiter/internal/adapt"
	"github.com/weir-go/weir/lua"
)

// Snapshot is the state of the buckets of a namespace at one moment of its clock.
type Snapshot struct {
	At      time.Time        // of the store's clock
	Epoch   string           // "" if nobody has used the namespace, and for memory
	Grants  int64            // reservations granted in this epoch
	Version int64            // of the configuration in force
	Live    int              // replicas that were announced lately
	Buckets []BucketSnapshot // by name; those made at run time are left out
}

// BucketSnapshot is one limit of one bucket.
type BucketSnapshot struct {
	Bucket string
	Limit  Limit
	Tokens float64 // in the bucket, 0 to burst; of a window in Redis the starts that it counts are not taken off
	Debt   float64 // reservations granted ahead of refill, and tokens that come during a short hold
	// Waiting is the tokens that the lanes in line wait for.
	Waiting float64
	// Served is the part of the limit's rate at which calls start now, 0 to 1. It is below 1 if the provider has
	// refused calls or reported that little is left.
	Served float64
	// Set is whether the limit was set at run time, for the whole fleet.
	Set bool
	// Shadowed is whether the bucket is in shadow mode and delays nobody: see [Limiter.ShadowBucket].
	Shadowed bool
	// PausedFor is how long the bucket stays closed; [UntilResumed] if it waits for somebody to resume it.
	PausedFor time.Duration
	// HeldBy is the replica whose provider asked to wait until then, and HeldSince when, on that replica's clock; "" if
	// somebody paused the bucket. Holds of up to [PromptHold] are not here, nor in PausedFor:
	// they show as Debt, and [Limiter.Where] names them.
	HeldBy    string
	HeldSince time.Time
	// Wanted are the limits that live replicas were configured with, if they disagree. Each has the names of at most 8
	// replicas, those that announced it last; none if it is only what replicas remember of others. The smallest of the
	// limits are in force.
	Wanted []Wanted
}

// Wanted is what some replicas were configured with.
type Wanted struct {
	Limits   []Limit
	Replicas []string
}

// UntilResumed is the length of a pause without end.
const UntilResumed = time.Duration(math.MaxInt64)

// pausedFor returns how long from now a bucket stays closed that opens at a moment, both µs of one clock.
func pausedFor(opens, now int64) time.Duration {
	switch {
	case opens-now > forever/2:
		return UntilResumed
	case opens > now:
		return time.Duration(opens-now) * time.Microsecond
	default:
		return 0
	}
}

// paused notes until when a bucket is closed.
func (b *BucketSnapshot) paused(o opening, now int64) {
	if b.PausedFor = pausedFor(o.at, now); b.PausedFor > 0 {
		b.HeldBy, b.HeldSince = o.held()
	}
}

func newBucketSnapshot(name string, l Limit, level, waiting float64) BucketSnapshot {
	return BucketSnapshot{Bucket: name, Limit: l, Tokens: max(0, level), Debt: max(0, -level), Waiting: waiting}
}

// ReadSnapshot reads the buckets of a namespace without changing anything, for readers outside the fleet. It sends
// TIME, two HGETALL and a ZRANGE in one pipeline. Errors wrap [ErrUnavailable], except the one that reports that
// another version of the project has written the namespace.
func ReadSnapshot(ctx context.Context, rdb redis.UniversalClient, namespace string) (Snapshot, error) {
	keys := lua.Keys(namespace)
	var now *redis.TimeCmd
	var fields, wanted *redis.MapStringStringCmd
	var present *redis.ZSliceCmd
	_, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		now, fields, wanted = p.Time(ctx), p.HGetAll(ctx, keys.State()), p.HGetAll(ctx, keys.Wishes())
		present = p.ZRangeWithScores(ctx, keys.Live(), 0, -1)
		return nil
	})
	if err != nil {
		return Snapshot{}, fmt.Errorf("%w: reading namespace %s: %w", ErrUnavailable, namespace, err)
	}
	state := lua.ParseState(fields.Val(), wanted.Val(), now.Val())
	if err := state.Check(); err != nil {
		return Snapshot{}, fmt.Errorf("limiter: reading namespace %s: %w", namespace, err)
	}
	s := Snapshot{At: now.Val(), Epoch: state.Epoch, Grants: state.Grants, Version: state.Version}
	for _, z := range present.Val() {
		if z.Score >= float64(state.AgedUS-wishesLive.Microseconds()) {
			s.Live++
		}
	}
	own := state.OwnAt(s.At)
	byLimits := map[string]map[string][]string{} // by bucket, its limits as text: the replicas that were configured with them
	limits := map[string][]Limit{}               // the limits of each text
	for _, w := range state.Wishes {
		if w.Age > wishesLive {
			continue
		}
		for bucket, text := range describe(w.Limits, limits) {
			if byLimits[bucket] == nil {
				byLimits[bucket] = map[string][]string{}
			}
			byLimits[bucket][text] = append(byLimits[bucket][text], w.Replicas...)
		}
	}
	set, opens, shadowed := state.Set(), state.Opens(), state.Shadowed()
	for _, l := range state.Levels {
		served := servedOf(l, own)
		b := newBucketSnapshot(l.Field.Bucket, limitOf(l.Limit), served*l.TokensAt(own), float64(l.Waiting))
		b.Served = served
		b.Set, b.Shadowed = slices.Contains(set, l.Field.Bucket), slices.Contains(shadowed, l.Field.Bucket)
		for _, o := range opens {
			if o.Bucket == l.Field.Bucket {
				b.paused(opening{o.US, o.By}, own.UnixMicro())
			}
		}
		if of := byLimits[l.Field.Bucket]; len(of) > 1 {
			for _, text := range sorted(of) {
				slices.Sort(of[text])
				b.Wanted = append(b.Wanted, Wanted{limits[text], of[text]})
			}
		}
		s.Buckets = append(s.Buckets, b)
	}
	s.sort()
	return s, nil
}

// servedOf returns the part of a limit's rate at which calls start.
func servedOf(l lua.Level, now time.Time) float64 {
	of := adapt.Limit{Tokens: l.Tokens, Per: l.PerUS, Burst: l.Burst, Start: 1}
	s, ok := adapt.Parse(l.Learnt, of, now.UnixMicro())
	if !ok {
		return 1
	}
	if s.Seen == 0 { // only unknown limits have this mark
		of.Start = 0
		s = s.Bounded(of, now.UnixMicro())
	}
	return float64(s.Factor(of, now.UnixMicro())) / adapt.Whole
}

// wishesLive is how long a wanted limit counts after its announcement.
const wishesLive = 30 * time.Second

// describe sorts limits into their buckets, as texts that can be compared. It notes the limits of each text in known.
func describe(limits []lua.Limit, known map[string][]Limit) map[string]string {
	var all []bound
	for _, l := range limits {
		all = append(all, boundOf(l))
	}
	out := map[string]string{}
	for bucket, of := range byBucket(all) {
		var plain []Limit
		for _, b := range of {
			plain = append(plain, b.limit)
		}
		text := fmt.Sprint(plain)
		known[text] = plain
		out[bucket] = text
	}
	return out
}

func (s *Snapshot) sort() {
	slices.SortFunc(s.Buckets, func(a, b BucketSnapshot) int {
		return cmp.Or(strings.Compare(a.Bucket, b.Bucket), cmp.Compare(a.Limit.Per, b.Limit.Per))
	})
}
