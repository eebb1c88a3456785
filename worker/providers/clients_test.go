package providers_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.uber.org/goleak"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/playlist"
	"github.com/weir-go/weir/worker/providers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	id1 = "4u7EnebtmKWzUH433cf5Qv"
	id2 = "7tFiyTwD0nx5a1eklYtX2J"
)

// The secrets of the tests. They must appear in requests and nowhere else.
const (
	anthropicKey = "sk-ant-canary-1"
	spotifyToken = "BQ+canary/2=="
	lastFMKey    = "canary3&key"
)

// payments is a limiter that admits every call and counts them.
type payments struct {
	mu     sync.Mutex
	routes []string
}

func (p *payments) Wait(_ context.Context, route string, _ ...limiter.Option) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.routes = append(p.routes, route)
	return nil
}

// serve runs a handler as all three providers.
func serve(t *testing.T, handler http.HandlerFunc) (*providers.Clients, *payments) {
	t.Helper()
	srv := httptest.NewServer(handler)
	base := &http.Transport{}
	t.Cleanup(func() {
		base.CloseIdleConnections()
		srv.Close()
	})
	paid := &payments{}
	c, err := providers.NewClients(providers.ClientConfig{
		AnthropicURL: srv.URL, SpotifyURL: srv.URL, LastFMURL: srv.URL + "/",
		AnthropicKey: anthropicKey + "\n", SpotifyToken: " " + spotifyToken, LastFMKey: lastFMKey,
		Limiter: paid, Base: base, Timeout: 10 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c, paid
}

// asked is a request as a provider sees it.
type asked struct {
	Line string // method and path with query
	Auth string
	Body string
}

// answer serves one text as JSON and notes what was asked for.
func answer(t *testing.T, status int, body string) (http.HandlerFunc, *[]asked) {
	t.Helper()
	var got []asked // read after the call has returned
	return func(w http.ResponseWriter, r *http.Request) {
		sent, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got = append(got, asked{r.Method + " " + r.URL.RequestURI(), r.Header.Get("Authorization") + r.Header.Get("X-Api-Key"), string(sent)})
		if agent := r.UserAgent(); agent == "" || strings.HasPrefix(agent, "Go-http-client") {
			t.Errorf("User-Agent %q is empty, or the default of net/http", agent)
		}
		w.Header().Set("Content-Type", kindOf(body))
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}, &got
}

func want[T any](t *testing.T, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSpotifySearch(t *testing.T) {
	handler, got := answer(t, http.StatusOK, `{"tracks":{"items":[
		{"id":"a1","type":"track","name":"Creep","artists":[{"name":"Radiohead"}],"album":{"name":"Pablo Honey","release_date":"1993"},"duration_ms":238000},
		null, {"id":"","name":"local"}, {"id":"e1","type":"episode","name":"Talk"}, {"id":"../x","name":"odd"}]}}`)
	c, _ := serve(t, handler)
	tracks, err := c.Spotify.Search(t.Context(), `artist:"Sigur Rós" & more`)
	if err != nil {
		t.Fatal(err)
	}
	want(t, []playlist.Track{{ID: "a1", Name: "Creep", Artists: []string{"Radiohead"}, Album: "Pablo Honey", Released: "1993", Duration: 238 * time.Second}}, tracks)
	want(t, []asked{{
		Line: "GET /v1/search?limit=10&q=artist%3A%22Sigur+R%C3%B3s%22+%26+more&type=track", Auth: "Bearer " + spotifyToken,
	}}, *got)
}

func TestSpotifyPlaylistItems(t *testing.T) {
	handler, got := answer(t, http.StatusOK, `{"total":120,"items":[
		{"item":{"id":"a1","type":"track","name":"New"}}, {"track":{"id":"b2","type":"track","name":"Old"}},
		{"item":{"id":"c3","name":"Both"},"track":{"id":"d4","name":"Other"}}, {"item":null}, {"track":{"id":"e5","type":"episode","name":"Talk"}}]}`)
	c, _ := serve(t, handler)
	tracks, total, err := c.Spotify.PlaylistItems(t.Context(), "37i9dQ", 50)
	if err != nil {
		t.Fatal(err)
	}
	want(t, []playlist.Track{{ID: "a1", Name: "New"}, {ID: "b2", Name: "Old"}, {ID: "c3", Name: "Both"}}, tracks)
	want(t, 120, total)
	want(t, "GET /v1/playlists/37i9dQ/items?limit=50&offset=50", (*got)[0].Line)
}

func TestSpotifyAudioFeatures(t *testing.T) {
	handler, got := answer(t, http.StatusOK, `{"tempo":120.5,"energy":0,"danceability":0.4,"key":3}`)
	c, _ := serve(t, handler)
	f, err := c.Spotify.AudioFeatures(t.Context(), id1)
	if err != nil {
		t.Fatal(err)
	}
	want(t, providers.Features{Tempo: 120.5, Energy: 0, Danceability: 0.4}, f)
	want(t, "GET /v1/audio-features/"+id1, (*got)[0].Line)

	handler, _ = answer(t, http.StatusOK, `null`)
	c, _ = serve(t, handler)
	if f, err := c.Spotify.AudioFeatures(t.Context(), id1); err == nil {
		t.Errorf("features %+v out of an answer without any", f)
	}
}

func TestSpotifyCreatesAndFills(t *testing.T) {
	handler, got := answer(t, http.StatusCreated, `{"id":"p1","external_urls":{"spotify":"https://open.spotify.com/playlist/p1"},"snapshot_id":"s"}`)
	c, _ := serve(t, handler)
	made, err := c.Spotify.CreatePlaylist(t.Context(), strings.Repeat("n", 101), "two\nlines")
	if err != nil {
		t.Fatal(err)
	}
	want(t, providers.Created{ID: "p1", URL: "https://open.spotify.com/playlist/p1"}, made)
	if err := c.Spotify.AddItems(t.Context(), made.ID, []playlist.Track{{ID: id1}, {ID: id2}}); err != nil {
		t.Fatal(err)
	}
	want(t, []asked{
		{"POST /v1/me/playlists", "Bearer " + spotifyToken, `{"description":"two lines","name":"` + strings.Repeat("n", 99) + `…","public":false}`},
		{"POST /v1/playlists/p1/items", "Bearer " + spotifyToken, `{"uris":["spotify:track:` + id1 + `","spotify:track:` + id2 + `"]}`},
	}, *got)
}

func TestSpotifySendsNothingOdd(t *testing.T) {
	c, paid := serve(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s was sent", r.URL) })
	for name, call := range map[string]func() error{
		"a path for an id":   func() error { _, err := c.Spotify.AudioFeatures(t.Context(), "../me"); return err },
		"an empty id":        func() error { _, err := c.Spotify.AudioFeatures(t.Context(), ""); return err },
		"a path for a list":  func() error { _, _, err := c.Spotify.PlaylistItems(t.Context(), "x/y", 0); return err },
		"a path to add to":   func() error { return c.Spotify.AddItems(t.Context(), "x?y", nil) },
		"101 tracks at once": func() error { return c.Spotify.AddItems(t.Context(), "p1", make([]playlist.Track, 101)) },
	} {
		if err := call(); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if len(paid.routes) != 0 {
		t.Errorf("%d tokens were taken for requests that were not sent", len(paid.routes))
	}
}

func TestLastFM(t *testing.T) {
	for name, tc := range map[string]struct {
		body string
		want providers.TrackInfo
	}{
		"numbers as strings": {`{"track":{"listeners":"12","playcount":"34","toptags":{"tag":[{"name":"rock"},{"name":""},{"name":"90s"}]}}}`, providers.TrackInfo{Listeners: 12, Plays: 34, Tags: []string{"rock", "90s"}}},
		"numbers":            {`{"track":{"listeners":12,"playcount":34}}`, providers.TrackInfo{Listeners: 12, Plays: 34}},
		"no tags":            {`{"track":{"listeners":"","playcount":null,"toptags":""}}`, providers.TrackInfo{}},
		"one tag":            {`{"track":{"toptags":{"tag":{"name":"rock"}}}}`, providers.TrackInfo{Tags: []string{"rock"}}},
	} {
		t.Run(name, func(t *testing.T) {
			handler, got := answer(t, http.StatusOK, tc.body)
			c, _ := serve(t, handler)
			info, err := c.LastFM.TrackInfo(t.Context(), "Radiohead", "Creep & more")
			if err != nil {
				t.Fatal(err)
			}
			want(t, tc.want, info)
			want(t, "POST /2.0/", (*got)[0].Line) // the key is in no URL
			form, err := url.ParseQuery((*got)[0].Body)
			if err != nil {
				t.Fatal(err)
			}
			want(t, url.Values{
				"method": {"track.getInfo"}, "artist": {"Radiohead"}, "track": {"Creep & more"}, "autocorrect": {"1"}, "format": {"json"}, "api_key": {lastFMKey},
			}, form)
		})
	}

	handler, got := answer(t, http.StatusOK, `{"artist":{"stats":{"listeners":"5","playcount":"6"},"tags":{"tag":[{"name":"rock"}]},"similar":{"artist":[{"name":"Muse"},{"name":"Blur"}]}}}`)
	c, _ := serve(t, handler)
	info, err := c.LastFM.ArtistInfo(t.Context(), "Radiohead")
	if err != nil {
		t.Fatal(err)
	}
	want(t, providers.ArtistInfo{Listeners: 5, Plays: 6, Tags: []string{"rock"}, Similar: []string{"Muse", "Blur"}}, info)
	if body := (*got)[0].Body; !strings.Contains(body, "method=artist.getInfo") || !strings.Contains(body, "artist=Radiohead") {
		t.Errorf("the request is %s, want artist.getInfo for Radiohead", body)
	}
}

func TestAnthropic(t *testing.T) {
	tracing, propagator := otel.GetTracerProvider(), otel.GetTextMapPropagator()
	otel.SetTracerProvider(sdktrace.NewTracerProvider())
	otel.SetTextMapPropagator(propagation.TraceContext{})
	t.Cleanup(func() {
		otel.SetTracerProvider(tracing)
		otel.SetTextMapPropagator(propagator)
	})

	handler, got := answer(t, http.StatusOK, message())
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if id := r.Header.Get("Traceparent"); id != "" {
			t.Errorf("the request to the provider has the trace id %s of the process", id)
		}
		handler(w, r)
	})
	ctx, span := otel.Tracer("test").Start(t.Context(), "task")
	defer span.End()
	text, err := c.Anthropic.Ask(ctx, "Who?")
	if err != nil {
		t.Fatal(err)
	}
	want(t, "Hello.", text)
	if _, err := c.Anthropic.Narrate(ctx, "What?"); err != nil {
		t.Fatal(err)
	}
	for i, model := range []string{"claude-sonnet-5-5", "claude-haiku-5-5"} {
		want(t, "POST /v1/messages", (*got)[i].Line)
		want(t, anthropicKey, (*got)[i].Auth)
		var body struct {
			Model     string `json:"model"`
			MaxTokens int    `json:"max_tokens"`
		}
		if err := json.Unmarshal([]byte((*got)[i].Body), &body); err != nil {
			t.Fatal(err)
		}
		if body.Model != model || body.MaxTokens < 1 {
			t.Errorf("asked %s for %d tokens, want %s", body.Model, body.MaxTokens, model)
		}
	}
}

// The client ignores the environment variables that the SDK reads.
func TestAnthropicIgnoresTheEnvironment(t *testing.T) {
	t.Setenv("ANTHROPIC_API_KEY", "another key")
	t.Setenv("ANTHROPIC_AUTH_TOKEN", "another token")
	t.Setenv("ANTHROPIC_BASE_URL", "http://elsewhere.invalid")
	handler, got := answer(t, http.StatusOK, message())
	srv := httptest.NewServer(handler)
	base := &http.Transport{}
	defer func() {
		base.CloseIdleConnections()
		srv.Close()
	}()
	c, err := providers.NewClients(providers.ClientConfig{AnthropicURL: srv.URL, SpotifyURL: srv.URL, LastFMURL: srv.URL, Limiter: &payments{}, Base: base})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Anthropic.Ask(t.Context(), "Who?"); err != nil {
		t.Fatal(err)
	}
	want(t, "", (*got)[0].Auth)
}

// calls are one call of each client, for tests of what they have in common.
func calls(ctx context.Context, c *providers.Clients) map[string]func() error {
	return map[string]func() error{
		"anthropic": func() error { _, err := c.Anthropic.Ask(ctx, "Who?"); return err },
		"spotify":   func() error { _, err := c.Spotify.Search(ctx, "rock"); return err },
		"lastfm":    func() error { _, err := c.LastFM.ArtistInfo(ctx, "Radiohead"); return err },
	}
}

func TestOneCallIsOnePaidRequest(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"an answer": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `[]`) },
		"429": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "0")
			w.Header().Set("X-Should-Retry", "true")
			w.WriteHeader(http.StatusTooManyRequests)
		},
		"500": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusPermanentRedirect)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			arrivals := 0
			c, paid := serve(t, func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				arrivals++
				mu.Unlock()
				handler(w, r)
			})
			for api, call := range calls(t.Context(), c) {
				paid.routes, arrivals = nil, 0
				if err := call(); err == nil {
					t.Errorf("%s: no error", api)
				}
				want(t, []string{api}, paid.routes)
				want(t, 1, arrivals)
			}
		})
	}
}

func TestAPIErrors(t *testing.T) {
	date := "Mon, 23 Nov 2026 12:00:00 GMT"
	for _, tc := range []struct {
		name   string
		api    string
		status int
		header map[string]string
		body   string
		want   providers.APIError
		text   string
	}{
		{
			name: "claude is busy", api: "anthropic", status: 529, body: `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`,
			want: providers.APIError{Code: "overloaded_error", Message: "Overloaded"}, text: "anthropic: 529 (overloaded_error): Overloaded",
		},
		{
			name: "claude's rate", api: "anthropic", status: 429, header: map[string]string{"Retry-After": "7"}, body: `{"type":"error","error":{"type":"rate_limit_error","message":"Slow\ndown"}}`,
			want: providers.APIError{Code: "rate_limit_error", Message: "Slow down", RetryAfter: 7 * time.Second},
			text: "anthropic: 429 Too Many Requests (rate_limit_error): Slow down; retry after 7s",
		},
		{
			name: "claude moved", api: "anthropic", status: 307, header: map[string]string{"Location": "/x"},
			want: providers.APIError{Message: "redirects are not followed"}, text: "anthropic: 307 Temporary Redirect: redirects are not followed",
		},
		{
			name: "quota", api: "spotify", status: 429, header: map[string]string{"Retry-After": "86400"}, body: `{"error":{"status":429,"message":"Too many","reason":"QUOTA_EXCEEDED"}}`,
			want: providers.APIError{Code: "QUOTA_EXCEEDED", Message: "Too many", RetryAfter: 24 * time.Hour, Spent: true},
			text: "spotify: 429 Too Many Requests (QUOTA_EXCEEDED): Too many; the quota of the account is spent; retry after 24h0m0s",
		},
		{
			name: "claude's month", api: "anthropic", status: 429,
			body: `{"type":"error","error":{"type":"rate_limit_error","message":"The cap of this month is reached","details":{"error_code":"enforced_spend_limit_reached"}}}`,
			want: providers.APIError{Code: "enforced_spend_limit_reached", Message: "The cap of this month is reached", Spent: true},
			text: "anthropic: 429 Too Many Requests (enforced_spend_limit_reached): The cap of this month is reached; the quota of the account is spent",
		},
		{
			name: "claude's month in words", api: "anthropic", status: 429, header: map[string]string{"Retry-After": "300"},
			body: `{"type":"error","error":{"type":"rate_limit_error","message":"above the monthly spend limit"}}`,
			want: providers.APIError{Code: "rate_limit_error", Message: "above the monthly spend limit", Spent: true, RetryAfter: 5 * time.Minute},
			text: "anthropic: 429 Too Many Requests (rate_limit_error): above the monthly spend limit; the quota of the account is spent; retry after 5m0s",
		},
		{
			name: "claude's own limit", api: "anthropic", status: 400, body: `{"type":"error","error":{"type":"invalid_request_error","message":"your API usage limits are reached"}}`,
			want: providers.APIError{Code: "invalid_request_error", Message: "your API usage limits are reached", Spent: true},
			text: "anthropic: 400 Bad Request (invalid_request_error): your API usage limits are reached; the quota of the account is spent",
		},
		{
			name: "a gateway", api: "spotify", status: 502, body: "<html>Bad Gateway</html>",
			want: providers.APIError{}, text: "spotify: 502 Bad Gateway",
		},
		{
			name: "a date", api: "spotify", status: 503, header: map[string]string{"Date": date, "Retry-After": "Mon, 23 Nov 2026 12:01:30 GMT"},
			want: providers.APIError{RetryAfter: 90 * time.Second}, text: "spotify: 503 Service Unavailable; retry after 1m30s",
		},
		{
			name: "a date that is over", api: "spotify", status: 503, header: map[string]string{"Date": date, "Retry-After": "Mon, 23 Nov 2026 11:00:00 GMT"},
			want: providers.APIError{}, text: "spotify: 503 Service Unavailable",
		},
		{
			name: "a moment in Unix time", api: "lastfm", status: 503, header: map[string]string{"Date": date, "Retry-After": "1795435290"},
			want: providers.APIError{RetryAfter: 90 * time.Second}, text: "lastfm: 503 Service Unavailable; retry after 1m30s",
		},
		{
			name: "milliseconds", api: "anthropic", status: 429, header: map[string]string{"Retry-After": "1", "Retry-After-Ms": "350"},
			want: providers.APIError{RetryAfter: 350 * time.Millisecond}, text: "anthropic: 429 Too Many Requests; retry after 350ms",
		},
		{
			name: "half a second", api: "spotify", status: 429, header: map[string]string{"Retry-After": "0.5"},
			want: providers.APIError{RetryAfter: 500 * time.Millisecond}, text: "spotify: 429 Too Many Requests; retry after 500ms",
		},
		{
			name: "an endless wait", api: "spotify", status: 429, header: map[string]string{"Retry-After": "1e300"},
			want: providers.APIError{RetryAfter: limiter.LongestHold}, text: "spotify: 429 Too Many Requests; retry after 744h0m0s",
		},
		{
			name: "nonsense", api: "spotify", status: 429, header: map[string]string{"Retry-After": "NaN"},
			want: providers.APIError{}, text: "spotify: 429 Too Many Requests",
		},
		{
			name: "Last.fm's rate", api: "lastfm", status: 200, header: map[string]string{"Retry-After": "2"}, body: `{"error":"29","message":"Rate Limit Exceeded"}`,
			want: providers.APIError{Code: "29", Message: "Rate Limit Exceeded", RetryAfter: 2 * time.Second}, text: "lastfm: 200 (29): Rate Limit Exceeded; retry after 2s",
		},
		{
			name: "Last.fm's rate, without a time", api: "lastfm", status: 200, body: `{"error":29,"message":"Rate Limit Exceeded"}`,
			want: providers.APIError{Code: "29", Message: "Rate Limit Exceeded", RetryAfter: time.Second}, text: "lastfm: 200 (29): Rate Limit Exceeded; retry after 1s",
		},
		{
			name: "a status and no JSON", api: "lastfm", status: 500, body: "oops",
			want: providers.APIError{}, text: "lastfm: 500 Internal Server Error",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				for k, v := range tc.header {
					w.Header().Set(k, v)
				}
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.body)
			})
			err := calls(t.Context(), c)[tc.api]()
			got, ok := errors.AsType[*providers.APIError](err)
			if !ok {
				t.Fatalf("error %v, want an APIError", err)
			}
			tc.want.API, tc.want.Status = tc.api, tc.status
			got.Type = ""                                                // in most rows the code again
			got.RetryAfter = got.RetryAfter.Round(time.Millisecond * 50) // part of a pause may be over
			want(t, tc.want, *got)
			want(t, tc.text, got.Error())
		})
	}
}

func TestUnusableAnswers(t *testing.T) {
	for name, tc := range map[string]struct {
		kind, body string
		text       string
		claude     string // where that is another
	}{
		"no JSON":           {kind: "text/html", body: "<p>Sign in</p>", text: "the answer is not the JSON expected", claude: "the answer is not the stream of events expected"},
		"an endless one":    {kind: "application/json", body: strings.Repeat(" ", 4<<20+1), text: "the answer is longer than 4 MiB", claude: "the answer is not the stream of events expected"},
		"an endless stream": {kind: "text/event-stream", body: strings.Repeat(": x\n", 1<<20+1), text: "the answer is longer than 4 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", tc.kind)
				_, _ = io.WriteString(w, tc.body)
			})
			for api, call := range calls(t.Context(), c) {
				text := tc.text
				if api == "anthropic" && tc.claude != "" {
					text = tc.claude
				}
				if err := call(); err == nil || !strings.HasPrefix(err.Error(), api+": ") || !strings.HasSuffix(err.Error(), text) {
					t.Errorf("%s: error %v, want the end %q", api, err, text)
				}
			}
		})
	}
	t.Run("as long as may be", func(t *testing.T) {
		c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"tracks":{}}`+strings.Repeat(" ", 4<<20-13))
		})
		if _, err := c.Spotify.Search(t.Context(), "rock"); err != nil {
			t.Error(err)
		}
	})
}

func TestCancelledCall(t *testing.T) {
	arrived := make(chan struct{}, 1)
	c, _ := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // the server notices a hang-up only after it has read the body
		arrived <- struct{}{}
		<-r.Context().Done()
	})
	for api := range calls(t.Context(), c) {
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error, 1)
		go func() { failed <- calls(ctx, c)[api]() }()
		<-arrived
		cancel()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v, want context.Canceled", api, err)
		}
	}
}

func TestTimeout(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	base := &http.Transport{}
	defer func() {
		base.CloseIdleConnections()
		srv.Close()
	}()
	c, err := providers.NewClients(providers.ClientConfig{
		AnthropicURL: srv.URL, SpotifyURL: srv.URL, LastFMURL: srv.URL, Limiter: &payments{}, Base: base, Timeout: 20 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	for api, call := range calls(t.Context(), c) {
		if err := call(); err == nil || err.Error() != api+": no answer within 20ms" || !providers.Verdict(err).Again {
			t.Errorf("%s: error %v, want one that is worth another attempt", api, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	for api, call := range calls(ctx, c) {
		if err := call(); !errors.Is(err, context.DeadlineExceeded) || providers.Verdict(err).Again {
			t.Errorf("%s: error %v, want the caller's deadline", api, err)
		}
	}
}

func TestNewClientsRefuses(t *testing.T) {
	const local = "http://localhost:1"
	good := providers.ClientConfig{AnthropicURL: local, SpotifyURL: local, LastFMURL: local, Limiter: &payments{}}
	if _, err := providers.NewClients(good); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*providers.ClientConfig){
		"Limiter":                func(c *providers.ClientConfig) { c.Limiter = nil },
		"Timeout":                func(c *providers.ClientConfig) { c.Timeout = -1 },
		"AnthropicKey":           func(c *providers.ClientConfig) { c.AnthropicURL = "" },
		"SpotifyTokens":          func(c *providers.ClientConfig) { c.SpotifyURL = "" },
		"LastFMKey":              func(c *providers.ClientConfig) { c.LastFMURL = "" },
		"AnthropicURL":           func(c *providers.ClientConfig) { c.AnthropicURL = "canary:7777" },
		"SpotifyURL":             func(c *providers.ClientConfig) { c.SpotifyURL = "http://me:canary@localhost" },
		"LastFMURL":              func(c *providers.ClientConfig) { c.LastFMURL = "http://localhost/?api_key=canary" },
		"LastFMURL or LastFMKey": func(c *providers.ClientConfig) { c.LastFMURL = "http://canary%zz" },
	} {
		cfg := good
		spoil(&cfg)
		_, err := providers.NewClients(cfg)
		if err == nil || !strings.Contains(err.Error(), "ClientConfig."+name) && !strings.Contains(err.Error(), " or "+name) {
			t.Errorf("error %v, want one about %s", err, name)
		}
		if strings.Contains(fmt.Sprint(err), "canary") {
			t.Errorf("the error shows the value: %v", err)
		}
	}
}
