package worker

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"

	"github.com/weir-go/weir/orchestrator"
	"github.com/weir-go/weir/worker/analysis"
	"github.com/weir-go/weir/worker/desk"
	"github.com/weir-go/weir/worker/deskhttp"
	"github.com/weir-go/weir/worker/gate"
	"github.com/weir-go/weir/worker/playlist"
	"github.com/weir-go/weir/worker/sse"
)

// analysesPath is the path of analyses, which their ids follow.
const analysesPath = "/v1/playlists/analyses"

func (w *Worker) analyze(out http.ResponseWriter, r *http.Request) {
	have := w.parts.Load()
	if !w.takes(out) || have == nil {
		return
	}
	digest := sha256.New()
	pick := r.URL.Query().Get("playlist")
	if pick != "" {
		_, _ = io.WriteString(digest, pick+"\x00") // another playlist of the same file is another request
	}
	list, err := playlist.ParseOne(io.TeeReader(r.Body, digest), pick)
	_ = r.Body.Close() // frees its memory for other uploads
	if err != nil {
		detail := err.Error()
		if refusal, ok := errors.AsType[*playlist.ParseError](err); ok && refusal.Reason == playlist.ReasonChoice {
			detail += ", in the query: ?playlist=NAME"
		}
		gate.Problem{Status: http.StatusBadRequest, Detail: detail}.Write(out)
		return
	}
	w.streams(have).Start(out, r, desk.Order{
		Weight: weigh(list), Digest: [sha256.Size]byte(digest.Sum(nil)),
		Work: func(ctx context.Context, report func(sse.Event) error) []sse.Event { return w.work(ctx, list, report) },
	})
}

// onAnalysis returns a handler of the streams, which answers unready until the replica has connected.
func (w *Worker) onAnalysis(handle func(*deskhttp.Handler, http.ResponseWriter, *http.Request)) http.HandlerFunc {
	return func(out http.ResponseWriter, r *http.Request) {
		have := w.parts.Load()
		if have == nil {
			unready(out)
			return
		}
		handle(w.streams(have), out, r)
	}
}

func (w *Worker) streams(have *parts) *deskhttp.Handler {
	return &deskhttp.Handler{Desk: have.desk, Path: analysesPath, Stream: w.cfg.Stream, Left: func(ctx context.Context, id string, reason error) {
		w.cfg.Logger.InfoContext(ctx, "a client left before its analysis ended", "analysis", id, "error", reason)
	}}
}

// desk returns the configuration of the desk of a replica with a name.
func (c Config) desk(replica string) desk.Config {
	d := c.Desk
	d.Name = replica
	d.Last = func(reason error) []sse.Event {
		if fault, ok := errors.AsType[*desk.PanicError](reason); ok {
			c.Logger.Error("an analysis panicked", "panic", fault.Value, "stack", string(fault.Stack))
		}
		if errors.Is(reason, desk.ErrClosed) {
			reason = ErrEnding
		}
		return ending(Failure{Error: reason.Error()})
	}
	return d
}

// work runs one analysis, reports its events and returns the last ones.
func (w *Worker) work(ctx context.Context, list playlist.Playlist, report func(sse.Event) error) []sse.Event {
	w.cfg.Logger.InfoContext(ctx, "analysis begins", "request", gate.RequestID(ctx), "tracks", len(list.Tracks), "left_out", list.Rows()-len(list.Tracks))
	tellNoMore := w.tellPositions(ctx, report)
	result, err := w.Analyze(ctx, list, func(p analysis.Progress) {
		// An event that does not fit in the log is left out: later events replace it.
		if p.Text != "" {
			_ = report(event("thinking", "", map[string]string{"text": p.Text}))
		}
		p.Text = ""
		_ = report(event("progress", "progress "+p.Phase, p))
	})
	tellNoMore()
	if err != nil {
		if errors.Is(context.Cause(ctx), desk.ErrClosed) {
			err = ErrEnding
		}
		why := []any{slog.String("request", gate.RequestID(ctx)), slog.Any("error", err)}
		if fault, ok := errors.AsType[*orchestrator.PanicError](err); ok {
			why = append(why, slog.String("stack", string(fault.Stack)))
		}
		w.cfg.Logger.WarnContext(ctx, "analysis failed", why...)
		return ending(Failure{Error: err.Error(), Tasks: result.Tasks, Ended: result.Ended})
	}
	w.cfg.Logger.InfoContext(ctx, "analysis ended", "request", gate.RequestID(ctx), "seconds", result.Seconds, "tasks", result.Tasks, "failed", result.Failed)
	return []sse.Event{event("result", "", result), doneEvent()}
}

// weigh returns about how many bytes a replica holds for an analysis of a playlist: its texts, in the playlist and in
// the tasks, and for each track two lookups with their answers.
func weigh(list playlist.Playlist) (bytes int64) {
	const perTrack = 2 << 10
	for _, t := range list.Tracks {
		bytes += perTrack + 2*int64(len(t.Name)+len(t.Album)+len(t.Released))
		for _, a := range t.Artists {
			bytes += 2 * int64(len(a))
		}
	}
	return bytes
}

// Failure is the data of an error event: why the analysis failed, how many tasks it had, and how many of them ended.
type Failure struct {
	Error string `json:"error"`
	Tasks int    `json:"tasks"`
	Ended int    `json:"ended"`
}

// ending returns the last events of an analysis that failed.
func ending(f Failure) []sse.Event {
	f.Error = playlist.Clip(f.Error, 2_000) // joined errors repeat long texts
	return []sse.Event{event("error", "", f), doneEvent()}
}

func doneEvent() sse.Event { return event("done", "", struct{}{}) }

// event returns an event whose data is a value as JSON, or an error event if the value cannot be encoded.
func event(name, key string, v any) sse.Event {
	data, err := json.Marshal(v)
	if err != nil {
		data, _ = json.Marshal(Failure{Error: "the event " + name + " cannot be encoded: " + err.Error()}) // text and counts always can
		name, key = "error", ""
	}
	return sse.Event{Name: name, Key: key, Data: data}
}
