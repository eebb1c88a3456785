// Command replica is one process of a fleet that uses another limiter than weir, which the flag -limiter names. Package faults plays its rows
// against such fleets. Package process describes the command's words and reports, and [peer] describes how a task waits.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/integration/faults/process"
)

func main() {
	var s process.Settings
	s.Flags()
	name := flag.String("limiter", "", "redis_rate, ulule or x/time/rate")
	flag.Parse()
	if err := run(s, *name); err != nil {
		fmt.Fprintln(os.Stderr, "replica:", err)
		os.Exit(1)
	}
}

func run(s process.Settings, name string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	w, rdb, err := choose(s, name)
	if err != nil {
		return err
	}
	err = process.Run(ctx, s, newPeer(w))
	if rdb != nil {
		err = errors.Join(err, rdb.Close())
	}
	return err
}

// choose returns the limiter with a name, and its Redis client, which is nil for a limiter without Redis.
func choose(s process.Settings, name string) (waiter, redis.UniversalClient, error) {
	if name == "x/time/rate" {
		return newTimeRate(s), nil, nil
	}
	rdb, err := process.Connect(s)
	if err != nil {
		return nil, nil, err
	}
	switch name {
	case "redis_rate":
		return asking(newRedisRate(s, rdb)), rdb, nil
	case "ulule":
		u, err := newUlule(s, rdb)
		return asking(u), rdb, err
	}
	return nil, nil, fmt.Errorf("-limiter %q: want redis_rate, ulule or x/time/rate", name)
}
