package limiter

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/lua"
)

// Snapshot is the state of the buckets of a namespace at one moment of its clock.
type Snapshot struct {
	At      time.Time     // of the store's clock
	Epoch   string        // "" where nobody has used the namespace, and for memory
	Grants  int64         // reservations handed out in this epoch
	Buckets []BucketState // by name
}

// BucketState is one limit of one bucket.
type BucketState struct {
	Bucket string
	Limit  Limit
	Tokens float64 // in the bucket, 0 to burst
	Debt   float64 // reservations handed out ahead of refill, in tokens
	// Waiting is the tokens that those who stand in line wait for.
	Waiting float64
}

func newBucketState(name string, l Limit, level, waiting float64) BucketState {
	return BucketState{Bucket: name, Limit: l, Tokens: max(0, level), Debt: max(0, -level), Waiting: waiting}
}

// ReadSnapshot reads the buckets of a namespace without changing anything, for those who only look: one TIME and one
// HGETALL. Errors wrap [ErrUnavailable].
func ReadSnapshot(ctx context.Context, rdb redis.UniversalClient, namespace string) (Snapshot, error) {
	var now *redis.TimeCmd
	var fields *redis.MapStringStringCmd
	_, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		now, fields = p.Time(ctx), p.HGetAll(ctx, lua.Keys(namespace).State())
		return nil
	})
	if err != nil {
		return Snapshot{}, fmt.Errorf("%w: reading namespace %s: %w", ErrUnavailable, namespace, err)
	}
	state := lua.ParseState(fields.Val())
	s := Snapshot{At: now.Val(), Epoch: state.Epoch, Grants: state.Grants}
	own := s.At.Add(state.Shift)
	for _, l := range state.Levels {
		limit := Limit{Tokens: l.Tokens, Per: l.Per, Burst: l.Burst}
		s.Buckets = append(s.Buckets, newBucketState(l.Bucket, limit, l.TokensAt(own), l.WaitingAt(own)))
	}
	slices.SortFunc(s.Buckets, func(a, b BucketState) int {
		if c := strings.Compare(a.Bucket, b.Bucket); c != 0 {
			return c
		}
		return int(a.Limit.Per - b.Limit.Per)
	})
	return s, nil
}
