package limiter_test

import (
	"context"
	"crypto/sha1" //nolint:gosec // by which Redis names scripts
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
	"github.com/weir-go/weir/lua"
)

// formerScripts is a hook of a client that replaces the scripts of this version by those of a former version. testdata/former has the
// scripts of the oldest version whose records have the same words as today's. The arguments have not changed since then.
type formerScripts struct{ texts, hashes map[string]string } // by today's text and by today's digest

func readFormer(t *testing.T) formerScripts {
	t.Helper()
	f := formerScripts{map[string]string{}, map[string]string{}}
	for name, text := range lua.Sources() {
		if name == "heartbeat" {
			continue // its records are only for display
		}
		former, err := os.ReadFile("testdata/former/" + name + ".lua")
		if err != nil {
			t.Fatal(err)
		}
		f.texts[text], f.hashes[digestOf(text)] = string(former), digestOf(string(former))
	}
	return f
}

func digestOf(text string) string {
	sum := sha1.Sum([]byte(text)) //nolint:gosec // by which Redis names scripts
	return hex.EncodeToString(sum[:])
}

func (f formerScripts) DialHook(next redis.DialHook) redis.DialHook { return next }

func (f formerScripts) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (f formerScripts) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if args := cmd.Args(); len(args) > 2 {
			if text, ok := args[1].(string); ok {
				switch cmd.Name() {
				case "eval":
					args[1] = or(f.texts, text)
				case "evalsha":
					args[1] = or(f.hashes, text)
				}
			}
		}
		return next(ctx, cmd)
	}
}

// or returns the replacement of a text, or the text itself.
func or(of map[string]string, text string) string {
	if former, ok := of[text]; ok {
		return former
	}
	return text
}

// mixed is a fleet in which some replicas run the scripts of a former version.
type mixed struct {
	t       *testing.T
	options *redis.Options
	cfg     limiter.Config
	former  formerScripts
	journal *journal
	fleet   []*worker
}

// worker is a replica whose callers make one call after the other.
type worker struct {
	*limiter.Limiter

	stop    context.CancelFunc
	callers sync.WaitGroup
}

func (m *mixed) add(former bool) {
	m.t.Helper()
	rdb := redis.NewClient(m.options)
	m.t.Cleanup(func() { _ = rdb.Close() })
	if former {
		rdb.AddHook(m.former)
	}
	l, err := limiter.New(m.t.Context(), rdb, waits(m.cfg))
	if err != nil {
		m.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(m.t.Context())
	w := &worker{Limiter: l, stop: stop}
	for range 10 {
		w.callers.Go(func() {
			for m.journal.wait(ctx, l, 1) == nil {
			}
		})
	}
	m.fleet = append(m.fleet, w)
}

// end ends the oldest replica.
func (m *mixed) end() {
	w := m.fleet[0]
	m.fleet = m.fleet[1:]
	w.stop()
	w.callers.Wait()
	closeLimiter(m.t, w.Limiter)
}

// TestTwoVersionsInOneFleet: replicas with the former scripts are replaced, one after the other, by replicas with today's scripts, and then
// back again. The starts keep the law, the fleet uses the rate, and each version keeps the holds that the other has recorded.
func TestTwoVersionsInOneFleet(t *testing.T) {
	former := readFormer(t)
	for _, c := range []struct {
		limit limiter.Limit
		least float64 // smallest used share of the rate
	}{
		{limiter.PerSecond(34, 4), 0.99},
		{limiter.PerSecond(40, 40), 0.99},
		{limiter.PerSecond(5, 1), 0.95},
		{limiter.PerWindow(30, 10*time.Second), 0.8}, // its tokens come in groups, and a replica that ends loses some of them
		{limiter.Limit{Tokens: 90, Per: time.Minute, Burst: 30}, 0.95},
	} {
		t.Run(strings.ReplaceAll(c.limit.String(), " ", "_"), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server, _ := limitertest.Redis(t)
				m := &mixed{
					t: t, options: limitertest.Options(server), former: former, journal: &journal{},
					cfg: config(map[string][]limiter.Limit{"global": {c.limit}}, nil),
				}
				m.cfg.Publish = -1
				for range 4 {
					m.add(true)
				}
				for i := range 8 {
					time.Sleep(15 * time.Second)
					m.end()
					m.add(i >= 4)
				}
				for range 2 { // until half of the fleet has the other version
					m.end()
					m.add(false)
				}
				time.Sleep(15 * time.Second)
				starts := m.journal.since(time.Time{})
				if u := used(starts, c.limit.Rate()); u < c.least {
					t.Errorf("the fleet used %.3f of the rate, want %.2f", u, c.least)
				}
				for _, by := range []int{0, 3} {
					if err := m.fleet[by].Report(t.Context(), "global", limiter.Throttled{RetryAfter: 40 * time.Second}); err != nil {
						t.Errorf("replica %d: %v", by, err)
					}
					time.Sleep(limiter.DefaultHorizon + limiter.DefaultSlack)
					from := time.Now()
					time.Sleep(30 * time.Second)
					if n := len(m.journal.since(from)); n > 0 {
						t.Errorf("replica %d reported a hold of 40 s, and %d calls started in it", by, n)
					}
					time.Sleep(20 * time.Second)
					if len(m.journal.since(from)) == 0 {
						t.Errorf("no call started after the hold of replica %d", by)
					}
				}
				for len(m.fleet) > 0 {
					m.end()
				}
				m.journal.law(t, c.limit, limiter.DefaultSlack)
				t.Logf("%d calls, used %.3f", len(starts), used(starts, c.limit.Rate()))
			})
		})
	}
}

// TestFormerVersionIsRefused: the former scripts have other records. From the first replica of this version on they reply which version
// they have found, and change nothing. Their earlier grants and the later grants of this version together keep the law.
func TestFormerVersionIsRefused(t *testing.T) {
	script := func(name string) *redis.Script {
		text, err := os.ReadFile("../bench/testdata/former/" + name + ".lua")
		if err != nil {
			t.Fatal(err)
		}
		return redis.NewScript(string(text))
	}
	configure, acquire := script("configure"), script("plain")
	synctest.Test(t, func(t *testing.T) {
		server, rdb := limitertest.Redis(t)
		begin := func() (any, error) {
			return configure.Run(t.Context(), rdb, []string{stateKey}, "-", 0, "former-epoch", 0, "", 250000, "former", "session", 0, "digest",
				"limit:1000000:global 10 1000000 5", "").Result()
		}
		seq := 0
		take := func() (string, error) {
			seq++
			return acquire.Run(t.Context(), rdb, []string{stateKey}, "last:session:lane", "spare:limit:1000000:global", fmt.Sprint(seq, " 0 250000 0 1 0"),
				"2 former-epoch 1 ", "limit:1000000:global", "2 10 1000000 5 ", "1 1 -1 0 0").Text()
		}
		if raw, err := begin(); err != nil || len(raw.([]any)) < 3 {
			t.Fatalf("configure of the former version replies %v, %v", raw, err)
		}
		j := &journal{}
		for text := ""; text != "6"; { // until a call would have to queue
			var err error
			if text, err = take(); err != nil || text != "6" && !strings.HasPrefix(text, "0 ") {
				t.Fatalf("acquire of the former version replies %q, %v", text, err)
			}
			if words := strings.Fields(text); len(words) == 10 {
				due, err := time.ParseDuration(words[7] + "us")
				if err != nil {
					t.Fatal(err)
				}
				j.starts = append(j.starts, start{at: time.Now().Add(due), cost: 1})
			}
		}
		if len(j.starts) != 7 {
			t.Fatalf("the former version granted %d calls, want the burst and the two of a horizon", len(j.starts))
		}
		l, _ := member(t, limitertest.Options(server), config(map[string][]limiter.Limit{"global": {limiter.PerSecond(10, 5)}}, nil))
		defer closeLimiter(t, l)
		before := server.Dump()
		if text, err := take(); err != nil || text != "5 4" {
			t.Errorf("acquire of the former version replies %q, %v, want 5 4", text, err)
		}
		if raw, err := begin(); err != nil || raw != "newer 4" {
			t.Errorf("configure of the former version replies %v, %v, want newer 4", raw, err)
		}
		if after := server.Dump(); after != before {
			t.Errorf("the former version changed the data: before\n%s\nafter\n%s", before, after)
		}
		var waiting sync.WaitGroup
		for range 20 {
			waiting.Go(func() {
				if err := j.wait(t.Context(), l, 1); err != nil {
					t.Error(err)
				}
			})
		}
		waiting.Wait()
		j.law(t, limiter.PerSecond(10, 5), limiter.DefaultSlack)
	})
}
