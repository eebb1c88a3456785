package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"time"

	"github.com/weir-go/weir/bench/contestant"
)

// session is what the workloads of one run share.
type session struct {
	*server

	contestants []contestant.Contestant
	rounds      int
	quick       bool
	progress    io.Writer

	tables []*table
	runs   int
}

// workload measures one thing.
type workload struct {
	letter string
	run    func(ctx context.Context, s *session) error
}

func workloads() []workload {
	return []workload{
		{"A", allow},
		{"B", budget},
		{"C", fast},
		{"D", lateness},
		{"X", givingUp},
		{"R", raw},
		{"S", scriptCost},
		{"T", threeAPIs},
		{"M", keptState},
	}
}

// during is how long a measurement takes, in a full and in a quick run.
func (s *session) during(full, quick time.Duration) time.Duration {
	if s.quick {
		return quick
	}
	return full
}

// table begins a table.
func (s *session) table(letter, title string, labels []string, columns ...column) *table {
	t := &table{letter: letter, title: title, labels: labels, columns: columns}
	s.tables = append(s.tables, t)
	return t
}

// fresh gives a run an empty Redis, a heap without what the run before left, and a name nobody used.
func (s *session) fresh(ctx context.Context, what string) (key string, err error) {
	s.runs++
	_, _ = fmt.Fprintf(s.progress, "%s  %s\n", time.Now().Format(time.TimeOnly), what) // progress that cannot be shown is no failure
	if err := s.rdb.FlushAll(ctx).Err(); err != nil {
		return "", err
	}
	runtime.GC()
	return "bench-" + strconv.Itoa(s.runs), nil
}

// open starts the fleet of a run. It lives until end is called: then nobody in it sleeps on, and it can be closed.
func (s *session) open(ctx context.Context, c contestant.Contestant, key string, sh shape) (f *contestant.Fleet, life context.Context, end context.CancelFunc, err error) {
	life, end = context.WithCancel(ctx)
	f, err = c.Open(life, contestant.Setup{Addr: s.addr, Key: key, Replicas: sh.replicas, Rate: sh.rate, Burst: sh.burst})
	if err != nil {
		end()
		return nil, nil, nil, fmt.Errorf("%s: %w", c.Name, err)
	}
	return f, life, end, nil
}

// shape is a fleet and what it may do.
type shape struct {
	replicas, waiters int // waiters of each replica
	rate, burst       int
	warm, length      time.Duration // before the measurement, and of it
	patience          time.Duration // each wait is given up after a random part of it; 0 for never
}
