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
	Epoch   string           // "" where nobody has used the namespace, and for memory
	Grants  int64            // reservations handed out in this epoch
	Version int64            // of the configuration in force
	Live    int              // replicas whose limiters have said lately that they live
	Buckets []BucketSnapshot // by name; those made at run time are left out
}

// BucketSnapshot is one limit of one bucket.
type BucketSnapshot struct {
	Bucket string
	Limit  Limit
	Tokens float64 // in the bucket, 0 to burst; of a window in Redis the starts that it counts are not taken off
	Debt   float64 // reservations handed out ahead of refill, in tokens
	// Waiting is the tokens that those who stand in line wait for.
	Waiting float64
	// Served is the part of the rate of the limit at which calls start now, 0 to 1: below 1 where the provider has refused calls or said
	// that little is left.
	Served float64
	// Set says that the limit was set at run time, for the whole fleet.
	Set bool
	// Shadowed says that the bucket delays nobody: see [Limiter.ShadowBucket].
	Shadowed bool
	// PausedFor is how long the bucket is still closed; [UntilResumed] where it is until somebody resumes it.
	PausedFor time.Duration
	// HeldBy is the replica whose provider asked to wait until then, and HeldSince when, on that replica's clock; "" where somebody
	// paused the bucket. Holds of up to [PromptHold] are not here: they are in the level.
	HeldBy    string
	HeldSince time.Time
	// Wanted are the limits that live replicas were configured with, where they disagree, each with the names of at most 8 who
	// said so last; none where it is what replicas remember of others.
	// The smallest of them are in force.
	Wanted []Wanted
}

// Wanted is what some replicas were configured with.
type Wanted struct {
	Limits   []Limit
	Replicas []string
}

// UntilResumed is the length of a pause without end.
const UntilResumed = time.Duration(math.MaxInt64)

// pausedFor is how long from now a bucket is closed that opens at a moment, both µs of one clock.
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

// ReadSnapshot reads the buckets of a namespace without changing anything, for those who only look: TIME, two HGETALL and a ZRANGE, in one
// pipeline.
// Errors wrap [ErrUnavailable], except the one that says that another version of the project has written the namespace.
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
	wishes := map[string]map[string][]string{} // by bucket, its limits as text: who was configured with them
	limits := map[string][]Limit{}             // of that text
	for _, w := range state.Wishes {
		if w.Age > wishesLive {
			continue
		}
		for bucket, text := range describe(w.Limits, limits) {
			if wishes[bucket] == nil {
				wishes[bucket] = map[string][]string{}
			}
			wishes[bucket][text] = append(wishes[bucket][text], w.Replicas...)
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
		if of := wishes[l.Field.Bucket]; len(of) > 1 {
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

// servedOf is the part of the rate of a limit at which calls start.
func servedOf(l lua.Level, now time.Time) float64 {
	of := adapt.Limit{Tokens: l.Tokens, Per: l.PerUS, Burst: l.Burst, Start: 1}
	s, ok := adapt.Parse(l.Learnt, of, now.UnixMicro())
	if !ok {
		return 1
	}
	if s.Seen == 0 { // only a limit that nobody knows has been seen
		of.Start = 0
		s = s.Bounded(of, now.UnixMicro())
	}
	return float64(s.Factor(of, now.UnixMicro())) / adapt.Whole
}

// wishesLive is how long after it was said a wish counts.
const wishesLive = 30 * time.Second

// describe sorts limits into their buckets, as texts that can be compared, and notes what the texts stand for.
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
