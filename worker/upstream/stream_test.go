package upstream_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/anthropics/anthropic-sdk-go"

	"github.com/weir-go/weir/worker/upstream"
)

const asked = `{"model":"claude-haiku-5-5","max_tokens":500,"stream":true,"messages":[{"role":"user","content":"Go on."}]}`

var anthropicHeaders = []string{"X-Api-Key: k", "Anthropic-Version: 2023-06-01"}

// events are the names of the events of a stream, and the last one's data.
func events(t *testing.T, res *httptest.ResponseRecorder) (names []string, last map[string]any) {
	t.Helper()
	for event := range strings.SplitSeq(strings.TrimSuffix(res.Body.String(), "\n\n"), "\n\n") {
		name, data, ok := strings.Cut(event, "\ndata: ")
		last = nil
		if err := json.Unmarshal([]byte(data), &last); err != nil || !ok || "event: "+last["type"].(string) != name {
			t.Fatalf("event %q: %v", event, err)
		}
		names = append(names, strings.TrimPrefix(name, "event: "))
	}
	return names, last
}

// TestStreams: the events of a whole stream, and of a stream whose provider fails midway.
func TestStreams(t *testing.T) {
	whole := "message_start content_block_start ping " + strings.Repeat("content_block_delta ", 8) + "content_block_stop message_delta message_stop"
	half := "message_start content_block_start ping " + strings.Repeat("content_block_delta ", 4)
	for _, row := range []struct {
		name  string
		fault upstream.Fault
		want  string
	}{
		{"served", "", whole},
		{"overloaded midway", upstream.Midway, half + "error"},
		{"cut", upstream.Cut, strings.TrimSpace(half)},
	} {
		synctest.Test(t, func(t *testing.T) {
			cfg := roomy()
			cfg.Latency = upstream.Latency{Min: time.Second, Max: time.Second}
			cfg.Tokens.Output = upstream.TokenLimit{PerMinute: 100_000, Burst: 100_000}
			if row.fault != "" {
				cfg.Stretches = []upstream.Stretch{{API: upstream.Anthropic, Fault: row.fault, Share: 1}}
			}
			s := server(t, cfg)
			began := time.Now()
			res := ask(t, s, "POST", "/v1/messages", asked, nil, append(anthropicHeaders, upstream.HeaderOutputTokens+": 100")...)
			names, last := events(t, res)
			got, used := strings.Join(names, " "), s.Stats().OutputTokens
			t.Logf("%-18s %d in %v, output charged %d: %s", row.name, res.Code, time.Since(began), used, got)
			if res.Code != 200 || !strings.HasPrefix(res.Header().Get("Content-Type"), "text/event-stream") || got != row.want {
				t.Errorf("%s: status %d, content type %q, events %s; want 200 and %s", row.name, res.Code, res.Header().Get("Content-Type"), got, row.want)
			}
			if row.fault == upstream.Midway {
				if of, _ := last["error"].(map[string]any); of["type"] != "overloaded_error" || !strings.HasPrefix(last["request_id"].(string), "req_") {
					t.Errorf("%s: the last event is %v", row.name, last)
				}
			}
			if want := map[bool]int64{true: 100, false: 50}[row.fault == ""]; used != want || row.fault == "" && time.Since(began) != time.Second {
				t.Errorf("%s: %d output tokens are charged after %v, want %d", row.name, used, time.Since(began), want)
			}
		})
	}
}

// TestOfficialClientReadsStreams: a stream has the same content as an answer in one piece.
func TestOfficialClientReadsStreams(t *testing.T) {
	client := claude(t, server(t, roomy()))
	q := question("", `"summary"`)
	want, err := client.Messages.New(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	var got anthropic.Message
	stream := client.Messages.NewStreaming(t.Context(), q)
	for stream.Next() {
		if err := got.Accumulate(stream.Current()); err != nil {
			t.Fatal(err)
		}
	}
	if stream.Err() != nil || got.Content[0].Text != want.Content[0].Text || got.StopReason != want.StopReason || got.Usage.InputTokens != want.Usage.InputTokens ||
		got.Usage.OutputTokens != want.Usage.OutputTokens {
		t.Errorf("the stream: error %v, message %s, want %s", stream.Err(), got.RawJSON(), want.RawJSON())
	}
}

// TestAnthropicRefuses: the simulator refuses the requests that Anthropic refuses, before it answers.
func TestAnthropicRefuses(t *testing.T) {
	cfg := roomy()
	named := cfg
	named.Models = []string{"my-model"}
	spent := cfg
	spent.Stretches = []upstream.Stretch{{API: upstream.Anthropic, Fault: upstream.Spent, Share: 1}}
	body := func(model, rest string) string {
		return `{"model":"` + model + `",` + rest + `"messages":[{"role":"user","content":"x"}]}`
	}
	good := body("claude-haiku-5-5", `"max_tokens":5,`)
	for _, row := range []struct {
		name, body string
		cfg        upstream.Config
		headers    []string
		status     int
		kind       string
	}{
		{"served", good, cfg, anthropicHeaders, 200, ""},
		{"no key", good, cfg, anthropicHeaders[1:], 401, "authentication_error"},
		{"no version", good, cfg, anthropicHeaders[:1], 400, "invalid_request_error"},
		{"no max_tokens", body("claude-haiku-5-5", ""), cfg, anthropicHeaders, 400, "invalid_request_error"},
		{"max_tokens of 0", body("claude-haiku-5-5", `"max_tokens":0,`), cfg, anthropicHeaders, 400, "invalid_request_error"},
		{"an unknown model", body("claude-none", `"max_tokens":5,`), cfg, anthropicHeaders, 404, "not_found_error"},
		{"an unknown model, streamed", body("claude-none", `"max_tokens":5,"stream":true,`), cfg, anthropicHeaders, 404, "not_found_error"},
		{"a model that is named", body("my-model", `"max_tokens":5,`), named, anthropicHeaders, 200, ""},
		{"a model that is not named", good, named, anthropicHeaders, 404, "not_found_error"},
		{"too large", body("claude-haiku-5-5", `"max_tokens":5,"system":"`+strings.Repeat("x", 1<<20)+`",`), cfg, anthropicHeaders, 413, "request_too_large"},
		{"the month is spent", good, spent, anthropicHeaders, 400, "invalid_request_error"},
	} {
		var got message
		res := ask(t, server(t, row.cfg), "POST", "/v1/messages", row.body, &got, row.headers...)
		t.Logf("%-28s %d %s %s", row.name, res.Code, got.Error.Type, got.Error.Message)
		if res.Code != row.status || got.Error.Type != row.kind || res.Header().Get("Request-Id") == "" {
			t.Errorf("%s: status %d, body %+v, want %d, type %s and a request id", row.name, res.Code, got, row.status, row.kind)
		}
	}
}
