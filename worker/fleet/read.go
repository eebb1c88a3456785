package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/lua"
)

// Fleet is the state of a namespace at one moment.
type Fleet struct {
	limiter.Snapshot

	Namespace string
	Replicas  []Replica // by name
	Redis     Redis
}

// Redis is what Redis reports about itself, by the names of its INFO command. It is empty if the user may not call
// INFO.
type Redis map[string]string

// Read reads the state of a namespace. It sends seven commands, and one more for each replica, in three round trips.
// Errors wrap [limiter.ErrUnavailable].
func Read(ctx context.Context, rdb redis.UniversalClient, namespace string) (*Fleet, error) {
	unavailable := func(err error) (*Fleet, error) {
		return nil, fmt.Errorf("%w: reading namespace %s: %w", limiter.ErrUnavailable, namespace, err)
	}
	f := &Fleet{Namespace: namespace}
	var err error
	if f.Snapshot, err = limiter.ReadSnapshot(ctx, rdb, namespace); err != nil {
		return nil, err
	}
	keys := lua.Keys(namespace)
	beats, info, err := announced(ctx, rdb, keys)
	if refusal, refused := errors.AsType[redis.Error](info.Err()); err != nil && (beats.Err() != nil || !refused || !redis.HasErrorPrefix(refusal, "NOPERM")) {
		return unavailable(err)
	}
	f.Redis = facts(info.Val())
	if len(beats.Val()) == 0 {
		return f, nil
	}
	names := make([]string, len(beats.Val()))
	f.Replicas = make([]Replica, len(names))
	for i, z := range beats.Val() {
		id, _ := z.Member.(string)
		names[i] = keys.Replica(id)
		f.Replicas[i].ID = id
		f.Replicas[i].Age = max(0, f.At.Sub(time.UnixMilli(int64(z.Score))))
	}
	var texts *redis.SliceCmd
	left := make([]*redis.DurationCmd, len(names))
	_, err = rdb.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		texts = pipe.MGet(ctx, names...)
		for i, name := range names {
			left[i] = pipe.PTTL(ctx, name)
		}
		return nil
	})
	if err != nil {
		return unavailable(err)
	}
	for i := range f.Replicas {
		r := &f.Replicas[i]
		text, _ := texts.Val()[i].(string)
		if ttl := left[i].Val(); ttl > 0 { // a replica writes its record more often than its place in the list
			r.Age = min(r.Age, max(0, limiter.RecordKept-ttl))
		}
		r.read(text, r.ID)
		every := time.Duration(r.EveryMS) * time.Millisecond
		if every <= 0 || every > time.Hour {
			every = defaultEvery
		}
		if r.Age > every+limiter.RecordLate {
			r.State = Lost
		}
	}
	slices.SortFunc(f.Replicas, func(a, b Replica) int { return strings.Compare(a.ID, b.ID) })
	return f, nil
}

// defaultEvery is the interval between records if a record does not state one.
const defaultEvery = 10 * time.Second

// facts parses the lines "name:value" of a reply to INFO.
func facts(text string) Redis {
	out := Redis{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok && !strings.HasPrefix(name, "#") {
			out[name] = value
		}
	}
	return out
}

// announced reads which replicas exist, and what the server of the namespace reports about itself. On a cluster it asks
// the node that owns the slot of the namespace's keys, because a cluster client sends INFO, which has no key, to any
// node.
func announced(ctx context.Context, rdb redis.UniversalClient, keys lua.Keys) (beats *redis.ZSliceCmd, info *redis.StringCmd, err error) {
	cluster, ok := rdb.(*redis.ClusterClient)
	if !ok {
		_, err = rdb.Pipelined(ctx, func(pipe redis.Pipeliner) error {
			beats, info = pipe.ZRangeWithScores(ctx, keys.Replicas(), 0, -1), pipe.Info(ctx)
			return nil
		})
		return beats, info, err
	}
	beats = rdb.ZRangeWithScores(ctx, keys.Replicas(), 0, -1) // this learns the node of the slot if the slot has moved
	owner, err := cluster.MasterForKey(ctx, keys.Replicas())
	if err != nil {
		return beats, &redis.StringCmd{}, err
	}
	info = owner.Info(ctx)
	return beats, info, errors.Join(beats.Err(), info.Err())
}
