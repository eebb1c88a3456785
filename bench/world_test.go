package main

import (
	"context"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/lua"
)

func ownRedis(t *testing.T) *session {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("redis-server is not on the PATH")
		}
		t.Skip("redis-server is not on the PATH")
	}
	srv, err := startServer(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.stop)
	return &session{server: srv, quick: true, rounds: 1, progress: t.Output()}
}

// TestWorlds: both versions of the scripts make the worlds with the expected number of records. Each measured call runs exactly one
// script.
func TestWorlds(t *testing.T) {
	s, ctx := ownRedis(t), t.Context()
	for _, g := range []generation{present(), former()} {
		for name, c := range map[string]struct {
			make        func(w *world) error
			live        int
			fields, old int64 // of the namespace's hash, in this version and in the former
		}{
			emptyWorld:  {func(*world) error { return nil }, 1, 17, 19},
			liveWorld:   {func(w *world) error { return w.live(ctx, 3) }, 3, 17, 51},
			tenantWorld: {func(w *world) error { return w.use(ctx, 9) }, 4, 17, 31},
			deadWorld:   {func(w *world) error { return w.addDead(ctx, 70) }, 1, 17, 89},
		} {
			t.Run(g.name+" "+name, func(t *testing.T) {
				w, err := newWorld(ctx, s.rdb, g, strings.ReplaceAll(t.Name(), " ", "-"))
				if err != nil {
					t.Fatal(err)
				}
				if err := c.make(w); err != nil {
					t.Fatal(err)
				}
				want := c.fields
				if g.name == former().name {
					want = c.old
				}
				if n := s.rdb.HLen(ctx, w.keys.State()).Val(); n != want {
					t.Errorf("the namespace's hash has %d fields, want %d", n, want)
				}
				r, err := g.configure(ctx, s.rdb, w.keys, w.announcement("replica-0"))
				if err != nil || r.Live != c.live || r.Version != w.conf.Version || r.Epoch != "epoch" {
					t.Errorf("configure replied %+v, error %v, want %d live replicas and the version and epoch of the first configure", r, err, c.live)
				}
				if name == deadWorld { // the configure has forgotten 64 of 70 dead replicas; the former version forgets all
					left := s.rdb.ZCard(ctx, w.keys.Live()).Val() + s.rdb.HLen(ctx, w.keys.State()).Val()
					if want := map[bool]int64{true: 7 + 17, false: 19}[g.name == present().name]; left != want {
						t.Errorf("%d replicas and fields are left, want %d", left, want)
					}
				}
				for _, call := range w.calls() {
					took, err := s.took(ctx, 3, func() error { return call.do(ctx) })
					if runs := len(took[w.keys.State()]); err != nil || runs != 3 {
						t.Errorf("%s: 3 calls made %d runs of a script, error %v, want 3", call.name, runs, err)
					}
				}
			})
		}
	}
}

// TestReturnedServe: the reservations that a call returns serve its own asks. Of the further ones that were returned before, Redis keeps 64.
func TestReturnedServe(t *testing.T) {
	s, ctx := ownRedis(t), t.Context()
	w, err := newWorld(ctx, s.rdb, present(), "n")
	if err != nil {
		t.Fatal(err)
	}
	_, shared, _, _ := fleetLimits()
	limits := []lua.Limit{spent("x"), shared}
	do := w.returned(w.path(w.keys, "r", "x", limits), 300, 8, oneCall(), oneCall())
	for range 2 {
		if err := do(ctx); err != nil {
			t.Fatal(err)
		}
	}
	text, err := s.rdb.Get(ctx, w.keys.Spares(limits)).Result()
	if err != nil {
		t.Fatal(err)
	}
	if n := (len(strings.Fields(text)) - 3) / 2; n != 64 {
		t.Errorf("Redis keeps %d returned reservations, want 64", n)
	}
}

// TestFormerArguments: the former scripts get the same arguments as from the former version.
func TestFormerArguments(t *testing.T) {
	w := &world{}
	a := w.announcement("replica-0")
	a.Wish = a.Wish[:2]
	got := formerConfigureArgs(a)
	wish := "limit:1000000:api-0 10000000 1000000 10000000\nlimit:1000000:api-1 10000000 1000000 10000000"
	want := []any{
		"-", int64(0), "epoch", int64(0), "", int64(250_000), "replica-0", "replica-0", 0, formerDigest(wish), wish, "limit:3600000000:slow",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the arguments of configure are %q, want %q", got, want)
	}
	p, ok := former().path("n", "s", "x", []lua.Limit{spent("t"), a.Wish[0]}).(*formerPath)
	if !ok {
		t.Fatal("a path of the former version is not a *formerPath")
	}
	got = p.args(&lua.AcquireArgs{
		Seq: 7, Epoch: "e", Grants: 5, Version: 3, HorizonUS: 250_000, Backs: []lua.Back{{DueUS: 9, Costs: []int64{1, 2}}},
		Asks: []lua.Ask{{Count: 4, Costs: []int64{2}, PatienceUS: -1, AgeUS: 6}},
	})
	want = []any{
		"last:s:x", "spare:limit:3600000000:t limit:1000000:api-0", "7 5 250000 0 2 1", "2 e 3 ",
		"own:limit:3600000000:t", "2 1 3600000000 200 -", "limit:1000000:api-0", "2 10000000 1000000 10000000 ",
		"9 1,2", "4 2 -1 0 6",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the arguments of acquire are %q, want %q", got, want)
	}
}

// TestByKey: byKey returns only runs of scripts, by their first key.
func TestByKey(t *testing.T) {
	us := time.Microsecond
	got := byKey([]redis.SlowLog{
		{Args: []string{"evalsha", "d", "1", "a", "x"}, Duration: 30 * us},
		{Args: []string{"hgetall", "a"}, Duration: 20 * us},
		{Args: []string{"evalsha", "d", "2", "b", "c"}, Duration: 40 * us},
		{Args: []string{"evalsha", "e", "1", "a"}, Duration: 10 * us},
		{Args: []string{"evalsha", "d", "0"}, Duration: 50 * us},
	})
	if want := map[string][]float64{"a": {30, 10}, "b": {40}}; !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("byKey returns %v, want %v", got, want)
	}
}

func TestQuantileOf(t *testing.T) {
	for _, c := range []struct{ q, want float64 }{{0.5, 2}, {0.9, 4}, {0.25, 1}, {1, 4}} {
		if got := quantile([]float64{3, 1, 4, 2}, c.q); got != c.want {
			t.Errorf("quantile %v is %v, want %v", c.q, got, c.want)
		}
	}
}
