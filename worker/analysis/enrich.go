package analysis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/weir-go/weir/orchestrator"
	"github.com/weir-go/weir/worker/playlist"
	"github.com/weir-go/weir/worker/providers"
)

// enrich looks up the tracks and artists, in three concurrent batches.
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
	granted, denied, endFeatures := closable(ctx)
	defer endFeatures(nil)
	served, refused, endLastFM := closable(ctx)
	defer endLastFM(nil)
	var measured featuresFound
	beside := func(err *error, lookup func() error) { batches.Go(func() { *err = caught(lookup) }) }
	beside(&errs[0], func() (err error) {
		r.events <- event{phase: PhaseFeatures, planned: len(l.withID), text: "Listening to the tracks."}
		s := step{phase: PhaseFeatures, api: providers.APISpotify, name: "spotify.audio-features"}
		features, err = many(granted, r, s, l.withID, func(ctx context.Context, t playlist.Track) (providers.Features, error) {
			f, err := r.clients.Spotify.AudioFeatures(ctx, t.ID)
			denied(measured.note(err))
			return f, err
		}, quarter)
		return err
	})
	beside(&errs[1], func() (err error) {
		r.events <- event{phase: PhaseTracks, planned: len(l.credited), text: "Asking Last.fm about the tracks."}
		s := step{phase: PhaseTracks, api: providers.APILastFM, name: "lastfm.track"}
		tracks, err = many(served, r, s, l.credited, func(ctx context.Context, t playlist.Track) (providers.TrackInfo, error) {
			info, err := r.clients.LastFM.TrackInfo(ctx, artist(t), t.Name)
			refused(err)
			return info, err
		}, quarter)
		return err
	})
	beside(&errs[2], func() (err error) {
		r.events <- event{phase: PhaseArtists, planned: len(l.artists), text: "Asking Last.fm about the artists."}
		s := step{phase: PhaseArtists, api: providers.APILastFM, name: "lastfm.artist"}
		artists, err = many(served, r, s, l.artists, func(ctx context.Context, name string) (providers.ArtistInfo, error) {
			info, err := r.clients.LastFM.ArtistInfo(ctx, name)
			refused(err)
			return info, err
		}, quarter)
		return err
	})
	batches.Wait()
	if err := failed(ctx, "look up tracks and artists", errors.Join(errs[:]...)); err != nil {
		return err
	}

	if closedBy(granted) != nil {
		r.result.AudioFeatures = FeaturesDenied
		r.note("Spotify denies audio features to this application; tempo, energy and danceability are missing")
	} else {
		r.result.average(found(ctx, r, "audio features", features))
	}
	if err := closedBy(served); err != nil {
		r.note("Last.fm was not asked for the rest: " + err.Error())
	}
	known := r.lastFM(ctx, served, tracks, artists)
	tags, similar := tagsAndSimilar(r.list, known.tracks, known.artists)
	r.result.Tags = append(r.result.Tags, tags...)
	r.result.SimilarArtists = append(r.result.SimilarArtists, similar...)
	return nil
}

// known is the information of Last.fm.
type known struct {
	tracks  []providers.TrackInfo
	artists []providers.ArtistInfo
}

// lastFM returns the results of the tasks of two batches. It notes how many tracks and artists Last.fm does not know,
// and failures, unless Last.fm has refused all calls.
func (r *run) lastFM(ctx, served context.Context, tracks *orchestrator.Batch[providers.TrackInfo], artists *orchestrator.Batch[providers.ArtistInfo]) (k known) {
	if closedBy(served) != nil {
		k.tracks, _ = tracks.Values(ctx)
		k.artists, _ = artists.Values(ctx)
	} else {
		k.tracks, k.artists = found(ctx, r, "tracks on Last.fm", tracks), found(ctx, r, "artists on Last.fm", artists)
	}
	noTracks, noArtists := 0, 0
	for _, t := range k.tracks {
		if t.Unknown {
			noTracks++
		}
	}
	for _, a := range k.artists {
		if a.Unknown {
			noArtists++
		}
	}
	if noTracks+noArtists > 0 {
		r.note(fmt.Sprintf("Last.fm does not know %d of the tracks and %d of the artists", noTracks, noArtists))
	}
	return k
}
