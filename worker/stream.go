package worker

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"

	"github.com/weir-go/weir/worker/analysis"
	"github.com/weir-go/weir/worker/gate"
	"github.com/weir-go/weir/worker/playlist"
	"github.com/weir-go/weir/worker/sse"
)

func (w *Worker) analyze(out http.ResponseWriter, r *http.Request) {
	if !w.takes(out) {
		return
	}
	list, err := playlist.Parse(r.Body)
	_ = r.Body.Close() // its memory is for other uploads
	if err != nil {
		problem(out, http.StatusBadRequest, err.Error())
		return
	}
	stream, err := sse.NewWriter(out)
	if err != nil {
		problem(out, http.StatusInternalServerError, "the connection cannot be streamed to: "+err.Error())
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	var work sync.WaitGroup
	work.Go(func() {
		defer stream.Close()
		w.stream(ctx, stream, list)
	})
	if err := stream.Serve(ctx); err != nil {
		w.cfg.Logger.InfoContext(ctx, "client left before its analysis ended", "error", err)
	}
	cancel()
	work.Wait()
}

// stream runs one analysis and tells the client about it. Errors of the stream need no handling: they end ctx.
func (w *Worker) stream(ctx context.Context, stream *sse.Writer, list playlist.Playlist) {
	w.cfg.Logger.InfoContext(ctx, "analysis begins", "request", gate.RequestID(ctx), "tracks", len(list.Tracks))
	run, stop := w.untilEnd(ctx)
	defer stop()
	result, err := w.Analyze(run, list, func(p analysis.Progress) {
		if p.Text != "" {
			_ = stream.WriteAsync(event("thinking", "", map[string]string{"text": p.Text}))
		}
		p.Text = ""
		_ = stream.WriteAsync(event("progress", "progress "+p.Phase, p))
	})
	if ctx.Err() != nil {
		return // the client left: nobody to tell, and said already
	}
	if err != nil {
		_ = stream.Write(ctx, event("error", "", Failure{Error: err.Error(), Tasks: result.Tasks, Ended: result.Ended}))
		w.cfg.Logger.WarnContext(ctx, "analysis failed", "request", gate.RequestID(ctx), "error", err)
	} else {
		_ = stream.Write(ctx, event("result", "", result))
		w.cfg.Logger.InfoContext(ctx, "analysis ended", "request", gate.RequestID(ctx), "seconds", result.Seconds, "tasks", result.Tasks, "failed", result.Failed)
	}
	_ = stream.Write(ctx, event("done", "", struct{}{}))
}

// Failure is the data of an error event: why the analysis failed, how many tasks it had, and how many of them ended.
type Failure struct {
	Error string `json:"error"`
	Tasks int    `json:"tasks"`
	Ended int    `json:"ended"`
}

func event(name, key string, v any) sse.Event {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // of our own types, all of which marshal
	}
	return sse.Event{Name: name, Key: key, Data: data}
}
