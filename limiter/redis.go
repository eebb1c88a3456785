package limiter

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/lua"
)

// redisStore is the store of a fleet: one script call per reserve.
type redisStore struct {
	rdb     redis.UniversalClient
	keys    lua.Keys
	replica string
	horizon int64 // µs
	timeout time.Duration

	mu     sync.Mutex
	epoch  string           // last seen
	grants int64            // highest count seen in it
	seqs   map[string]int64 // by route
}

func newRedisStore(rdb redis.UniversalClient, s settings) *redisStore {
	return &redisStore{
		rdb: rdb, keys: lua.Keys(s.Namespace), replica: s.Replica, horizon: s.Horizon.Microseconds(),
		timeout: s.CallTimeout, seqs: map[string]int64{},
	}
}

func (s *redisStore) reserve(ctx context.Context, r *route, lead time.Duration, asks []ask) (int64, []answer, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	args := lua.AcquireArgs{
		Fresh: uuid.NewString(), HorizonUS: s.horizon, LeadUS: lead.Microseconds(),
		Limits: make([]lua.Limit, len(r.limits)), Asks: make([]lua.Ask, len(asks)),
	}
	for i, b := range r.limits {
		args.Limits[i] = b.args()
	}
	for i, k := range asks {
		args.Asks[i] = lua.Ask{Cost: k.cost, PatienceUS: max(-1, k.patience.Microseconds())}
		if k.patience < 0 {
			args.Asks[i].PatienceUS = -1
		}
	}
	s.mu.Lock()
	s.seqs[r.name]++
	args.Seq, args.Epoch, args.Grants = s.seqs[r.name], s.epoch, s.grants
	s.mu.Unlock()

	reply, err := lua.Acquire(ctx, s.rdb, s.keys, s.replica, r.name, args)
	if err != nil {
		return 0, nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	s.mu.Lock()
	switch {
	case reply.Epoch != s.epoch && !reply.Repeated:
		s.epoch, s.grants = reply.Epoch, reply.Grants
	case reply.Epoch == s.epoch:
		s.grants = max(s.grants, reply.Grants)
	}
	s.mu.Unlock()

	answers := make([]answer, len(asks))
	for i, g := range reply.Answers {
		answers[i] = answer{reserved: g.Kind == lua.Reserved, at: g.AtUS}
		if g.Bound >= 0 {
			answers[i].bucket = r.limits[g.Bound].bucket
		}
	}
	return reply.NowUS, answers, nil
}

func (s *redisStore) snapshot(ctx context.Context) (Snapshot, error) {
	return ReadSnapshot(ctx, s.rdb, string(s.keys))
}
