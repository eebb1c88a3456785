package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/weir-go/weir/integration/faults"
)

// session plays rows and keeps their figures.
type session struct {
	options
	harnesses map[string]*faults.Harness
	machine   sync.RWMutex // write-locked by a row that must have the machine alone

	mu     sync.Mutex
	all    figures
	failed int   // rows that could not be played
	err    error // the first error of the file
}

// playAll plays each row that is not yet among the figures, against each limiter, and adds its figures. It returns how many plays failed.
func playAll(ctx context.Context, o options, rows []faults.Row, limiters []contestant, all figures) (failed int, err error) {
	s := &session{options: o, harnesses: map[string]*faults.Harness{}, all: all}
	for _, c := range limiters {
		h, err := faults.New(ctx, c.program)
		if err != nil {
			return 0, err
		}
		defer h.Close() //nolint:errcheck // of a temporary directory
		s.harnesses[c.name] = h
	}
	tasks, begun := make(chan pair), time.Now()
	var players sync.WaitGroup
	for range o.parallel {
		players.Go(func() {
			for t := range tasks {
				late := o.noPlaysAfter > 0 && time.Since(begun) > o.noPlaysAfter
				if ctx.Err() == nil && !late {
					s.play(ctx, t.row, t.limiter)
				}
			}
		})
	}
	for _, t := range missing(all, rows, limiters) {
		tasks <- t
	}
	close(tasks)
	players.Wait()
	if err := context.Cause(ctx); err != nil {
		return 0, err
	}
	return s.failed, s.err
}

// pair is a row and a limiter.
type pair struct {
	row     faults.Row
	limiter contestant
}

// missing returns the pairs that have no figures yet, by row and then by limiter. A pair that could not be played counts as missing.
func missing(all figures, rows []faults.Row, limiters []contestant) []pair {
	var pairs []pair
	for _, r := range rows {
		for _, c := range limiters {
			if l, there := all.of(r.Name, c.name); !there || l.Error != "" {
				pairs = append(pairs, pair{r, c})
			}
		}
	}
	return pairs
}

func (s *session) play(ctx context.Context, r faults.Row, c contestant) {
	if playedAlone(r) {
		s.machine.Lock()
		defer s.machine.Unlock()
	} else {
		s.machine.RLock()
		defer s.machine.RUnlock()
	}
	p, err := s.harnesses[c.name].Play(ctx, r, s.quick)
	if ctx.Err() != nil {
		return // the figures of an interrupted row mean nothing
	}
	l := recordOf(c, r, p, err)
	l.Quick, l.Parallel, l.On = s.quick, s.parallel, time.Now().UTC().Truncate(time.Second)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all.add(l)
	if err != nil {
		s.failed++
		fmt.Fprintf(os.Stderr, "%s: %v\n", c.name, err)
	} else {
		fmt.Fprintf(os.Stderr, "row %d, %s, %s, %.1f s: %s\n", r.Number, r.Name, c.name, p.Took.Seconds(), p.Measured())
	}
	line, err := json.Marshal(l)
	if err == nil && s.json != "" {
		err = appendTo(s.json, line)
	}
	if err != nil && s.err == nil {
		s.err = err
	}
	fmt.Println(string(line))
}
