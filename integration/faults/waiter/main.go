// Command waiter is a small replica without an orchestrator: its loops wait for a token of the limiter and then call the provider. It uses only
// the API that every version of the limiter has, so that package faults can build it in the tree of a former version.
//
// It has some of the flags of command replica and prints the same lines. It answers every word with a report. SIGTERM ends it.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/integration/faults/outcome"
	"github.com/weir-go/weir/limiter"
)

const route = "provider"

// waiter runs the loops, and counts the outcomes of their tasks.
type waiter struct {
	name, provider string
	limiter        *limiter.Limiter
	client         *http.Client
	number         atomic.Int64 // of the last task

	mu     sync.Mutex
	counts outcome.Report
}

func main() {
	var (
		w     waiter
		limit limiter.Limit
	)
	at := flag.String("redis", "", "redis://host:port")
	tasks := flag.Int("tasks", 32, "tasks at the same time")
	flag.StringVar(&w.provider, "provider", "", "URL of the provider")
	flag.StringVar(&w.name, "name", "", "name of the replica")
	flag.Int64Var(&limit.Tokens, "rate", 34, "tokens in each -per")
	flag.DurationVar(&limit.Per, "per", time.Second, "period of the limit")
	flag.Int64Var(&limit.Burst, "burst", 4, "burst of the limit")
	window := flag.Bool("window", false, "count the starts of the last -per instead of refilling")
	flag.Duration("deadline", 0, "not used")
	flag.Int("replicas", 0, "not used")
	flag.Parse()
	if *window {
		limit = limiter.PerWindow(limit.Tokens, limit.Per)
	}
	w.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: *tasks}}
	if err := w.run(*at, limit, *tasks); err != nil {
		fmt.Fprintln(os.Stderr, "waiter:", err)
		os.Exit(1)
	}
}

func (w *waiter) run(at string, limit limiter.Limit, tasks int) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	opts, err := redis.ParseURL(at)
	if err != nil {
		return fmt.Errorf("-redis: %w", err)
	}
	opts.ContextTimeoutEnabled = true
	rdb := redis.NewClient(opts)
	defer rdb.Close()
	w.limiter, err = limiter.New(ctx, rdb, limiter.Config{
		Buckets: map[string][]limiter.Limit{route: {limit}}, Routes: map[string][]string{route: {route}}, Replica: w.name,
	})
	if err != nil {
		return err
	}
	lines := json.NewEncoder(os.Stdout)
	say := func(event string) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		r := w.counts
		r.Event, r.Replica = event, w.name
		return lines.Encode(r)
	}
	if err := say("ready"); err != nil {
		return err
	}
	var loops sync.WaitGroup
	for range tasks {
		loops.Go(func() {
			for ctx.Err() == nil {
				w.one(ctx)
			}
		})
	}
	go func() {
		defer stop() // the end of the input means that the harness has ended
		for words := bufio.NewScanner(os.Stdin); words.Scan(); {
			_ = say("report") // fails only if the harness has ended
		}
	}()
	<-ctx.Done()
	loops.Wait()
	if err := say("stopped"); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return errors.Join(w.limiter.Close(limited), say("ended"))
}

// one runs one task from its start to its outcome. After an error it waits a second, so that a refusal is not followed by the next call at once.
func (w *waiter) one(ctx context.Context) {
	w.count(func(r *outcome.Report) { r.Accepted++ })
	switch err := w.limiter.Wait(ctx, route); {
	case ctx.Err() != nil && err != nil:
		w.count(func(r *outcome.Report) { r.HandedBack++ })
		return
	case err != nil:
		w.failed(err)
		timer := time.NewTimer(time.Second)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		return
	}
	if err := w.call(context.WithoutCancel(ctx)); err != nil { // SIGTERM does not cancel a call that has started
		w.failed(err)
		return
	}
	w.count(func(r *outcome.Report) { r.OK++ })
}

// call makes the call of a task to the provider.
func (w *waiter) call(ctx context.Context) error {
	q := url.Values{"replica": {w.name}, "task": {fmt.Sprint(w.name, "-", w.number.Add(1))}, "attempt": {"1"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.provider+"/?"+q.Encode(), nil)
	if err != nil {
		return err
	}
	res, err := w.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return err
}

func (w *waiter) failed(err error) {
	w.count(func(r *outcome.Report) {
		r.Failed++
		if r.Error == "" {
			r.Error = err.Error()
		}
	})
}

func (w *waiter) count(add func(*outcome.Report)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	add(&w.counts)
}
