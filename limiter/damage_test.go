package limiter_test

import (
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
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

// damages returns functions that damage the text of a record. Those that replace a number replace number n.
func damages() map[string]func(text string, n int) string {
	word := regexp.MustCompile(`-?\d+`)
	number := func(by string) func(string, int) string {
		return func(text string, n int) string {
			all := word.FindAllStringIndex(text, -1)
			if len(all) == 0 {
				return by
			}
			at := all[n%len(all)]
			return text[:at[0]] + by + text[at[1]:]
		}
	}
	return map[string]func(string, int) string{
		"text":          func(string, int) string { return "no record" },
		"nothing":       func(string, int) string { return "" },
		"half":          func(text string, _ int) string { return text[:len(text)/2] },
		"an older one":  func(text string, _ int) string { return "2" + strings.TrimPrefix(text, "3") },
		"NaN":           number("nan"),
		"0":             number("0"),
		"negative":      number("-5"),
		"2^53":          number("9007199254740992"),
		"2^53 - 2":      number("9007199254740990"),
		"26 digits":     number("12345678901234567890123456"),
		"a fraction":    number("1.5"),
		"another":       number("77"),
		"an exponent":   number("1e300"),
		"a new version": func(text string, _ int) string { return "4" + strings.TrimPrefix(text, "3") },
	}
}

// damaged is a world in which a test damages records of one kind while the limiter uses them.
type damaged struct {
	rdb    *redis.Client
	fleet  []*limiter.Limiter
	limits map[string]limiter.Limit
	mu     sync.Mutex
	starts map[string][]time.Time // by route
}

func newDamaged(t *testing.T, rdb *redis.Client, options func() *redis.Options) *damaged {
	d := &damaged{rdb: rdb, starts: map[string][]time.Time{}, limits: map[string]limiter.Limit{
		"global": limiter.PerSecond(4, 4), "slow": {Tokens: 15, Per: time.Minute, Burst: 15},
		"window": limiter.PerWindow(6, 5*time.Second), "long": limiter.PerWindow(20, 20*time.Second), "tenant": limiter.PerSecond(2, 2),
	}}
	cfg := config(map[string][]limiter.Limit{
		"global": {d.limits["global"]}, "slow": {d.limits["slow"]}, "window": {d.limits["window"]}, "long": {d.limits["long"]},
		"told": {limiter.PerSecond(1, 1)}, "given": {limiter.PerSecond(20, 1)},
	}, nil)
	for range 2 {
		l, _ := member(t, options(), cfg)
		d.fleet = append(d.fleet, l)
	}
	if err := d.fleet[0].Configure(t.Context(), "told", limiter.PerSecond(2, 2)); err != nil {
		t.Fatal(err)
	}
	if err := d.fleet[0].Pause(t.Context(), "told", 5*time.Second); err != nil {
		t.Fatal(err)
	}
	for _, l := range d.fleet {
		if err := l.AddRoute("tenant", limiter.Bucket{Name: "own", Limits: []limiter.Limit{d.limits["tenant"]}}); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func inBubble(t *testing.T) *damaged {
	m, rdb := limitertest.Redis(t)
	return newDamaged(t, rdb, func() *redis.Options { return limitertest.Options(m) })
}

func (d *damaged) close(t *testing.T) {
	var ending sync.WaitGroup
	for _, l := range d.fleet {
		ending.Go(func() { closeLimiter(t, l) })
	}
	ending.Wait()
}

// use runs callers in loops on every route, and returns reservations, with a pause between. Call wait after ctx has ended.
func (d *damaged) use(ctx context.Context, pause time.Duration) (wait func()) {
	var running sync.WaitGroup
	for _, l := range d.fleet {
		for route := range d.limits {
			for i := range 2 {
				running.Go(func() {
					for n := 0; ctx.Err() == nil; n++ {
						var options []limiter.Option
						if i == 0 && n%4 == 3 {
							options = append(options, limiter.Urgent())
						}
						if err := l.Wait(ctx, route, options...); err != nil {
							time.Sleep(100 * time.Millisecond) // a damaged record may make a call fail
							continue
						}
						d.mu.Lock()
						d.starts[route] = append(d.starts[route], time.Now())
						d.mu.Unlock()
					}
				})
			}
		}
		running.Go(func() { // returns reservations
			for ctx.Err() == nil {
				var all []*limiter.Reservation
				for range 3 {
					if r, err := l.Reserve(ctx, "given"); err == nil {
						all = append(all, r)
					}
				}
				if len(all) == 3 {
					all[1].Cancel() // a later reservation exists: its token cannot go back into the bucket
				}
				time.Sleep(pause)
			}
		})
	}
	return running.Wait
}

// place is one record: its present text, and how to replace it.
type place struct {
	name  string
	text  string
	write func(text string) error
}

// places returns the existing records of a kind.
func (d *damaged) places(ctx context.Context, kind string) (out []place) {
	for _, key := range d.rdb.Keys(ctx, "*").Val() {
		of, _, _ := strings.Cut(strings.TrimPrefix(key, "{weir}:"), ":")
		switch d.rdb.Type(ctx, key).Val() {
		case "hash":
			for field, text := range d.rdb.HGetAll(ctx, key).Val() {
				of := of
				if of == "state" || of == "wishes" && field == "clock" {
					of, _, _ = strings.Cut(field, ":")
				}
				if of == kind {
					out = append(out, place{key + " " + field, text, func(text string) error { return d.rdb.HSet(ctx, key, field, text).Err() }})
				}
			}
		case "zset":
			for _, z := range d.rdb.ZRangeWithScores(ctx, key, 0, -1).Val() {
				member, _ := z.Member.(string)
				if of == kind {
					out = append(out, place{key + " " + member, member, func(text string) error {
						z.Member = text
						if err := d.rdb.ZAdd(ctx, key, z).Err(); err != nil || text == member {
							return err
						}
						return d.rdb.ZRem(ctx, key, member).Err()
					}})
				}
				if of+" score" == kind {
					out = append(out, place{key + " score of " + member, strconv.FormatFloat(z.Score, 'f', -1, 64), func(text string) error {
						score, err := strconv.ParseFloat(text, 64)
						if err != nil || math.IsNaN(score) {
							score = 0 // Redis accepts only numbers
						}
						return d.rdb.ZAdd(ctx, key, redis.Z{Score: score, Member: member}).Err()
					}})
				}
			}
		default:
			if of == kind {
				out = append(out, place{key, d.rdb.Get(ctx, key).Val(), func(text string) error { return d.rdb.Set(ctx, key, text, time.Minute).Err() }})
			}
		}
	}
	return out
}

// kinds of records, and what of keys there is.
var (
	damagedKinds = []string{
		"epoch", "time", "told", "force", "limit", "window", "wishes", "clock", "live", "live score", "replies", "own",
		"line", "line score", "log", "log score", "spares",
	}
	damagedKeys = []string{"state", "live", "wishes", "replies", "own", "line", "log", "spares"}
)

// TestDamagedRecords: a record that is damaged while it is used never ends a process. Each damage adds a burst and a horizon of
// tokens at most, and stops a route for 30 s at most.
func TestDamagedRecords(t *testing.T) {
	every, each := damages(), few(5, 1) // the step between kinds
	for i, kind := range damagedKinds {
		if i%each > 0 {
			continue
		}
		for k, name := range rows(every, i%14, 14) {
			damage, anywhere := every[name], rand.New(rand.NewPCG(uint64(i), uint64(k)))
			t.Run(kind+", "+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					d := inBubble(t)
					d.check(t, func(n int) (changed int) {
						for _, p := range d.places(t.Context(), kind) {
							text := damage(p.text, anywhere.IntN(32))
							allowed := kind == "told" && endless(text) || kind == "epoch" && newer(text)
							if text != p.text && !allowed {
								if err := p.write(text); err != nil {
									t.Fatal(err)
								}
								changed++
							}
						}
						return changed
					}, kind)
				})
			})
		}
	}
	for i, kind := range damagedKeys {
		if i%each > 0 {
			continue
		}
		t.Run(kind+" of another type", func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := inBubble(t)
				d.check(t, func(n int) (changed int) {
					for _, key := range d.rdb.Keys(t.Context(), "{weir}:"+kind+"*").Val() {
						was := d.rdb.Type(t.Context(), key).Val()
						d.rdb.Del(t.Context(), key)
						if n%2 == 0 && was != "string" {
							d.rdb.Set(t.Context(), key, "x", 0)
						} else {
							d.rdb.LPush(t.Context(), key, "x")
						}
						changed++
					}
					return changed
				}, kind)
			})
		})
	}
}

// newer reports whether a record is of a newer version. The limiter then refuses the namespace until an operator removes it.
func newer(epoch string) bool {
	version, _, _ := strings.Cut(epoch, " ")
	n, err := strconv.ParseInt(version, 10, 64)
	return err == nil && n > lua.Version
}

// endless reports whether a record closes a bucket indefinitely, as a pause may.
func endless(told string) bool { return regexp.MustCompile(`opens told \d{16}`).MatchString(told) }

// check uses all routes, damages records three times, and checks the promises of TestDamagedRecords.
func (d *damaged) check(t *testing.T, damage func(n int) int, kind string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	pause := time.Second
	if kind == "spares" { // they exist only until they are due
		pause = 100 * time.Millisecond
	}
	wait := d.use(ctx, pause)
	time.Sleep(12 * time.Second)
	total, met := 0, 0
	for n := range 3 {
		before := fmt.Sprint(d.texts(t.Context(), kind))
		total += damage(n)
		after := fmt.Sprint(d.texts(t.Context(), kind))
		time.Sleep(5500 * time.Millisecond) // lanes in line ask again within 5 s
		if now := fmt.Sprint(d.texts(t.Context(), kind)); after != before && now != after {
			met++ // a script has written the record since, so it has read it
		}
	}
	last := time.Now()
	time.Sleep(31 * time.Second)
	cancel()
	wait()
	d.close(t)
	// Scripts read other kinds only every 10 s, or do not write what they read.
	busy := []string{"epoch", "time", "limit", "window", "replies", "own", "line", "spares", "state"}
	if total > 0 && met == 0 && slices.Contains(busy, kind) {
		t.Errorf("no script has read one of the %d damaged records", total)
	}
	for route, limit := range d.limits {
		starts, served := d.starts[route], false
		for _, s := range starts {
			served = served || s.After(last.Add(-time.Second)) && s.Before(last.Add(30*time.Second))
		}
		if !served {
			t.Errorf("route %s: no call started in 30 s after the last of %d damages; %d calls before", route, total, len(starts))
		}
		more := int64(total) * (holds(limit) + int64(limit.Rate()*limiter.DefaultHorizon.Seconds()) + 1)
		if err := limitertest.Law(starts, times(limit, 1, more), limiter.DefaultSlack); err != nil {
			t.Errorf("route %s, after %d damages: %v", route, total, err)
		}
	}
	if total == 0 && kind != "epoch" {
		t.Errorf("no record of the kind %s existed: the test tested nothing", kind)
	}
}

// texts returns the records of a kind.
func (d *damaged) texts(ctx context.Context, kind string) map[string]string {
	out := map[string]string{}
	for _, p := range d.places(ctx, kind) {
		out[p.name] = p.text
	}
	return out
}

// TestDamagedRecordsOnRedis damages records of every kind in every way on a real Redis, one after the other while they are used.
// The Lua of a real Redis reads numbers in its own way. After the last damage every route serves calls again within 30 s.
func TestDamagedRecordsOnRedis(t *testing.T) {
	t.Parallel()
	rdb := limitertest.Server(t)
	d := newDamaged(t, rdb, func() *redis.Options {
		opts := *rdb.Options()
		opts.Dialer = opts.NewDialer()
		return &opts
	})
	ctx, cancel := context.WithCancel(t.Context())
	wait := d.use(ctx, 50*time.Millisecond)
	every, total := damages(), 0
	tick := time.NewTicker(25 * time.Millisecond) // so that scripts read the damaged record before the next one
	defer tick.Stop()
	for n, name := range slices.Sorted(maps.Keys(every)) {
		for _, kind := range damagedKinds {
			<-tick.C
			for i, p := range d.places(ctx, kind) {
				text := every[name](p.text, n+i)
				allowed := kind == "told" && endless(text) || kind == "epoch" && newer(text)
				if text == p.text || allowed {
					continue
				}
				if err := p.write(text); err != nil {
					t.Fatal(err)
				}
				total++
			}
		}
	}
	last := time.Now()
	served := func() (n int) {
		d.mu.Lock()
		defer d.mu.Unlock()
		for route := range d.limits {
			if starts := d.starts[route]; len(starts) > 0 && starts[len(starts)-1].After(last) {
				n++
			}
		}
		return n
	}
	for served() < len(d.limits) && time.Since(last) < 30*time.Second {
		<-tick.C
	}
	t.Logf("%d records were damaged; every route served calls again %v after the last", total, time.Since(last).Round(time.Millisecond))
	if n := served(); n < len(d.limits) {
		t.Errorf("%d of %d routes served calls within 30 s", n, len(d.limits))
	}
	cancel()
	wait()
	d.close(t)
}
