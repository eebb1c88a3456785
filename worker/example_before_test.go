package worker_test

import (
	"context"
	"fmt"

	"github.com/weir-go/weir/worker/playlist"
)

// analyzeBefore is an analysis as people write it first: each call waits for the call before, and for the client that takes each line.
func analyzeBefore(ctx context.Context, s *stage, stream *progress, queries []string) error {
	if err := stream.write(ctx, "thinking", "Searching for tracks"); err != nil {
		return err
	}
	var tracks []playlist.Track
	for _, q := range queries {
		found, err := s.clients.Spotify.Search(ctx, q)
		if err != nil {
			return fmt.Errorf("search: %w", err)
		}
		tracks = append(tracks, found...)
	}
	if err := stream.write(ctx, "thinking", fmt.Sprintf("Enriching %d tracks", len(tracks))); err != nil {
		return err
	}
	plays := int64(0)
	for i, t := range tracks {
		info, err := s.clients.LastFM.TrackInfo(ctx, t.Artists[0], t.Name)
		if err != nil {
			return fmt.Errorf("enrich: %w", err)
		}
		plays += info.Plays
		if n := i + 1; n%10 == 0 {
			if err := stream.write(ctx, "thinking", fmt.Sprintf("Enriched %d of %d tracks", n, len(tracks))); err != nil {
				return err
			}
		}
	}
	return stream.write(ctx, "done", fmt.Sprintf("%d tracks were played, more than once: %t", len(tracks), plays > int64(len(tracks))))
}

// An analysis without weir: one call after the other, nothing limited, nothing tried again. Example (Pipeline) is the same analysis with weir.
func Example_before() {
	show(analyzeBefore, false)
	// Output:
	// thinking: Searching for tracks
	// thinking: Enriching 50 tracks
	// thinking: Enriched 10 of 50 tracks
	// thinking: Enriched 20 of 50 tracks
	// thinking: Enriched 30 of 50 tracks
	// thinking: Enriched 40 of 50 tracks
	// thinking: Enriched 50 of 50 tracks
	// done: 50 tracks were played, more than once: true
	// 55 requests, 0 refused; side by side: false
}
