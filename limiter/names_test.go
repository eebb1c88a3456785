package limiter_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
)

// craftedName returns a random name that looks like a part of a key, or like a pattern.
func craftedName(rnd *rand.Rand) string {
	parts := []string{":", "a", "1", "1000000", "own", "state", "line:", "limit:", "window:", "spares", "*", "?", "[a]", `\`, `"`, "%", "é", "\u2028", "-1", "0"}
	var b strings.Builder
	for range 1 + rnd.IntN(4) {
		b.WriteString(parts[rnd.IntN(len(parts))])
	}
	return b.String()
}

// TestCraftedNamesShareNothing: two namespaces, and two buckets of one namespace, share no tokens and no keys, whatever their names are.
// All keys of a namespace have the same hash tag, so that they are in one slot of a cluster.
func TestCraftedNamesShareNothing(t *testing.T) {
	for seed := range uint64(few(100, 1000)) {
		synctest.Test(t, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 3))
			var names []string
			for len(names) < 4 {
				if name := craftedName(rnd); !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
			m, rdb := limitertest.Redis(t)
			owned := map[string]string{} // the namespace of each key
			for _, namespace := range names[:2] {
				l, err := limiter.New(t.Context(), rdb, limiter.Config{
					Namespace: namespace, Buckets: map[string][]limiter.Limit{names[2]: {limiter.PerSecond(1, 3)}}, Replica: names[3], Publish: -1,
				})
				if err != nil {
					t.Fatal(err)
				}
				if err := l.AddRoute(names[3], limiter.Bucket{Name: names[3], Limits: []limiter.Limit{limiter.PerSecond(1, 2), limiter.PerWindow(3, 1000000)}}); err != nil {
					t.Fatal(err)
				}
				for _, of := range []struct {
					route string
					burst int
				}{{names[2], 3}, {names[3], 2}} {
					for k := range of.burst + 1 {
						if ok, err := l.Allow(t.Context(), of.route); err != nil || ok != (k < of.burst) {
							t.Errorf("%q: call %d of route %q: %v, %v", names, k, of.route, ok, err)
						}
					}
				}
				for _, key := range m.Keys() {
					if owner, ok := owned[key]; ok && owner != namespace {
						continue
					}
					if owned[key] = namespace; !strings.HasPrefix(key, "{"+namespace+"}:") {
						t.Errorf("%q: the namespace %q has written %q", names, namespace, key)
					}
				}
				defer l.Close(t.Context()) //nolint:errcheck // the bubble ends
			}
		})
	}
}
