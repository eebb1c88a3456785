package limiter

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	session string // of this store; a process that restarts under its replica's name is another
	horizon int64  // µs
	timeout time.Duration
	says    *telemetry
	life    context.Context //nolint:containedctx // of whoever made the limiter: calls are shared by callers and bound by none

	mu     sync.Mutex
	epoch  string           // last seen
	grants int64            // highest count seen in it
	seqs   map[string]int64 // by route
}

func newRedisStore(ctx context.Context, rdb redis.UniversalClient, s settings, says *telemetry) *redisStore {
	return &redisStore{
		rdb: rdb, keys: lua.Keys(s.Namespace), session: uuid.NewString(), horizon: s.Horizon.Microseconds(),
		timeout: s.CallTimeout, life: context.WithoutCancel(ctx), says: says, seqs: map[string]int64{},
	}
}

// introduce makes every bucket known to Redis, so that it fills from now on and can be looked at.
func (s *redisStore) introduce(all []bound) error {
	for part := range slices.Chunk(all, maxLimits) {
		got, err := s.reserve(&route{limits: part, labels: newLabels("")}, "", 0, nil, nil)
		if err != nil {
			return err
		}
		// Some servers that speak Redis' protocol answer TIME within a script with zeros.
		if now := time.UnixMicro(got.now); now.Year() < 1990 {
			return fmt.Errorf("limiter: scripts on this server see no clock: TIME is %v; use Redis or Valkey", now.UTC())
		}
	}
	return nil
}

func (s *redisStore) reserve(r *route, lane string, lead time.Duration, asks []ask, tickets []ticket) (reply, error) {
	ctx, cancel := context.WithTimeout(s.life, s.timeout)
	defer cancel()
	args := lua.AcquireArgs{
		Fresh: uuid.NewString(), HorizonUS: s.horizon, LeadUS: lead.Microseconds(),
		Limits: make([]lua.Limit, len(r.limits)), Asks: make([]lua.Ask, len(asks)),
	}
	for i, b := range r.limits {
		args.Limits[i] = b.args()
		if tickets != nil {
			args.Limits[i].Ticket = lua.Ticket{Rank: int64(tickets[i].rank), Tokens: tickets[i].tokens}
		}
	}
	for i, k := range asks {
		args.Asks[i] = lua.Ask{Cost: k.cost, PatienceUS: -1, Urgent: k.urgent}
		if k.patience >= 0 {
			args.Asks[i].PatienceUS = k.patience.Microseconds()
		}
	}
	s.mu.Lock()
	s.seqs[lane]++
	args.Seq, args.Epoch, args.Grants = s.seqs[lane], s.epoch, s.grants
	s.mu.Unlock()

	sent := time.Now()
	got, err := lua.Acquire(ctx, s.rdb, s.keys, s.session, lane, args)
	s.says.called(ctx, r, time.Since(sent))
	if _, ours := errors.AsType[*lua.ArgumentError](err); ours || errors.Is(err, lua.ErrStale) {
		return reply{}, fmt.Errorf("limiter: %w", err) // asking again would not help
	}
	if err != nil {
		return reply{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	s.mu.Lock()
	switch {
	case got.Epoch != s.epoch && !got.Repeated:
		s.epoch, s.grants = got.Epoch, got.Grants
	case got.Epoch == s.epoch:
		s.grants = max(s.grants, got.Grants)
	}
	s.mu.Unlock()
	return s.reply(got, r), nil
}

func (s *redisStore) reply(got lua.AcquireReply, r *route) reply {
	out := reply{
		now: got.NowUS, answers: make([]answer, len(got.Answers)), tickets: make([]ticket, len(got.Tickets)),
		comeBack: time.Duration(got.ComeBackUS) * time.Microsecond,
	}
	for i, g := range got.Answers {
		out.answers[i].at = time.Duration(g.AtUS) * time.Microsecond
		if g.Bound >= 0 {
			out.answers[i].bucket = r.limits[g.Bound].bucket
		}
		switch g.Kind {
		case lua.Reserved:
		case lua.Refused:
			out.answers[i].verdict = refused
		case lua.Waiting:
			out.answers[i].verdict = waits
		}
	}
	for i, t := range got.Tickets {
		out.tickets[i] = ticket{rank(t.Rank), t.Tokens}
	}
	return out
}

func (s *redisStore) snapshot(ctx context.Context) (Snapshot, error) {
	return ReadSnapshot(ctx, s.rdb, string(s.keys))
}
