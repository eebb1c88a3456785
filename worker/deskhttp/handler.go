package deskhttp

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/weir-go/weir/worker/desk"
	"github.com/weir-go/weir/worker/sse"
)

// ErrDeleted is the reason for which an analysis that a client has deleted ends.
var ErrDeleted = errors.New("deskhttp: a client has ended the analysis")

// Handler is the HTTP interface of a desk. Its methods are handlers for the paths in the package's documentation; the
// wildcard is named id. Set its fields before the first call.
type Handler struct {
	Desk *desk.Desk
	// Path is the path of analyses, without a slash at the end.
	Path string
	// Stream makes the writers of streams.
	Stream sse.Config
	// Left, if set, is called with the reason when a stream ends before its analysis.
	Left func(ctx context.Context, id string, reason error)
}

// Start takes an order and streams its analysis. Key and After of the order come from the request. The caller sets the
// other fields; Digest is a digest of the request's body.
func (h *Handler) Start(out http.ResponseWriter, r *http.Request, o desk.Order) {
	var ok bool
	if o.Key, ok = idempotencyKey(r); !ok {
		problem(http.StatusBadRequest, "Idempotency-Key: want once, 1 to 255 visible ASCII characters").Write(out)
		return
	}
	if o.After, ok = lastSeen(r); !ok {
		problem(http.StatusBadRequest, badLastSeen).Write(out)
		return
	}
	reader, err := h.Desk.Start(r.Context(), o)
	if err != nil {
		refuse(out, err)
		return
	}
	defer reader.Close()
	id := reader.Analysis().ID()
	out.Header().Set("Location", h.Path+"/"+url.PathEscape(id))
	h.stream(out, r, id, reader)
}

// Events streams an analysis again.
func (h *Handler) Events(out http.ResponseWriter, r *http.Request) {
	a, err := h.Desk.Find(r.PathValue("id"))
	if err != nil {
		refuse(out, err)
		return
	}
	seen, ok := lastSeen(r)
	if !ok {
		problem(http.StatusBadRequest, badLastSeen).Write(out)
		return
	}
	if r.Method == http.MethodHead { // HEAD needs no reader
		out.Header().Set("Content-Type", "text/event-stream")
		return
	}
	reader, err := a.Read(seen)
	if err != nil {
		refuse(out, err)
		return
	}
	defer reader.Close()
	h.stream(out, r, a.ID(), reader)
}

// stream sends the events of a reader, or 204 if there are none.
func (h *Handler) stream(out http.ResponseWriter, r *http.Request, id string, reader *desk.Reader) {
	if reader.AtEnd() {
		out.WriteHeader(http.StatusNoContent)
		return
	}
	stream, err := h.Stream.NewWriter(out)
	if err != nil {
		problem(http.StatusInternalServerError, "the connection cannot be streamed to: "+err.Error()).Write(out)
		return
	}
	if err := stream.Serve(r.Context(), reader.Next); err != nil && h.Left != nil {
		h.Left(r.Context(), id, err)
	}
}

// Show answers with the state of an analysis.
func (h *Handler) Show(out http.ResponseWriter, r *http.Request) {
	a, err := h.Desk.Find(r.PathValue("id"))
	if err != nil {
		refuse(out, err)
		return
	}
	out.Header().Set("Content-Type", "application/json")
	out.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(out).Encode(map[string]any{
		"id": a.ID(), "state": a.State(), "events": h.Path + "/" + url.PathEscape(a.ID()) + "/events",
	})
}

// End ends an analysis. An analysis that has ended does not change.
func (h *Handler) End(out http.ResponseWriter, r *http.Request) {
	a, err := h.Desk.Find(r.PathValue("id"))
	if err != nil {
		refuse(out, err)
		return
	}
	a.End(ErrDeleted)
	out.WriteHeader(http.StatusNoContent)
}

const badLastSeen = "Last-Event-ID: want the id of an event of this analysis, which is a whole number"

// lastSeen returns the id of the event after which a stream begins, 0 for all.
func lastSeen(r *http.Request) (seen uint64, ok bool) {
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		text = r.URL.Query().Get("lastEventId")
	}
	if text == "" {
		return 0, true
	}
	seen, err := strconv.ParseUint(text, 10, 64)
	return seen, err == nil
}

// idempotencyKey returns the key of a request, or "" if it has none.
func idempotencyKey(r *http.Request) (key string, ok bool) {
	keys := r.Header.Values("Idempotency-Key")
	if len(keys) == 0 {
		return "", true
	}
	key = keys[0]
	for i := range len(key) {
		if key[i] <= ' ' || key[i] > '~' {
			return "", false
		}
	}
	return key, len(keys) == 1 && key != "" && len(key) <= 255
}
