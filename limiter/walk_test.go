package limiter_test

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
	"github.com/weir-go/weir/lua"
)

// TestScriptWalksWithModel takes the script and the model through the same random worlds: routes of one to four limits,
// buckets and windows, configured and made at run time, costs, patience, crowds, tickets, reservations given back, pauses,
// idle times, new limits, clocks that step, memory that is lost. Every reply and every stored level must agree.
func TestScriptWalksWithModel(t *testing.T) {
	m, rdb := limitertest.Redis(t)
	rapid.Check(t, func(t *rapid.T) { newWalk(t, rdb, m.SetTime).run() })
}

// TestScriptWalksWithModelOnRedis is the same on the real server, by its own clock: numbers print differently there.
func TestScriptWalksWithModelOnRedis(t *testing.T) {
	rdb := limitertest.Server(t)
	rapid.Check(t, func(t *rapid.T) { newWalk(t, rdb, nil).run() })
}

const walkNamespace = "walk"

// walk is one random world.
type walk struct {
	*rapid.T

	rdb     *redis.Client
	setTime func(time.Time) // steps the server's clock; nil leaves it to run
	keys    lua.Keys

	horizon int64
	now     int64 // of the server
	own     int64 // the namespace's time, which never goes back
	shift   int64 // by which that is ahead of the server's
	born    int64 // of the epoch
	epochs  int
	conf    lua.ConfigureReply
	grants  int64

	limits   map[string]limiter.Limit // by bucket
	opens    map[string]int64
	model    map[string]*limiter.Model
	touched  map[string]int64 // the namespace's time of the last call
	paths    map[string]*place
	last     *place // of the call before: its tickets are worth showing
	comeBack int64
}

// place is a route and what the caller holds there.
type place struct {
	buckets []string
	tickets []lua.Ticket
	granted []lua.Back // some reservations
	spares  []lua.Back // those that were given back
}

// buckets made at run time have names that begin with o; those of windows hold a w.
var walkBuckets = []string{"a", "b", "c", "w", "o", "ow"}

// bucketOf is the bucket of a limit: a and w are two of one.
func bucketOf(limit string) string {
	if limit == "w" {
		return "a"
	}
	return limit
}

func (p *place) of() []string {
	var names []string
	for _, b := range p.buckets {
		names = append(names, bucketOf(b))
	}
	return names
}

func newWalk(t *rapid.T, rdb *redis.Client, setTime func(time.Time)) *walk {
	w := &walk{
		T: t, rdb: rdb, setTime: setTime, keys: lua.Keys(walkNamespace), now: 1_800_000_000_000_000,
		horizon: rapid.SampledFrom([]int64{0, 20_000, 250_000, 1_000_000}).Draw(t, "horizon"),
		limits:  map[string]limiter.Limit{}, touched: map[string]int64{}, opens: map[string]int64{}, paths: map[string]*place{}, comeBack: -1,
	}
	for _, name := range walkBuckets {
		w.limits[name] = limiter.Limit{Per: rapid.SampledFrom([]time.Duration{time.Second, 7 * time.Second, 24 * time.Hour}).Draw(t, "per")}
		w.draw(name)
	}
	w.forget()
	return w
}

// draw gives a bucket another limit per the same time.
func (w *walk) draw(name string) {
	l := limiter.Limit{Per: w.limits[name].Per}
	if strings.Contains(name, "w") {
		l.Window = true
		l.Tokens = rapid.SampledFrom([]int64{1, 2, 3, 10, 40}).Draw(w.T, "window")
	} else {
		l.Tokens = rapid.SampledFrom([]int64{1, 2, 3, 7, 30, 40, 100, 999, 30_000, 3_000_000, 10_000_000}).Draw(w.T, "tokens")
		l.Burst = rapid.SampledFrom([]int64{1, 2, 5, 40, 1000}).Draw(w.T, "burst")
	}
	n, err := limiter.Normal(l)
	if err != nil {
		w.Fatal(err)
	}
	w.limits[name] = n
}

func (w *walk) args(name string) lua.Limit {
	return limiter.Args(bucketOf(name), w.limits[name], strings.HasPrefix(name, "o"), w.opens[name])
}

// forget loses the server's memory, and has it begin another epoch.
func (w *walk) forget() {
	if err := w.rdb.FlushAll(w.Context()).Err(); err != nil {
		w.Fatal(err)
	}
	w.tick()
	w.model, w.grants, w.own, w.shift = map[string]*limiter.Model{}, 0, 0, 0
	for _, p := range w.paths {
		p.spares, p.granted = nil, nil
	}
	w.epochs++
	w.configure(nil)
	w.born = w.own
}

func (w *walk) tick() {
	if w.setTime != nil {
		w.setTime(time.UnixMicro(w.now))
	}
}

// clock is the namespace's time at this moment, or what the server said it was.
func (w *walk) clock(said int64) {
	if w.shift = max(w.shift, w.own-w.now); w.setTime == nil {
		w.own = said
	} else if w.own = w.now + w.shift; said != w.own {
		w.Fatalf("own time %d, want %d", said, w.own)
	}
}

func (w *walk) configure(changed map[string]bool) {
	a := lua.ConfigureArgs{
		Epoch: w.conf.Epoch, Grants: w.grants, Version: w.conf.Version, Fresh: fmt.Sprint("epoch-", w.epochs),
		HorizonUS: w.horizon, Replica: "replica", Session: "session",
	}
	for _, name := range walkBuckets {
		if !strings.HasPrefix(name, "o") {
			a.Wish = append(a.Wish, w.args(name))
		}
	}
	got, err := lua.Configure(w.Context(), w.rdb, w.keys, a)
	if err != nil {
		w.Fatal(err)
	}
	w.clock(got.NowUS)
	if len(got.Force) != len(a.Wish) || got.Live != 1 || len(got.Disputed) > 0 || got.Epoch != a.Fresh {
		w.Fatalf("configured %+v, got %+v", a, got)
	}
	w.conf = got
	for _, name := range walkBuckets {
		if strings.HasPrefix(name, "o") {
			continue
		}
		if w.model[name] == nil {
			w.model[name] = limiter.NewModel(w.limits[name], w.own, w.horizon)
		}
		if changed[name] {
			w.model[name].Enter(w.own, w.limits[name], w.opens[name])
		}
	}
}

func (w *walk) run() {
	steps := rapid.IntRange(1, 60).Draw(w.T, "steps")
	for step := 2; step <= steps+1; step++ { // an older call has a number, too
		w.now += int64(rapid.SampledFrom([]int{0, 0, 1, 17, 24_999, 25_000, 250_000, 5_000_000}).Draw(w.T, "idle"))
		w.tick()
		switch rapid.IntRange(0, 19).Draw(w.T, "event") {
		case 0:
			w.now += int64(rapid.SampledFrom([]time.Duration{-time.Hour, -time.Second, -time.Millisecond, time.Hour}).Draw(w.T, "clock").Microseconds())
			w.tick()
		case 1:
			w.forget()
		case 2:
			name := rapid.SampledFrom(walkBuckets).Draw(w.T, "set")
			was := w.limits[name]
			w.draw(name)
			w.configure(map[string]bool{name: w.limits[name] != was})
		case 3:
			name := rapid.SampledFrom(walkBuckets).Draw(w.T, "pause")
			w.opens[name] = w.own + rapid.SampledFrom([]int64{1, 100_000, 10_000_000, -w.own}).Draw(w.T, "opens")
		}
		w.call(step)
	}
}

// call makes one call, and compares.
func (w *walk) call(step int) {
	route := rapid.SampledFrom([]string{"a", "b", "w", "a c", "b c", "w c", "a b c", "o c", "ow o w c", "a w", "w a", "a w c"}).Draw(w.T, "route")
	p := w.paths[route]
	if p == nil {
		p = &place{buckets: strings.Fields(route)}
		w.paths[route] = p
	}
	a := lua.AcquireArgs{Seq: int64(step), Epoch: w.conf.Epoch, Grants: w.grants, Version: w.conf.Version, HorizonUS: w.horizon}
	a.LeadUS = min(w.horizon, rapid.SampledFrom([]int64{0, 0, 0, 100_000}).Draw(w.T, "lead"))
	if w.last == p && w.comeBack >= 0 && rapid.Bool().Draw(w.T, "redeem") { // on time, late or early; else it is lost
		a.Tickets = p.tickets
	}
	limits, least := make([]lua.Limit, len(p.buckets)), int64(1000)
	for i, name := range p.buckets {
		limits[i] = w.args(name)
		if limits[i].Own && w.rdb.Exists(w.Context(), w.keys.Own(limits[i].Field)).Val() == 0 {
			delete(w.model, name) // the clock jumped: forgotten, because it was full
		}
		least = min(least, w.limits[name].Burst)
	}
	for range rapid.IntRange(0, 4).Draw(w.T, "asks") {
		a.Asks = append(a.Asks, lua.Ask{
			Count:      rapid.SampledFrom([]int{1, 1, 1, 2, 7, 50}).Draw(w.T, "count"),
			Cost:       min(least, rapid.Int64Range(1, 3).Draw(w.T, "cost")),
			PatienceUS: rapid.SampledFrom([]int64{-1, -1, 0, 100_000, 1_000_000}).Draw(w.T, "patience"),
			Urgent:     rapid.IntRange(0, 3).Draw(w.T, "urgent") == 0,
		})
	}
	if len(p.granted) > 0 && p.granted[0].Cost <= least && rapid.IntRange(0, 3).Draw(w.T, "give back") == 0 {
		a.Backs, p.granted = p.granted[:1:1], p.granted[1:]
	}

	var got lua.AcquireReply
	if err := lua.NewPath(w.keys, "session", "route", limits).Acquire(w.Context(), w.rdb, &a, &got); err != nil {
		w.Fatal(err)
	}
	w.clock(got.NowUS)
	path, places, asked := make([]*limiter.Model, len(limits)), make([]limiter.Stub, len(limits)), make([]limiter.Asked, len(a.Asks))
	for i, name := range p.buckets {
		if w.model[name] == nil || limits[i].Own && w.touched[name] <= w.born { // what is not later than the epoch is not of it
			w.model[name] = limiter.NewModel(w.limits[name], w.born, w.horizon)
		}
		w.touched[name] = w.own
		w.model[name].Enter(w.own, w.limits[name], w.opens[name])
		path[i], places[i] = w.model[name], limiter.Stub{Rank: 2}
		if a.Tickets != nil && a.Tickets[i].Tokens > 0 {
			places[i] = limiter.Stub(a.Tickets[i])
		}
	}
	for i, k := range a.Asks {
		asked[i] = limiter.Asked{N: k.Count, Cost: k.Cost, PatienceUS: k.PatienceUS, Urgent: k.Urgent}
	}
	var spares []limiter.Spare
	for _, s := range append(slices.Clone(p.spares), a.Backs...) {
		if s.DueUS-w.own <= w.horizon {
			spares = append(spares, limiter.Spare{Due: s.DueUS - w.own, Cost: s.Cost})
		}
	}
	slices.SortStableFunc(spares, func(a, b limiter.Spare) int { return cmp.Compare(a.Due, b.Due) })

	plan, back, next, left := limiter.Plan(path, p.of(), places, w.horizon, a.LeadUS, asked, spares)
	w.compare(step, a, got, plan)
	if got.ComeBackUS != back {
		w.Fatalf("step %d: come back in %d, model %d", step, got.ComeBackUS, back)
	}
	for i, name := range p.buckets {
		if want := lua.Ticket(next[i]); got.Tickets[i] != want {
			w.Fatalf("step %d: ticket for %s %+v, model %+v", step, name, got.Tickets[i], want)
		}
	}
	if got.Grants != w.grants || got.Epoch != w.conf.Epoch {
		w.Fatalf("step %d: epoch %s with %d grants, want %s with %d", step, got.Epoch, got.Grants, w.conf.Epoch, w.grants)
	}
	p.tickets, p.spares, w.last, w.comeBack = got.Tickets, nil, p, back
	for _, s := range left {
		if s.Due > 0 {
			p.spares = append(p.spares, lua.Back{DueUS: w.own + s.Due, Cost: s.Cost})
		}
	}
	for _, g := range got.Answers {
		if g.Kind == lua.Reserved && g.Count == 1 && len(a.Asks) == 1 && len(p.granted) < 5 {
			p.granted = append(p.granted, lua.Back{DueUS: w.own + g.AtUS, Cost: a.Asks[0].Cost})
		}
	}
	for i, name := range p.buckets {
		w.stored(step, name, limits[i])
	}
	if again := (lua.AcquireReply{}); rapid.IntRange(0, 9).Draw(w.T, "again") == 0 {
		if err := lua.NewPath(w.keys, "session", "route", limits).Acquire(w.Context(), w.rdb, &a, &again); err != nil || !again.Repeated ||
			again.NowUS != got.NowUS || !slices.Equal(again.Answers, got.Answers) || !slices.Equal(again.Tickets, got.Tickets) {
			w.Fatalf("step %d: sent again: %+v, %v; the first time %+v", step, again, err, got)
		}
		a.Seq--
		if err := lua.NewPath(w.keys, "session", "route", limits).Acquire(w.Context(), w.rdb, &a, &again); !errors.Is(err, lua.ErrStale) {
			w.Fatalf("step %d: an older call: %v", step, err)
		}
	}
}

func (w *walk) compare(step int, a lua.AcquireArgs, got lua.AcquireReply, plan []limiter.Planned) {
	var want []lua.Grant
	for _, p := range plan {
		g := lua.Grant{Count: p.N, Kind: lua.Waiting, AtUS: p.At, Bound: p.Bound}
		switch {
		case p.Reserved:
			g.Kind = lua.Reserved
			w.grants += int64(p.N)
			if p.At > w.horizon {
				w.Fatalf("step %d: reserved %d µs ahead, beyond the horizon of %d", step, p.At, w.horizon)
			}
		case p.Refused:
			g.Kind = lua.Refused
		}
		want = append(want, g)
	}
	if !slices.Equal(got.Answers, want) {
		w.Fatalf("step %d, asks %+v: script %+v, model %+v", step, a, got.Answers, want)
	}
}

// stored compares what the server keeps of a limit with the model.
func (w *walk) stored(step int, name string, l lua.Limit) {
	text := w.rdb.HGet(w.Context(), w.keys.State(), l.Field.String()).Val()
	if l.Own {
		text = w.rdb.Get(w.Context(), w.keys.Own(l.Field)).Val()
		if ttl := w.rdb.PTTL(w.Context(), w.keys.Own(l.Field)).Val(); ttl < 59*time.Second {
			w.Fatalf("step %d: the level of %s is kept for %v", step, name, ttl)
		}
	}
	words := strings.Fields(text)
	var stored [6]int64
	for k := range stored {
		if len(words) >= 11 {
			stored[k], _ = strconv.ParseInt(words[5+k], 10, 64)
		}
	}
	if want := w.model[name].Deficits(); stored != want {
		w.Fatalf("step %d: script stored %v for %s, model has %v", step, words, name, want)
	}
	if !l.Field.Window {
		return
	}
	log, edge := w.model[name].Window()
	kept := w.rdb.LRange(w.Context(), w.keys.Log(l.Field), 0, -1).Val()
	if w.setTime == nil && (len(kept) != len(log) || words[11] != fmt.Sprint(edge)) {
		w.Fatalf("step %d: %s: log %v, edge %s, model %v, %d", step, name, kept, words[11], log, edge)
	}
	for i, v := range kept { // where the clock jumps a log that is of no use any more may have expired
		if v != fmt.Sprint(log[i]) {
			w.Fatalf("step %d: %s: log %v, model %v", step, name, kept, log)
		}
	}
}
