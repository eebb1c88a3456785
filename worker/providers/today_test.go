package providers_test

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/worker/providers"
)

// at returns clients of a provider that is one function, for tests in virtual time. A field of cfg that is set has priority.
func at(t *testing.T, cfg providers.ClientConfig, provider func(*http.Request) (status int, header http.Header, body string)) *providers.Clients {
	t.Helper()
	const local = "http://localhost:1"
	cfg.AnthropicURL, cfg.SpotifyURL, cfg.LastFMURL, cfg.Limiter = local, local, local, &payments{}
	cfg.Base = tripFunc(func(r *http.Request) (*http.Response, error) {
		status, header, body := provider(r)
		if status == 0 {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}
		res := &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {kindOf(body)}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}
		maps.Copy(res.Header, header)
		return res, nil
	})
	c, err := providers.NewClients(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestProvidersToday: what each answer of the providers means for the call, for other calls of its kind, and for the fleet.
func TestProvidersToday(t *testing.T) {
	claude := func(kind, message string) string {
		return `{"type":"error","error":{"type":"` + kind + `","message":"` + message + `"},"request_id":"req_011CSHoEeqs5C35K2UUqR7Fy"}`
	}
	spotify := func(message string) string { return `{"error":{"status":0,"message":"` + message + `"}}` }
	lastFM := func(code, message string) string { return `{"error":` + code + `,"message":"` + message + `"}` }
	for _, row := range []struct {
		name   string
		api    string
		status int // 0 never answers
		body   string
		ends   string // served, again, put off, overloaded, never
		closed bool   // all calls of the kind are refused
		text   string // part of the error
	}{
		{"claude: an answer", "anthropic", 200, message(), "served", false, ""},
		{"claude: 529", "anthropic", 529, claude("overloaded_error", "Overloaded"), "overloaded", false, "request req_011CSHoEeqs5C35K2UUqR7Fy"},
		{"claude: 503", "anthropic", 503, "", "overloaded", false, ""},
		{"claude: 500", "anthropic", 500, claude("api_error", "Internal server error"), "again", false, ""},
		{"claude: 504", "anthropic", 504, claude("timeout_error", "Timed out"), "again", false, ""},
		{"claude: no answer within a minute", "anthropic", 0, "", "again", false, "no answer within 1m0s"},
		{"claude: 429", "anthropic", 429, claude("rate_limit_error", "Wait"), "put off", false, ""},
		{"claude: 429, the month's cap", "anthropic", 429, claude("rate_limit_error", "above the monthly spend limit"), "never", true, "quota of the account is spent"},
		{"claude: 400, the month's cap", "anthropic", 400, claude("invalid_request_error", "You have reached your specified API usage limits."), "never", true, "spent"},
		{"claude: 400, the balance", "anthropic", 400, claude("invalid_request_error", "Your credit balance is too low to access the Anthropic API."), "never", true, "spent"},
		{"claude: 402", "anthropic", 402, claude("billing_error", "Billing"), "never", true, "spent"},
		{"claude: 400", "anthropic", 400, claude("invalid_request_error", "max_tokens: Field required"), "never", false, "max_tokens: Field required"},
		{"claude: 413", "anthropic", 413, claude("request_too_large", "Request exceeds the maximum size"), "never", false, "request_too_large"},
		{"claude: 401", "anthropic", 401, claude("authentication_error", "invalid x-api-key"), "never", true, "ANTHROPIC_API_KEY"},
		{"claude: 403", "anthropic", 403, claude("permission_error", "No"), "never", true, ""},
		{"claude: 404, an unknown model", "anthropic", 404, claude("not_found_error", "model: claude-none"), "never", true, "the account has no model claude-none: name another with WEIR_MODEL"},
		{"claude: overloaded inside a stream, at once", "anthropic", 200, failing("overloaded_error", "Overloaded"), "overloaded", false, "anthropic: 200 (overloaded_error): Overloaded; request req_"},
		{"claude: overloaded inside a stream, midway", "anthropic", 200, started + thought + textBlock("Hel") + failing("overloaded_error", "Overloaded"), "overloaded", false, ""},
		{"claude: api_error inside a stream", "anthropic", 200, started + failing("api_error", "Internal"), "again", false, ""},
		{"claude: timeout_error inside a stream", "anthropic", 200, started + failing("timeout_error", "Slow"), "again", false, ""},
		{"claude: rate_limit_error inside a stream", "anthropic", 200, started + failing("rate_limit_error", "Wait"), "put off", false, ""},
		{"claude: billing_error inside a stream", "anthropic", 200, started + failing("billing_error", "Billing"), "never", true, "spent"},
		{"claude: an unknown error inside a stream", "anthropic", 200, started + failing("new_error", "New"), "never", false, "new_error"},
		{"claude: a stream that is cut", "anthropic", 200, started + thought + textBlock("Hel"), "again", false, "ends before its last event"},
		{"claude: a stream of events that nobody knows", "anthropic", 200, started + event("new_event", object{"x": 1}) + thought + textBlock("Hello.") + ended, "served", false, ""},
		{"claude: a stream out of order", "anthropic", 200, started + textBlock("Hel"), "again", false, "not the stream"},
		{"claude: an answer in one piece", "anthropic", 200, `{"type":"message"}`, "again", false, "not the stream"},

		{"spotify: 429", "spotify", 429, spotify("API rate limit exceeded"), "put off", false, ""},
		{"spotify: 429, the quota", "spotify", 429, `{"error":{"status":429,"message":"Quota","reason":"QUOTA_EXCEEDED"}}`, "never", true, "spent"},
		{"spotify: 502", "spotify", 502, "<html>", "again", false, ""},
		{"spotify: 503", "spotify", 503, spotify("Service unavailable"), "overloaded", false, ""},
		{"spotify: no answer within a minute", "spotify", 0, "", "again", false, "no answer within 1m0s"},
		{"spotify: 401, a token as it is", "spotify", 401, spotify("The access token expired"), "never", true, ""},
		{"spotify: 403, a scope", "spotify", 403, spotify("Insufficient client scope"), "never", true, "Insufficient client scope"},
		{"spotify: 404", "spotify", 404, spotify("Not found"), "never", false, ""},

		{"last.fm: 29 inside 200", "lastfm", 200, lastFM("29", "Rate Limit Exceeded"), "put off", false, ""},
		{"last.fm: 29 inside 400", "lastfm", 400, lastFM("29", "Rate Limit Exceeded"), "put off", false, ""},
		{"last.fm: 29 inside 403", "lastfm", 403, lastFM("29", "Rate Limit Exceeded"), "put off", false, ""},
		{"last.fm: 29 inside 429", "lastfm", 429, lastFM(`"29"`, "Rate Limit Exceeded"), "put off", false, ""},
		{"last.fm: 8 inside 200", "lastfm", 200, lastFM("8", "Operation failed"), "again", false, ""},
		{"last.fm: 8 inside 400", "lastfm", 400, lastFM("8", "Operation failed"), "again", false, ""},
		{"last.fm: 11 inside 200", "lastfm", 200, lastFM("11", "Service Offline"), "overloaded", false, ""},
		{"last.fm: 11 inside 503", "lastfm", 503, lastFM("11", "Service Offline"), "overloaded", false, ""},
		{"last.fm: 16 inside 200", "lastfm", 200, lastFM("16", "Temporary error"), "overloaded", false, ""},
		{"last.fm: 16 inside 400", "lastfm", 400, lastFM("16", "Temporary error"), "overloaded", false, ""},
		{"last.fm: 6 inside 200", "lastfm", 200, lastFM("6", "Artist not found"), "served", false, ""},
		{"last.fm: 6 inside 404", "lastfm", 404, lastFM("6", "Artist not found"), "served", false, ""},
		{"last.fm: 10 inside 403", "lastfm", 403, lastFM("10", "Invalid API key"), "never", true, "LASTFM_API_KEY"},
		{"last.fm: 26 inside 200", "lastfm", 200, lastFM("26", "API Key Suspended"), "never", true, "LASTFM_API_KEY"},
		{"last.fm: 26 inside 403", "lastfm", 403, lastFM("26", "API Key Suspended"), "never", true, "LASTFM_API_KEY"},
		{"last.fm: 502, no JSON", "lastfm", 502, "<html>", "again", false, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := at(t, providers.ClientConfig{Model: "claude-none", SpotifyToken: "token"}, func(*http.Request) (int, http.Header, string) { return row.status, nil, row.body })
			began := time.Now()
			err := calls(t.Context(), c)[row.api]()
			v, ends := providers.Verdict(err), "never"
			switch {
			case err == nil:
				ends = "served"
			case v.Again && v.Throttled:
				ends = "put off"
			case v.Again && v.Overloaded:
				ends = "overloaded"
			case v.Again:
				ends = "again"
			}
			t.Logf("%-46s %-10s closed %-5t %v", row.name, ends, providers.Closed(err), err)
			if ends != row.ends || providers.Closed(err) != row.closed || err != nil && !strings.Contains(err.Error(), row.text) || row.status == 0 && time.Since(began) != time.Minute {
				t.Errorf("%s: %s, closed %t, %v; want %s, closed %t, and %q", row.name, ends, providers.Closed(err), err, row.ends, row.closed, row.text)
			}
		})
	}
}

// TestUnknownNarratorIsNamed: the error of a comment says where the narrator's model is named.
func TestUnknownNarratorIsNamed(t *testing.T) {
	c := at(t, providers.ClientConfig{NarratorModel: "claude-mouse"}, func(*http.Request) (int, http.Header, string) {
		return http.StatusNotFound, nil, `{"type":"error","error":{"type":"not_found_error","message":"model: claude-mouse"}}`
	})
	_, err := c.Anthropic.Narrate(t.Context(), "What?")
	if denied, ok := errors.AsType[*providers.APIError](err); !ok || !strings.Contains(denied.Advice, "WEIR_NARRATOR_MODEL") || !strings.Contains(denied.Advice, "claude-mouse") {
		t.Errorf("error %v, want advice that names WEIR_NARRATOR_MODEL and the model", err)
	}
}
