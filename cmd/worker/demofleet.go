package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"golang.org/x/sync/errgroup"

	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/worker"
	"github.com/weir-go/weir/worker/analysis"
	"github.com/weir-go/weir/worker/sse"
	"github.com/weir-go/weir/worker/upstream"
)

// demoDeadline bounds an analysis. It is long because many replicas at a low rate take hours.
const demoDeadline = 30 * 24 * time.Hour

// demoReplica is a replica of a demonstration, with the state of its analysis.
type demoReplica struct {
	worker   *worker.Worker
	url      string
	recorder *recorder // nil without --without
	waits    waits
	scripts  scripts

	mu   sync.Mutex
	seen seen
}

// seen is the state of an analysis from its events so far.
type seen struct {
	progress analysis.Progress
	text     string
	result   *analysis.Result
	failure  *worker.Failure
	ended    time.Time
}

func (r *demoReplica) now() seen {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seen
}

// startUpstream starts a simulator of the providers and returns its URL.
func (d *demo) startUpstream(ctx, serving context.Context, servers *errgroup.Group) (s *upstream.Server, url string, err error) {
	cfg := upstream.Default()
	cfg.Total.Rate, cfg.Total.Burst = float64(d.Rate.tokens)/d.Rate.per.Seconds(), d.Burst
	if s, err = upstream.New(cfg); err != nil {
		return nil, "", cli.Usagef("--rate %.6g, --burst %d: %w", cfg.Total.Rate, cfg.Total.Burst, err)
	}
	listener, err := listen(ctx, "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	servers.Go(func() error { return serveHTTP(serving, listener, s, patience) })
	return s, "http://" + listener.Addr().String(), nil
}

// start starts the simulator and the replicas. The goroutines of servers end after serving has ended.
func (d *demo) start(ctx, serving context.Context, servers *errgroup.Group) error {
	var err error
	if d.upstream, d.simAddr, err = d.startUpstream(ctx, serving, servers); err != nil {
		return err
	}
	for range d.Replicas {
		if err := d.startReplica(ctx, serving, servers); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) startReplica(ctx, serving context.Context, servers *errgroup.Group) error {
	r := &demoReplica{}
	rdb := d.redis.Client()
	rdb.AddHook(&r.scripts)
	cfg := worker.Config{
		Redis: rdb, Namespace: d.Namespace, Budget: d.limit(), Slots: d.Slots, Version: cli.Version(), Drain: time.Second, // short: analyses run at the end only after an interrupt
		Deadline:       demoDeadline,
		TracerProvider: sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(&r.waits)),
	}
	if d.Hold {
		cfg.TracerProvider = nil // waits would keep every call until the end, and nothing reads them
	}
	err := providerFlags{Upstream: d.simAddr}.apply(&cfg)
	if err != nil {
		return err
	}
	if d.Without {
		r.recorder = &recorder{next: cfg.Providers.Base}
		cfg.Providers.Base = r.recorder
	}
	if r.worker, err = worker.New(cfg); err != nil {
		return &cli.Error{Status: cli.Usage, Err: err}
	}
	if err := r.worker.Connect(ctx); err != nil {
		_ = rdb.Close()
		return d.redis.explain(err)
	}
	listener, err := listen(ctx, "127.0.0.1:0")
	if err != nil {
		return err
	}
	r.url = "http://" + listener.Addr().(*net.TCPAddr).String()
	servers.Go(func() error {
		return errors.Join(r.worker.Serve(serving, listener, r.worker.Handler()), rdb.Close())
	})
	d.replicas = append(d.replicas, r)
	return nil
}

// analyze posts a playlist to a replica and follows the events of its stream.
func (r *demoReplica) analyze(ctx context.Context, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url+"/v1/playlists/analyze", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "text/csv")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", r.url, res.Status)
	}
	for e, err := range sse.Read(res.Body) {
		if err != nil {
			return fmt.Errorf("stream of %s: %w", r.url, err)
		}
		over, err := r.take(e)
		if err != nil {
			return fmt.Errorf("stream of %s: %w", r.url, err)
		}
		if over {
			return nil
		}
	}
	return fmt.Errorf("stream of %s ended before its analysis", r.url)
}

// take applies an event to the state of the analysis, and reports whether it is the last event.
func (r *demoReplica) take(e sse.Event) (over bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch e.Name {
	case "thinking":
		var said struct{ Text string }
		err = json.Unmarshal(e.Data, &said)
		r.seen.text = said.Text
	case "progress":
		err = json.Unmarshal(e.Data, &r.seen.progress)
	case "result":
		err = json.Unmarshal(e.Data, &r.seen.result)
	case "error":
		err = json.Unmarshal(e.Data, &r.seen.failure)
	case "done":
		r.seen.ended = time.Now()
		over = true
	}
	return over, err
}
