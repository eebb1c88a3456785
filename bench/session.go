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

// session has the settings and the results that all workloads of a run share.
type session struct {
	*server

	contestants []contestant.Contestant
	rounds      int
	quick       bool
	progress    io.Writer

	tables []*table
	runs   int
}

// workload is one measurement, with the letter that names it.
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

// during returns full, the length of a measurement in a full run, or quick in a quick run.
func (s *session) during(full, quick time.Duration) time.Duration {
	if s.quick {
		return quick
	}
	return full
}

// table adds an empty table to the results.
func (s *session) table(letter, title string, labels []string, columns ...column) *table {
	t := &table{letter: letter, title: title, labels: labels, columns: columns}
	s.tables = append(s.tables, t)
	return t
}

// fresh prepares a run: it empties Redis, collects garbage, and returns a key that no run has used.
func (s *session) fresh(ctx context.Context, what string) (key string, err error) {
	s.runs++
	_, _ = fmt.Fprintf(s.progress, "%s  %s\n", time.Now().Format(time.TimeOnly), what) // a run does not fail if its progress cannot be written
	if err := s.rdb.FlushAll(ctx).Err(); err != nil {
		return "", err
	}
	runtime.GC()
	return "bench-" + strconv.Itoa(s.runs), nil
}

// open starts the fleet of a run. end ends life, the context of its waits, so that no waiter sleeps on. The caller closes the fleet after that.
func (s *session) open(ctx context.Context, c contestant.Contestant, key string, sh shape) (f *contestant.Fleet, life context.Context, end context.CancelFunc, err error) {
	life, end = context.WithCancel(ctx)
	f, err = c.Open(life, contestant.Setup{Addr: s.addr, Key: key, Replicas: sh.replicas, Rate: sh.rate, Burst: sh.burst})
	if err != nil {
		end()
		return nil, nil, nil, fmt.Errorf("%s: %w", c.Name, err)
	}
	return f, life, end, nil
}

// shape has the size of a fleet, its limit, and the times of a run.
type shape struct {
	replicas, waiters int // waiters of each replica
	rate, burst       int
	warm, length      time.Duration // time before the measurement, and length of the measurement
	patience          time.Duration // each wait is given up after a random part of patience; 0 for never
}
