package worker_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"time"

	"github.com/weir-go/weir/orchestrator"
	"github.com/weir-go/weir/worker/playlist"
	"github.com/weir-go/weir/worker/providers"
	"github.com/weir-go/weir/worker/sse"
	"github.com/weir-go/weir/worker/upstream"
)

// analyzePipelined is the analysis of analyzeBefore with weir. The calls of a phase run side by side, as the budget of the fleet allows.
// Progress delays no call. At the end of a phase the client has all its events.
func analyzePipelined(ctx context.Context, s *stage, stream *progress, queries []string) error {
	// Phase 1: search.
	stream.writeAsync("thinking", "Searching for tracks")
	searches, err := orchestrator.Map(ctx, s.orch, "searches", queries, s.clients.Spotify.Search, orchestrator.Route(providers.APISpotify))
	if err != nil {
		return err
	}
	found, err := searches.Values(ctx)
	if err != nil {
		return fmt.Errorf("search: %w", err)
	}
	tracks := slices.Concat(found...)
	if err := stream.flush(ctx); err != nil { // before the phase that takes long
		return err
	}

	// Phase 2: enrich, and report progress.
	stream.writeAsync("thinking", fmt.Sprintf("Enriching %d tracks", len(tracks)))
	enrich := func(ctx context.Context, t playlist.Track) (providers.TrackInfo, error) {
		return s.clients.LastFM.TrackInfo(ctx, t.Artists[0], t.Name)
	}
	infos, err := orchestrator.Map(ctx, s.orch, "enrich-tracks", tracks, enrich, orchestrator.Route(providers.APILastFM))
	if err != nil {
		return err
	}
	plays, n := int64(0), 0
	for _, out := range infos.Completed(ctx) { // in the order in which they end
		plays += out.Value.Plays
		if n++; n%10 == 0 {
			stream.writeAsync("thinking", fmt.Sprintf("Enriched %d of %d tracks", n, len(tracks)))
		}
	}
	if _, err := infos.Values(ctx); err != nil {
		return fmt.Errorf("enrich: %w", err)
	}
	if err := stream.flush(ctx); err != nil { // before the result
		return err
	}

	// The result has to arrive.
	return stream.write(ctx, "done", fmt.Sprintf("%d tracks were played, more than once: %t", len(tracks), plays > int64(len(tracks))))
}

// The same analysis with weir: phases of calls side by side, progress that delays nothing, and flush points between the phases.
func Example_pipeline() {
	show(analyzePipelined, true)
	// Output:
	// thinking: Searching for tracks
	// thinking: Enriching 50 tracks
	// thinking: Enriched 10 of 50 tracks
	// thinking: Enriched 20 of 50 tracks
	// thinking: Enriched 30 of 50 tracks
	// thinking: Enriched 40 of 50 tracks
	// thinking: Enriched 50 of 50 tracks
	// done: 50 tracks were played, more than once: true
	// 55 requests, 0 refused; side by side: true
}

type analysisFunc func(context.Context, *stage, *progress, []string) error

// queries find ten tracks each.
func queries() []string { return []string{"rain", "night drive", "slow", "brass", "tape"} }

// show runs an analysis for a client that follows it as a browser does, and prints what the client sees.
func show(analyze analysisFunc, weir bool) {
	s, err := newStage(upstream.Config{
		Total: upstream.Limit{Rate: 1000, Burst: 100}, Slack: time.Second, Latency: upstream.Latency{Min: time.Millisecond, Max: 4 * time.Millisecond},
	}, weir)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.close(context.Background())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out, err := sse.NewWriter(w)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		stream := newProgress()
		go follow(r.Context(), s, stream, analyze)
		_ = out.Serve(r.Context(), stream.follow()) // the analysis ends with the request, so also if the client leaves
	}))
	defer server.Close()
	res, err := http.Get(server.URL) //nolint:noctx // an example
	if err != nil {
		fmt.Println(err)
		return
	}
	defer res.Body.Close()
	for ev, err := range sse.Read(res.Body) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s: %s\n", ev.Name, ev.Data)
	}
	stats := s.provider.Stats()
	fmt.Printf("%d requests, %d refused; side by side: %t\n", stats.Total, stats.Refused, s.sideBySide() > 1)
}

// follow runs an analysis whose progress somebody follows.
func follow(ctx context.Context, s *stage, stream *progress, analyze analysisFunc) {
	defer stream.end()
	if err := analyze(ctx, s, stream, queries()); err != nil {
		stream.writeAsync("error", err.Error())
	}
}
