package providers_test

import (
	"encoding/json"
	"strings"
)

type object = map[string]any

// event is one event of a stream of Anthropic.
func event(name string, data object) string {
	data["type"] = name
	b, err := json.Marshal(data)
	if err != nil {
		panic(err)
	}
	return "event: " + name + "\ndata: " + string(b) + "\n\n"
}

// The parts of a stream.
var (
	started = event("message_start", object{"message": object{
		"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": []any{}, "stop_reason": nil,
		"usage": object{"input_tokens": 100, "cache_creation_input_tokens": 20, "cache_read_input_tokens": 3000, "output_tokens": 1},
	}})
	thought = event("content_block_start", object{"index": 0, "content_block": object{"type": "thinking", "thinking": "", "signature": ""}}) +
		event("content_block_delta", object{"index": 0, "delta": object{"type": "thinking_delta", "thinking": "hm"}}) +
		event("content_block_delta", object{"index": 0, "delta": object{"type": "signature_delta", "signature": "s"}}) +
		event("content_block_stop", object{"index": 0})
	ping  = event("ping", object{})
	ended = event("message_delta", object{"delta": object{"stop_reason": "end_turn", "stop_sequence": nil}, "usage": object{"output_tokens": 40}}) +
		event("message_stop", object{})
)

// textBlock is a block of text, in two deltas.
func textBlock(text string) string {
	delta := func(text string) string {
		return event("content_block_delta", object{"index": 1, "delta": object{"type": "text_delta", "text": text}})
	}
	half := len(text) / 2
	return event("content_block_start", object{"index": 1, "content_block": object{"type": "text", "text": ""}}) +
		delta(text[:half]) + ping + delta(text[half:]) + event("content_block_stop", object{"index": 1})
}

// message is a whole answer of Claude.
func message() string { return started + ping + thought + textBlock("Hello.") + ended }

// failing is an event error.
func failing(kind, text string) string {
	return event("error", object{"error": object{"type": kind, "message": text}, "request_id": "req_011CSHoEeqs5C35K2UUqR7Fy"})
}

// kindOf is the content type of an answer.
func kindOf(body string) string {
	if strings.HasPrefix(body, "event: ") {
		return "text/event-stream; charset=utf-8"
	}
	return "application/json"
}
