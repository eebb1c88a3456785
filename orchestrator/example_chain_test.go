package orchestrator_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

// catalogue is a client of an API that finds tracks and measures them. It takes a second to answer.
type catalogue struct{}

func (catalogue) search(_ context.Context, query string) ([]string, error) {
	time.Sleep(time.Second)
	return []string{query + " one", query + " two"}, nil
}

func (catalogue) tempo(_ context.Context, track string) (int, error) {
	time.Sleep(time.Second)
	return 10 * len(track), nil
}

// tags is a client of an API that describes tracks. It takes a second to answer.
type tags struct{}

func (tags) describe(_ context.Context, track string) (string, error) {
	time.Sleep(time.Second)
	return "#" + track, nil
}

// describeFast finds tracks, measures them, and describes the fast ones. Failures are left out of the result, and joined in
// the error.
func describeFast(ctx context.Context, o *orchestrator.Orchestrator, queries []string) ([]string, error) {
	searches, err := orchestrator.Map(ctx, o, "", queries, catalogue{}.search, orchestrator.Route("catalogue"))
	if err != nil {
		return nil, err
	}
	found, searchErr := searches.Values(ctx)
	tracks := slices.Concat(found...)
	tempos, err := orchestrator.Map(ctx, o, "", tracks, catalogue{}.tempo, orchestrator.Route("catalogue"))
	if err != nil {
		return nil, err
	}
	beats, tempoErr := tempos.Values(ctx)
	lookups, err := orchestrator.Map(ctx, o, "", fast(tracks, beats), tags{}.describe, orchestrator.Route("tags"))
	if err != nil {
		return nil, err
	}
	described, tagErr := lookups.Values(ctx)
	return described, errors.Join(searchErr, tempoErr, tagErr)
}

// fast returns the tracks with 100 beats a minute or more. It leaves out tracks whose tempo is missing.
func fast(tracks []string, beats []int) (some []string) {
	for i, n := range beats {
		if n >= 100 {
			some = append(some, tracks[i])
		}
	}
	return some
}

// In a chain each batch is made of the results of the batch before. Within a batch the requests run side by side.
func Example_chain() {
	inVirtualTime(func(t *testing.T) { // so that the seconds below take no time
		l, err := limiter.NewMemory(limiter.Config{
			Buckets: map[string][]limiter.Limit{
				"catalogue": {limiter.PerSecond(200, 10)},
				"tags":      {limiter.PerSecond(100, 5)},
			},
			Routes: map[string][]string{"catalogue": {"catalogue"}, "tags": {"tags"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close(t.Context()) }()
		o, err := orchestrator.New(orchestrator.Config{Limiter: l})
		if err != nil {
			t.Fatal(err)
		}

		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		described, err := describeFast(ctx, o, []string{"rain", "sunset"})
		if err != nil {
			fmt.Println(err) // and go on with the tracks that were found
		}
		for _, text := range described {
			fmt.Println(text)
		}
		fmt.Println("three batches, and three times a second:", time.Since(start).Round(time.Millisecond))
	})
	// Output:
	// #sunset one
	// #sunset two
	// three batches, and three times a second: 3s
}
