package providers_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/providers"
)

// TestLastFMReportsItsPauses: the reservation of the refused call reports each pause to the fleet, and during a pause nothing is sent.
func TestLastFMReportsItsPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, err := limiter.NewMemory(limiter.Config{
			Buckets: map[string][]limiter.Limit{"lastfm": {limiter.PerSecond(1000, 1000)}},
			Routes:  map[string][]string{"lastfm": {"lastfm"}, "spotify": {"lastfm"}, "anthropic": {"lastfm"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := l.Close(context.Background()); err != nil {
				t.Error(err)
			}
		}()
		body, calls := "", 0
		const local, refusal, artist = "http://localhost:1", `{"error":29,"message":"Rate Limit Exceeded"}`, `{"artist":{}}`
		c, err := providers.NewClients(providers.ClientConfig{
			AnthropicURL: local, SpotifyURL: local, LastFMURL: local, Limiter: l,
			Base: tripFunc(func(*http.Request) (*http.Response, error) {
				calls++
				return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		for i, step := range []struct {
			body string
			shut time.Duration
		}{{refusal, time.Second}, {refusal, 2 * time.Second}, {refusal, 4 * time.Second}, {artist, 0}, {refusal, time.Second}} {
			r, err := l.Reserve(t.Context(), "lastfm")
			if err != nil {
				t.Fatal(err)
			}
			body = step.body
			_, err = c.LastFM.ArtistInfo(limiter.NewContext(t.Context(), r), "Radiohead")
			if denied, ok := errors.AsType[*providers.APIError](err); ok != (step.shut > 0) || ok && denied.RetryAfter != step.shut {
				t.Errorf("call %d: error %v, want a refusal with a pause of %v, none for 0", i, err, step.shut)
			}
			d, err := l.Decide(t.Context(), "lastfm", 1)
			if d.RetryAfter.Round(10*time.Millisecond) != step.shut || err != nil {
				t.Errorf("call %d: the bucket is shut for %v, want %v; %v", i, d.RetryAfter, step.shut, err)
			}
			if step.shut == 0 {
				continue
			}
			before := calls
			time.Sleep(step.shut - time.Millisecond)
			_, err = c.LastFM.ArtistInfo(t.Context(), "Radiohead")
			if v := providers.Verdict(err); calls != before || !errors.Is(err, providers.ErrNotSent) || !v.Again || !v.Throttled || v.After != time.Millisecond {
				t.Errorf("in pause %d: error %v, verdict %+v, %d calls were sent, want ErrNotSent and none", i, err, v, calls-before)
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
}
