package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"
	"golang.org/x/sync/errgroup"
)

// Serve answers HTTP on a listener, which it closes, until ctx ends and the replica has ended in order. It connects if
// [Worker.Connect] was not called. The error is nil after an orderly end.
func (w *Worker) Serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	listener = netutil.LimitListener(listener, w.cfg.Connections)
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(w.cfg.Logger.Handler(), slog.LevelWarn),
		// Streams outlive ctx while they drain.
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	var work errgroup.Group
	serving, end := context.WithCancel(ctx)
	defer end()
	work.Go(func() error {
		defer end() // if the server fails, the rest ends too
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("worker: serve: %w", err)
		}
		return nil
	})
	address := listener.Addr().String()
	w.address.Store(&address)
	connected := make(chan struct{})
	work.Go(func() error {
		defer close(connected)
		if w.connect(serving) {
			w.cfg.Logger.InfoContext(ctx, "ready", "seconds", time.Since(w.started).Seconds())
		}
		return nil
	})
	work.Go(func() error {
		w.untilDrained(serving, connected)
		grace := w.cfg.Grace
		if serving.Err() != nil && ctx.Err() == nil {
			grace = 0 // the server failed: no request can come any more
		}
		return w.finish(context.WithoutCancel(ctx), grace, server, connected)
	})
	return work.Wait()
}

// untilDrained waits until the replica has to end: because it no longer serves, or because an operator has asked it to
// drain.
func (w *Worker) untilDrained(serving context.Context, connected <-chan struct{}) {
	select {
	case <-connected:
	case <-serving.Done():
		return
	}
	have := w.parts.Load()
	if have == nil {
		<-serving.Done()
		return
	}
	select {
	case <-have.limiter.Draining():
		w.cfg.Logger.InfoContext(serving, "an operator has asked this replica to drain")
	case <-serving.Done():
	}
}
