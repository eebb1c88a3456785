//go:build !nogozero

package contestant

import (
	"context"
	"time"

	"github.com/zeromicro/go-zero/core/limit"
	"github.com/zeromicro/go-zero/core/logx"
	"github.com/zeromicro/go-zero/core/stores/redis"
)

type goZeroReplica struct{ l *limit.TokenLimiter }

// goZero keeps one client for each address for as long as the process lives, so that its replicas share one. It counts
// in whole seconds of the caller's clock, and says nothing of when to come back.
//
// A process that has it linked reads the load of the machine four times a second, used or not, which is part of every
// contestant's CPU. The build tag nogozero leaves it out.
func goZero() []Contestant {
	logx.Disable() // it logs to stdout: every call that is slow or given up, and the load of the machine
	return []Contestant{{Name: "go-zero", Open: func(_ context.Context, s Setup) (*Fleet, error) {
		f := &Fleet{Close: func(context.Context) error { return nil }}
		for range s.Replicas {
			rdb, err := redis.NewRedis(redis.RedisConf{Host: s.Addr, Type: redis.NodeType})
			if err != nil {
				return nil, err
			}
			f.Replicas = append(f.Replicas, polled{goZeroReplica{limit.NewTokenLimiter(s.Rate, s.Burst, rdb, s.Key)}})
		}
		return f, nil
	}}}
}

func (r goZeroReplica) ask(ctx context.Context) (bool, time.Duration, error) {
	return r.l.AllowCtx(ctx), 0, nil
}
