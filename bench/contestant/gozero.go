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

// goZero returns the token limiter of go-zero. It keeps one client for each address until the process ends, so its replicas share a
// client. It counts in whole seconds of the caller's clock, and does not return when to ask again.
//
// A process that links go-zero reads the load of the machine four times a second, even if it does not use go-zero. This is part of
// every contestant's CPU. The build tag nogozero leaves go-zero out.
func goZero() []Contestant {
	logx.Disable() // go-zero logs slow and cancelled calls and the load of the machine to stdout
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
