package upstream

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// stream is an answer of Anthropic in server-sent events, for a request with stream set. It begins after half of the
// wait and takes the other half.
type stream struct {
	id, model, text, stop    string
	input, cacheRead, output int64

	request string // the request id of Anthropic's answers
	breaks  Fault  // Midway or Cut: how the stream ends after half of its text; empty for a whole stream
}

const maxDeltas = 8 // pieces of text of one answer

// play writes the stream. It returns which part of the text it has sent, and whether it has begun. If ctx ends first,
// it has not begun and has written nothing. It calls end once before the last event, so that a client that has read
// that event finds the cost of the call.
func (st *stream) play(ctx context.Context, w http.ResponseWriter, wait time.Duration, end func(sent float64)) (begun bool) {
	if !sleep(ctx, wait/2) {
		return false
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	w.WriteHeader(http.StatusOK)
	st.event(w, "message_start", object{"message": object{
		"id": st.id, "type": "message", "role": "assistant", "model": st.model, "content": []object{}, "stop_reason": nil, "stop_sequence": nil,
		"usage": usageOf(st.input, st.cacheRead, min(1, st.output)),
	}})
	st.event(w, "content_block_start", object{"index": 0, "content_block": object{"type": "text", "text": ""}})
	st.event(w, "ping", object{})

	pieces := min(maxDeltas, len(st.text))
	for i := range pieces {
		ended := !sleep(ctx, wait/2/time.Duration(pieces))
		if ended || st.breaks != "" && i >= (pieces+1)/2 {
			end(float64(i) / float64(pieces))
			if ended || st.breaks == Midway {
				st.event(w, "error", object{"error": object{"type": "overloaded_error", "message": "Overloaded"}, "request_id": st.request})
			}
			return true
		}
		piece := st.text[i*len(st.text)/pieces : (i+1)*len(st.text)/pieces] // answers are ASCII
		st.event(w, "content_block_delta", object{"index": 0, "delta": object{"type": "text_delta", "text": piece}})
	}
	end(1)
	st.event(w, "content_block_stop", object{"index": 0})
	st.event(w, "message_delta", object{"delta": object{"stop_reason": st.stop, "stop_sequence": nil}, "usage": object{"output_tokens": st.output}})
	st.event(w, "message_stop", object{})
	return true
}

// event writes and flushes one event. The client may have left, so the error has no reader.
func (st *stream) event(w http.ResponseWriter, name string, data object) {
	data["type"] = name
	_, _ = fmt.Fprintf(w, "event: %s\ndata: %s\n\n", name, marshal(data))
	_ = http.NewResponseController(w).Flush()
}

func usageOf(input, cacheRead, output int64) object {
	return object{
		"input_tokens": input, "output_tokens": output, "cache_creation_input_tokens": 0, "cache_read_input_tokens": cacheRead, "service_tier": "standard",
	}
}
