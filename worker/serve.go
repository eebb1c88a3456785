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

	"github.com/weir-go/weir/worker/fleet"
)

// Serve answers HTTP on a listener, which it closes, until ctx ends and the replica has ended in order. It connects if that was not done.
// The error is nil after an orderly end.
func (w *Worker) Serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	listener = netutil.LimitListener(listener, w.cfg.Connections)
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(w.cfg.Logger.Handler(), slog.LevelWarn),
		// Streams outlive ctx while they drain.
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	publish, unpublish := context.WithCancel(context.WithoutCancel(ctx))
	defer unpublish()
	var work errgroup.Group
	serving, end := context.WithCancel(ctx)
	defer end()
	work.Go(func() error {
		defer end() // a server that fails takes the rest with it
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("worker: serve: %w", err)
		}
		return nil
	})
	connected, withdrawn := make(chan struct{}), make(chan struct{})
	work.Go(func() error {
		defer close(withdrawn)
		ok := w.connect(serving)
		close(connected)
		if !ok {
			return nil
		}
		w.cfg.Logger.InfoContext(ctx, "ready", "seconds", time.Since(w.started).Seconds())
		heart := &fleet.Publisher{Redis: w.cfg.Redis, Namespace: w.cfg.Namespace, Logger: w.cfg.Logger, Look: func() fleet.Replica {
			r := w.Snapshot()
			r.Addr = listener.Addr().String()
			return r
		}}
		return heart.Run(publish)
	})
	work.Go(func() error {
		<-serving.Done()
		grace := w.cfg.Grace
		if ctx.Err() == nil {
			grace = 0 // the server failed: there is nobody to take requests for a while longer
		}
		return w.finish(context.WithoutCancel(ctx), grace, server, connected, func() {
			unpublish()
			<-withdrawn
		})
	})
	return work.Wait()
}
