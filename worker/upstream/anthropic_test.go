package upstream_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"

	"github.com/weir-go/weir/worker/upstream"
)

// claude is the official client, without its own retries, in front of s.
func claude(t *testing.T, s http.Handler, opts ...option.RequestOption) anthropic.Client {
	t.Helper()
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return anthropic.NewClient(append([]option.RequestOption{
		option.WithoutEnvironmentDefaults(), option.WithBaseURL(srv.URL), option.WithAPIKey("secret"),
		option.WithMaxRetries(0), option.WithHTTPClient(srv.Client()),
	}, opts...)...)
}

func question(system, user string) anthropic.MessageNewParams {
	return anthropic.MessageNewParams{
		Model:     "claude-sonnet-4-5",
		MaxTokens: 1024,
		System:    []anthropic.TextBlockParam{{Text: system}},
		Messages:  []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock(user))},
	}
}

func TestOfficialClientDecodes(t *testing.T) {
	s := server(t, roomy())
	client := claude(t, s)
	answer := func(p anthropic.MessageNewParams) string {
		t.Helper()
		m, err := client.Messages.New(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(m.ID, "msg_") || m.Type != "message" || m.Role != "assistant" || m.Model != p.Model ||
			m.Usage.InputTokens < 1 || m.Usage.OutputTokens < 1 || len(m.Content) != 1 {
			t.Fatalf("an incomplete message: %s", m.RawJSON())
		}
		if m.StopReason != anthropic.StopReasonEndTurn {
			t.Errorf("stop reason %q, want end_turn", m.StopReason)
		}
		return m.Content[0].AsText().Text
	}

	t.Run("first call", func(t *testing.T) {
		counts := make(map[int]bool)
		for i := range 40 {
			var got struct{ Searches, Themes []string }
			// A track of the playlist has the name of a key of the final call.
			text := answer(question("You pick music.", fmt.Sprint("track ", i, `: "summary". Answer with JSON: {"searches": [...], "themes": [...]}`)))
			if err := json.Unmarshal([]byte(text), &got); err != nil {
				t.Fatalf("answer %q is no JSON: %v", text, err)
			}
			if n := len(got.Searches); n < 5 || n > 10 || len(got.Themes) == 0 {
				t.Fatalf("%d searches and %d themes, want 5 to 10 searches and a theme", n, len(got.Themes))
			}
			counts[len(got.Searches)] = true
		}
		if len(counts) != 6 {
			t.Errorf("numbers of searches %v, want 5 to 10", counts)
		}
	})
	t.Run("final call", func(t *testing.T) {
		var got struct{ Title, Summary string }
		// The prompt also has the keys of the first call, in the answer that it quotes.
		text := answer(question(`You had answered {"searches":["a"]}.`, `Answer with JSON: {"title": "...", "summary": "..."}`))
		if err := json.Unmarshal([]byte(text), &got); err != nil || got.Title == "" || got.Summary == "" {
			t.Fatalf("answer %q: error %v, want JSON with a title and a summary", text, err)
		}
	})
	t.Run("narrator", func(t *testing.T) {
		text := answer(question("You are a narrator.", "One sentence, please."))
		if strings.ContainsAny(text, "{%\n") || !strings.HasSuffix(text, ".") {
			t.Errorf("%q is no plain sentence", text)
		}
	})
	t.Run("seeded", func(t *testing.T) {
		q := question("", `"summary"`)
		again := answer(q)
		if first := answer(q); first != again {
			t.Errorf("the same question got %q and %q", first, again)
		}
	})
	t.Run("an answer of the model is no question", func(t *testing.T) {
		q := question("You are a narrator.", "Go on.")
		q.Messages = append(q.Messages, anthropic.NewAssistantMessage(anthropic.NewTextBlock(`{"summary":"x"}`)),
			anthropic.NewUserMessage(anthropic.NewTextBlock("Go on.")))
		if text := answer(q); strings.Contains(text, "{") {
			t.Errorf("answer %q, want a sentence", text)
		}
	})
	t.Run("max_tokens", func(t *testing.T) {
		q := question("", `"summary"`)
		q.MaxTokens = 5
		m, err := client.Messages.New(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if m.StopReason != anthropic.StopReasonMaxTokens || len(m.Content[0].Text) != 20 || m.Usage.OutputTokens != 5 {
			t.Errorf("message %s, want it cut at 5 tokens", m.RawJSON())
		}
	})
}

func TestOfficialClientErrors(t *testing.T) {
	strict := upstream.Config{Total: upstream.Limit{Rate: 0.5, Burst: 1}, PerAPI: limits(upstream.Anthropic, upstream.Limit{Rate: 0.25, Burst: 1})}
	overloaded, failing := roomy(), roomy()
	overloaded.Overloaded = 1
	failing.Failures = 1
	for _, tc := range []struct {
		name   string
		cfg    upstream.Config
		opts   []option.RequestOption
		spoil  func(*anthropic.MessageNewParams)
		status int
		kind   anthropic.ErrorType
	}{
		{"no key", roomy(), []option.RequestOption{option.WithHeaderDel("X-Api-Key")}, nil, 401, anthropic.ErrorTypeAuthenticationError},
		{"no version", roomy(), []option.RequestOption{option.WithHeaderDel("Anthropic-Version")}, nil, 400, anthropic.ErrorTypeInvalidRequestError},
		{"no model", roomy(), nil, func(p *anthropic.MessageNewParams) { p.Model = "" }, 400, anthropic.ErrorTypeInvalidRequestError},
		{"no tokens", roomy(), nil, func(p *anthropic.MessageNewParams) { p.MaxTokens = 0 }, 400, anthropic.ErrorTypeInvalidRequestError},
		{"no messages", roomy(), nil, func(p *anthropic.MessageNewParams) { p.Messages = nil }, 400, anthropic.ErrorTypeInvalidRequestError},
		{"overloaded", overloaded, nil, nil, 529, anthropic.ErrorTypeOverloadedError},
		{"failing", failing, nil, nil, 0, anthropic.ErrorTypeAPIError},
		{"above the budget", strict, nil, nil, 429, anthropic.ErrorTypeRateLimitError},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := server(t, tc.cfg)
			if tc.status == 429 {
				one[upstream.Anthropic](t, s)
			}
			q := question("", "hello")
			if tc.spoil != nil {
				tc.spoil(&q)
			}
			client := claude(t, s, tc.opts...)
			_, err := client.Messages.New(t.Context(), q)
			e, ok := errors.AsType[*anthropic.Error](err)
			if !ok {
				t.Fatalf("error %v, want an API error", err)
			}
			if tc.status == 0 && (e.StatusCode == 500 || e.StatusCode == 503) {
				e.StatusCode = 0
			}
			if e.StatusCode != tc.status || e.Type() != tc.kind || !strings.HasPrefix(e.RequestID, "req_") || !strings.Contains(e.RawJSON(), e.RequestID) {
				t.Errorf("status %d, type %q, request id %q in %s; want %d, %q", e.StatusCode, e.Type(), e.RequestID, e.RawJSON(), tc.status, tc.kind)
			}
			if tc.status != 429 {
				return
			}
			h := e.Response.Header
			after, _ := strconv.Atoi(h.Get("Retry-After"))
			if after < 3 || after > 4 {
				t.Errorf("retry-after %q, want the 4 s of the narrower limit", h.Get("Retry-After"))
			}
			reset, err := time.Parse(time.RFC3339, h.Get("Anthropic-Ratelimit-Requests-Reset"))
			if d := time.Until(reset); err != nil || d < 0 || d > 5*time.Second {
				t.Errorf("reset in %v, error %v, want 0 to 5 s", d, err)
			}
			if h.Get("Anthropic-Ratelimit-Requests-Limit") != "15" || h.Get("Anthropic-Ratelimit-Requests-Remaining") != "0" {
				t.Errorf("limit %q a minute, remaining %q, want 15 and 0", h.Get("Anthropic-Ratelimit-Requests-Limit"), h.Get("Anthropic-Ratelimit-Requests-Remaining"))
			}
		})
	}
}

// TestBadMessages sends requests that the official client never sends.
func TestBadMessages(t *testing.T) {
	s := server(t, roomy())
	for _, body := range []string{
		``, `[]`, `null`, `{"model":"claude-haiku-5-5"`, `{"model":3}`,
		`{"model":"claude-haiku-5-5","max_tokens":1,"messages":[{"role":"system","content":"x"}]}`,
		`{"model":"claude-haiku-5-5","max_tokens":1,"messages":[{"role":"user"}]}`,
		`{"model":"claude-haiku-5-5","max_tokens":1,"messages":[{"role":"user","content":null}]}`,
		`{"model":"claude-haiku-5-5","max_tokens":1,"messages":[{"role":"user","content":[{"type":"image"}]}]}`,
		`{"model":"claude-haiku-5-5","messages":[{"role":"user","content":"x"}]}`,
	} {
		var got struct {
			Type  string
			Error struct{ Type, Message string }
		}
		res := ask(t, s, "POST", "/v1/messages", body, &got, "X-Api-Key: k", "Anthropic-Version: 2023-06-01")
		if res.Code != 400 || got.Type != "error" || got.Error.Type != "invalid_request_error" || got.Error.Message == "" {
			t.Errorf("%s: status %d, body %+v, want 400 and invalid_request_error", body, res.Code, got)
		}
		if res.Header().Get("Request-Id") == "" {
			t.Errorf("%s: no request id", body)
		}
	}
}
