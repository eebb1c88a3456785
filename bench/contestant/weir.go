package contestant

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/limiter"
)

const route = "global"

type weirReplica struct {
	l        *limiter.Limiter
	interval time.Duration
}

func weir() Contestant {
	return Contestant{Name: "weir", Open: func(ctx context.Context, s Setup) (*Fleet, error) {
		var limiters []*limiter.Limiter
		f, err := overGoRedis(ctx, s, func(rdb *redis.Client) (Replica, error) {
			l, err := limiter.New(ctx, rdb, limiter.Config{
				Namespace: s.Key,
				Buckets:   map[string][]limiter.Limit{route: {limiter.PerSecond(int64(s.Rate), int64(s.Burst))}},
			})
			if err != nil {
				return nil, err
			}
			limiters = append(limiters, l)
			return weirReplica{l, time.Second / time.Duration(s.Rate)}, nil
		})
		if err != nil {
			return nil, err
		}
		closeClients := f.Close
		f.Close = func(ctx context.Context) error {
			var errs []error
			for _, l := range limiters {
				errs = append(errs, l.Close(ctx))
			}
			return errors.Join(append(errs, closeClients(ctx))...)
		}
		return f, nil
	}}
}

func (r weirReplica) Allow(ctx context.Context) (bool, error) { return r.l.Allow(ctx, route) }

func (r weirReplica) Wait(ctx context.Context) error { return r.l.Wait(ctx, route) }

// Anchor empties the bucket, and returns the time of the next token from a snapshot of the bucket.
func (r weirReplica) Anchor(ctx context.Context) (time.Time, error) {
	for {
		if err := r.Wait(ctx); err != nil {
			return time.Time{}, err
		}
		s, err := r.l.Snapshot(ctx)
		if err != nil {
			return time.Time{}, err
		}
		if len(s.Buckets) != 1 {
			return time.Time{}, errors.New("contestant: weir: want one bucket in the snapshot")
		}
		if b := s.Buckets[0]; b.Tokens < 1 {
			missing := 1 - b.Tokens + b.Debt
			return s.At.Add(time.Duration(missing * float64(r.interval))), nil
		}
	}
}
