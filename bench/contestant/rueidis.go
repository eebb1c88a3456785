package contestant

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/redis/rueidis"
)

// windowScript counts calls in a window of a second that begins with the first call in it.
//
// KEYS[1] the counter
// Reply: the number of this call in its window, and the milliseconds until the window ends
const windowScript = `
local counter = KEYS[1]
local n = redis.call('INCR', counter)
if n == 1 then
  redis.call('PEXPIRE', counter, 1000)
  return { n, 1000 }
end
return { n, redis.call('PTTL', counter) }`

type rueidisReplica struct {
	rdb    rueidis.Client
	script *rueidis.Lua
	keys   []string
	limit  int64
}

// rueidisWindow is a fixed window over rueidis, which writes the commands of concurrent callers in one batch.
func rueidisWindow() Contestant {
	return Contestant{Name: "window over rueidis", Open: func(ctx context.Context, s Setup) (*Fleet, error) {
		f := &Fleet{}
		var clients []rueidis.Client
		f.Close = func(context.Context) error {
			for _, rdb := range clients {
				rdb.Close()
			}
			return nil
		}
		for range s.Replicas {
			rdb, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{s.Addr}})
			if err != nil {
				_ = f.Close(ctx) // never fails
				return nil, err
			}
			clients = append(clients, rdb)
			keys := []string{s.Key + ":" + strconv.Itoa(s.Rate)}
			f.Replicas = append(f.Replicas, polled{rueidisReplica{rdb, rueidis.NewLuaScript(windowScript), keys, int64(s.Rate)}})
		}
		return f, nil
	}}
}

func (r rueidisReplica) ask(ctx context.Context) (bool, time.Duration, error) {
	reply, err := r.script.Exec(ctx, r.rdb, r.keys, nil).AsIntSlice()
	if err != nil {
		return false, 0, err
	}
	if len(reply) != 2 {
		return false, 0, errors.New("contestant: window over rueidis: want two numbers")
	}
	return reply[0] <= r.limit, time.Duration(reply[1]) * time.Millisecond, nil
}
