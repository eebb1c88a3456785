package fleet

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/lua"
)

// Publisher publishes one replica.
type Publisher struct {
	Redis     redis.UniversalClient
	Namespace string
	Look      func() Replica // the state at this moment; called from Run's goroutine
	Logger    *slog.Logger
}

// Run publishes at once and then every [Interval] until ctx ends; then it takes the replica off the list, for which it
// allows itself a second. It returns nil. A heartbeat that fails is logged, once until one succeeds.
func (p *Publisher) Run(ctx context.Context) error {
	tick := time.NewTicker(Interval)
	defer tick.Stop()
	failing := false
	for {
		err := p.publish(ctx)
		if ctx.Err() == nil && (err != nil) != failing {
			failing = err != nil
			if failing {
				p.Logger.WarnContext(ctx, "heartbeats fail: this replica will be shown as lost", "error", err)
			} else {
				p.Logger.InfoContext(ctx, "heartbeats reach redis again")
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			p.leave(context.WithoutCancel(ctx))
			return nil
		}
	}
}

func (p *Publisher) publish(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, Interval)
	defer cancel()
	r := p.Look()
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("fleet: snapshot of %s: %w", r.ID, err)
	}
	_, err = lua.Heartbeat(ctx, p.Redis, lua.Keys(p.Namespace), r.ID, text, keep, forget)
	return err
}

func (p *Publisher) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	keys, id := lua.Keys(p.Namespace), p.Look().ID
	_, err := p.Redis.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		pipe.ZRem(ctx, keys.Replicas(), id)
		pipe.Del(ctx, keys.Replica(id))
		return nil
	})
	if err != nil {
		p.Logger.WarnContext(ctx, "could not leave the list of replicas: it will show this one as lost", "error", err)
	}
}
