package analysis

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/weir-go/weir/orchestrator"
	"github.com/weir-go/weir/worker/playlist"
	"github.com/weir-go/weir/worker/providers"
)

// errDenied ends the batch of audio features with the first denial: the provider means all of them.
var errDenied = errors.New("audio features are denied")

// enrich asks for everything about the tracks and artists, three batches side by side.
func (r *run) enrich(ctx context.Context, l *lookups) error {
	r.narrate(ctx, fmt.Sprintf("%d new tracks were found, among them %s", len(r.result.Found), someFound(r.result.Found)))
	var ended atomic.Int64
	remarkable := quarters(l.total())
	quarter := func() {
		if n := ended.Add(1); slices.Contains(remarkable, int(n)) {
			r.narrate(ctx, fmt.Sprintf("%d of %d questions about the tracks and artists are answered; some of the artists are %s",
				n, l.total(), strings.Join(l.artists[:min(len(l.artists), 5)], ", ")))
		}
	}
	var (
		batches  sync.WaitGroup
		errs     [3]error
		features *orchestrator.Batch[providers.Features]
		tracks   *orchestrator.Batch[providers.TrackInfo]
		artists  *orchestrator.Batch[providers.ArtistInfo]
	)
	granted, deny := context.WithCancelCause(ctx)
	defer deny(nil)
	beside := func(err *error, lookup func() error) { batches.Go(func() { *err = caught(lookup) }) }
	beside(&errs[0], func() (err error) {
		r.events <- event{phase: PhaseFeatures, planned: len(l.withID), text: "Listening to the tracks."}
		s := step{PhaseFeatures, providers.APISpotify, "spotify.audio-features"}
		features, err = many(granted, r, s, l.withID, func(ctx context.Context, t playlist.Track) (providers.Features, error) {
			f, err := r.clients.Spotify.AudioFeatures(ctx, t.ID)
			if answer, ok := errors.AsType[*providers.APIError](err); ok && answer.Status == http.StatusForbidden {
				deny(errDenied)
			}
			return f, err
		}, quarter)
		return err
	})
	beside(&errs[1], func() (err error) {
		r.events <- event{phase: PhaseTracks, planned: len(l.credited), text: "Asking Last.fm about the tracks."}
		s := step{PhaseTracks, providers.APILastFM, "lastfm.track"}
		tracks, err = many(ctx, r, s, l.credited, func(ctx context.Context, t playlist.Track) (providers.TrackInfo, error) {
			return r.clients.LastFM.TrackInfo(ctx, artist(t), t.Name)
		}, quarter)
		return err
	})
	beside(&errs[2], func() (err error) {
		r.events <- event{phase: PhaseArtists, planned: len(l.artists), text: "Asking Last.fm about the artists."}
		s := step{PhaseArtists, providers.APILastFM, "lastfm.artist"}
		artists, err = many(ctx, r, s, l.artists, r.clients.LastFM.ArtistInfo, quarter)
		return err
	})
	batches.Wait()
	if err := failed(ctx, "look up tracks and artists", errors.Join(errs[:]...)); err != nil {
		return err
	}

	if errors.Is(context.Cause(granted), errDenied) {
		r.result.AudioFeatures = FeaturesDenied
		r.note("Spotify denies audio features to this application; tempo, energy and danceability are missing")
	} else {
		r.result.average(found(ctx, r, "audio features", features))
	}
	tags, similar := tagsAndSimilar(r.list, found(ctx, r, "tracks on Last.fm", tracks), found(ctx, r, "artists on Last.fm", artists))
	r.result.Tags = append(r.result.Tags, tags...)
	r.result.SimilarArtists = append(r.result.SimilarArtists, similar...)
	return nil
}
