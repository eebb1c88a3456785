package main

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/ulule/limiter/v3"
	store "github.com/ulule/limiter/v3/drivers/store/redis"

	"github.com/weir-go/weir/integration/faults/process"
)

// ulule asks with Get of ulule/limiter. A window begins with its first call, and its limit is the calls of a window: there is no separate burst.
// Reset is in whole seconds, rounded down. In the last part of a window it has passed.
type ulule struct {
	store limiter.Store
	per   time.Duration
	l     atomic.Pointer[limiter.Limiter]
}

func newUlule(s process.Settings, rdb redis.UniversalClient) (*ulule, error) {
	st, err := store.NewStore(rdb)
	if err != nil {
		return nil, err
	}
	u := &ulule{store: st, per: s.Per}
	u.setRate(s.Rate)
	return u, nil
}

func (u *ulule) ask(ctx context.Context) (bool, time.Duration, error) {
	c, err := u.l.Load().Get(ctx, key)
	if err != nil {
		return false, 0, err
	}
	return !c.Reached, time.Until(time.Unix(c.Reset, 0)), nil
}

func (u *ulule) setRate(tokens int64) {
	u.l.Store(limiter.New(u.store, limiter.Rate{Period: u.per, Limit: tokens}))
}
