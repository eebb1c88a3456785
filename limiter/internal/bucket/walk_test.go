package bucket_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"github.com/weir-go/weir/limiter/internal/bucket"
	"github.com/weir-go/weir/limiter/limitertest"
	"github.com/weir-go/weir/lua"
)

// TestScriptsWalkWithCore takes the scripts and the core through the same random worlds: routes of one to four limits,
// buckets and windows, configured and made at run time, with costs, patience, ages, urgent calls, lanes in line, returned
// reservations, pauses, idle times, new limits, steps of the clock and lost memory. Every reply and every stored level
// must agree.
func TestScriptsWalkWithCore(t *testing.T) {
	m := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{Addr: m.Addr(), DisableIdentity: true})
	defer rdb.Close()
	rapid.Check(t, func(t *rapid.T) { newWalk(t, rdb, m.SetTime).run() })
}

// TestScriptsWalkWithCoreOnRedis does the same on a real Redis, whose clock the test cannot set.
func TestScriptsWalkWithCoreOnRedis(t *testing.T) {
	rdb := limitertest.Server(t)
	rapid.Check(t, func(t *rapid.T) { newWalk(t, rdb, nil).run() })
}

// walk is one random world.
type walk struct {
	*rapid.T

	rdb     *redis.Client
	setTime func(time.Time) // steps the server's clock; nil leaves it to run
	keys    lua.Keys

	horizon      int64
	now          int64 // of the server
	own, shift   int64 // the namespace's time, which never goes back
	still, owed  int64 // parts of shift: how long own time stands still, and how much the next step forward pays
	began        int64 // when the epoch began
	epochs, step int
	conf         lua.ConfigureReply
	grants       int64
	limits       map[string]lua.Limit // by name
	wanted       []lua.Limit          // the configured limits, as they were in the beginning
	model        map[string]*bucket.Bucket
	lanes        map[string]*walkLane
}

// walkLane is a lane: its route and the reservations of its callers.
type walkLane struct {
	names   []string
	path    *lua.Path
	of      []lua.Limit // the limits of path
	granted []lua.Back  // some reservations
	spares  []lua.Back  // reservations that were returned, by due time
	back    int64
}

// Names of limits made at run time begin with o, names of windows have a w. a and w are limits of the same bucket, and so
// are d and s. A route has all limits of its buckets.
var walkLimits = []string{"a", "b", "c", "d", "s", "w", "o", "ow"}

var walkRoutes = []string{"b", "c", "d s", "a w", "w a", "b c", "ow c", "o c", "w a b c", "s d c", "b d s", "ow o w a c", "a w c", "b a c w"}

func newWalk(t *rapid.T, rdb *redis.Client, setTime func(time.Time)) *walk {
	w := &walk{
		T: t, rdb: rdb, setTime: setTime, keys: "walk", now: 1_800_000_000_000_000,
		horizon: rapid.SampledFrom([]int64{0, 20_000, 250_000, 1_000_000}).Draw(t, "horizon"),
		limits:  map[string]lua.Limit{}, lanes: map[string]*walkLane{},
	}
	for _, name := range walkLimits {
		of := name
		switch of {
		case "w":
			of = "a"
		case "s":
			of = "d"
		}
		w.limits[name] = lua.Limit{
			Field: lua.Field{
				Bucket: of, Window: strings.Contains(name, "w"),
				PerUS: rapid.SampledFrom([]time.Duration{time.Second, 7 * time.Second, 24 * time.Hour}).Draw(t, "per").Microseconds(),
			},
			Own: name[0] == 'o', StartPPM: rapid.SampledFrom([]int64{0, 0, 0, 1000, 200_000}).Draw(t, "start"),
		}
		if l := w.limits[name]; name == "s" {
			l.Field.PerUS = time.Hour.Microseconds() // not the period of limit d
			w.limits[name] = l
		}
		w.draw(name)
	}
	for _, name := range walkLimits {
		if name[0] != 'o' {
			w.wanted = append(w.wanted, w.limits[name])
		}
	}
	w.forget()
	return w
}

// draw gives a bucket another limit per the same time.
func (w *walk) draw(name string) {
	l := w.limits[name]
	tokens := rapid.SampledFrom([]int64{1, 2, 3, 7, 30, 40, 100, 999, 30_000, 3_000_000, 10_000_000}).Draw(w.T, "tokens")
	burst := rapid.SampledFrom([]int64{1, 2, 3, 5, 10, 40, 1000}).Draw(w.T, "burst")
	if l.Field.Window {
		burst = min(burst, 40)
		tokens = burst
	}
	c := per(tokens, time.Duration(l.Field.PerUS)*time.Microsecond, burst, false)
	l.Tokens, l.PerUS, l.Burst = c.Tokens, c.Per, c.Burst
	w.limits[name] = l
}

func (w *walk) coreLimit(l lua.Limit) bucket.Limit {
	faster := slices.ContainsFunc(slices.Collect(maps.Values(w.limits)), func(o lua.Limit) bool { return o.Field.Bucket == l.Field.Bucket && !o.Slow() })
	return bucket.Limit{
		Tokens: l.Tokens, Per: l.PerUS, Burst: l.Burst, Window: l.Field.Window, Start: l.StartPPM,
		Keeps: faster && !l.Field.Window && l.Slow(),
	}
}

// forget deletes the server's data, and begins another epoch.
func (w *walk) forget() {
	if err := w.rdb.FlushAll(w.Context()).Err(); err != nil {
		w.Fatal(err)
	}
	w.tick()
	w.model, w.grants = map[string]*bucket.Bucket{}, 0
	w.own, w.shift, w.still, w.owed = 0, 0, 0, 0
	for _, p := range w.lanes {
		p.spares, p.granted = nil, nil
	}
	w.epochs++
	w.configure()
	w.began = w.own
	if w.epochs == 1 { // nothing was lost
		w.began = -w.horizon
	}
}

func (w *walk) tick() {
	if w.setTime != nil {
		w.setTime(time.UnixMicro(w.now))
	}
}

// clock advances own time to now, and checks it against the server's reply. On a real Redis it takes the server's time.
func (w *walk) clock(replied int64) {
	if w.setTime == nil {
		w.own = replied
		return
	}
	if w.own == 0 {
		w.own = w.now
	}
	const second = 1_000_000
	passed := w.now + w.shift - w.own
	if passed < 0 { // a step back
		w.shift -= passed
		w.still -= passed
		w.owed = min(10*second, w.owed+max(0, w.still-second))
		w.still = min(w.still, second)
	} else {
		stop := min(w.still, passed)
		w.still -= stop
		paid := int64(0)
		if passed > second { // a step forward
			paid = min(w.owed, passed-stop)
		}
		w.owed -= paid
		w.shift -= stop + paid
	}
	if w.own = w.now + w.shift; replied != w.own {
		w.Fatalf("the server's own time is %d, want %d", replied, w.own)
	}
}

// change returns the words that set the limits of the bucket of a limit.
func (w *walk) change(name string) []string {
	var limits []lua.Limit
	for _, other := range walkLimits {
		if l := w.limits[other]; !l.Own && l.Field.Bucket == w.limits[name].Field.Bucket {
			limits = append(limits, l)
		}
	}
	if len(limits) == 0 {
		return nil
	}
	return lua.TellLimits(limits[0].Field.Bucket, limits)
}

func (w *walk) configure(change ...string) {
	a := lua.ConfigureArgs{
		Epoch: w.conf.Epoch, Grants: w.grants, Version: w.conf.Version, Fresh: fmt.Sprint("epoch-", w.epochs),
		HorizonUS: w.horizon, Replica: "replica", Session: "session", Wish: w.wanted, Told: w.conf.Told, Change: change,
	}
	got, err := lua.Configure(w.Context(), w.rdb, w.keys, a)
	if err != nil {
		w.Fatal(err)
	}
	w.clock(got.NowUS)
	if len(got.Force) != len(a.Wish) || got.Live != 1 || len(got.Disputed) > 0 || got.Epoch != a.Fresh {
		w.Fatalf("configure with %+v: the reply is %+v", a, got)
	}
	for _, p := range w.lanes {
		if got.Version != w.conf.Version { // reservations of another configuration are not returned
			p.spares, p.granted = nil, nil
		}
	}
	w.conf = got
	for _, name := range walkLimits {
		if name[0] == 'o' {
			continue
		}
		if w.model[name] == nil {
			w.model[name] = bucket.New(w.coreLimit(w.limits[name]))
			if w.epochs > 1 {
				w.model[name] = bucket.Lost(w.coreLimit(w.limits[name]), w.own, w.horizon)
			}
		}
		l, is := w.coreLimit(w.limits[name]), w.model[name].State().Limit
		if l.Start == 0 || l.Tokens != is.Tokens || l.Per != is.Per || l.Burst != is.Burst {
			l.Start = 0 // configure does not use the bucket
			w.model[name].Enter(w.own, l, w.limits[name].OpensUS)
		}
	}
}

func (w *walk) run() {
	steps := rapid.IntRange(1, 60).Draw(w.T, "steps")
	for w.step = 2; w.step <= steps+1; w.step++ { // so that a call before the first has a number, too
		w.now += int64(rapid.SampledFrom([]int{0, 0, 1, 17, 19_999, 24_999, 25_000, 250_000, 5_000_000}).Draw(w.T, "idle"))
		w.tick()
		switch rapid.IntRange(0, 19).Draw(w.T, "event") {
		case 0:
			w.now += rapid.SampledFrom([]time.Duration{
				-time.Hour, -3 * time.Second, -time.Second, -time.Millisecond, time.Second, 3 * time.Second, time.Hour,
			}).Draw(w.T, "clock").Microseconds()
			w.tick()
		case 1:
			w.forget()
		case 2:
			name := rapid.SampledFrom(walkLimits).Draw(w.T, "set")
			w.draw(name)
			w.configure(w.change(name)...)
		case 3:
			name := rapid.SampledFrom(walkLimits).Draw(w.T, "pause")
			l := w.limits[name]
			l.Gently = rapid.Bool().Draw(w.T, "gently")
			l.OpensUS = w.own + rapid.SampledFrom([]int64{1, 100_000, 10_000_000, -w.own}).Draw(w.T, "opens")
			w.limits[name] = l
		}
		w.call()
	}
}

// call makes one request with the script and with the core, and compares the results.
func (w *walk) call() {
	route := rapid.SampledFrom(walkRoutes).Draw(w.T, "route")
	id := route + rapid.SampledFrom([]string{"", " 2", " 3"}).Draw(w.T, "lane")
	p := w.lanes[id]
	if p == nil {
		p = &walkLane{names: strings.Fields(route)}
		w.lanes[id] = p
	}
	if p.back > 0 && rapid.IntRange(0, 2).Draw(w.T, "on time") == 0 {
		w.now += max(0, p.back-w.own)
		w.tick()
	}
	limits, least := make([]lua.Limit, len(p.names)), int64(1000)
	for i, name := range p.names {
		limits[i] = w.limits[name]
		if limits[i].Own && w.rdb.Exists(w.Context(), w.keys.Own(limits[i].Field)).Val() == 0 {
			delete(w.model, name) // the clock jumped: the server has forgotten the limit, because it was full
		}
		least = min(least, limits[i].Burst)
	}
	id = strings.ReplaceAll(id, " ", ".")
	if !slices.Equal(limits, p.of) {
		p.of, p.path = limits, lua.NewPath(w.keys, "session", id, limits)
	}
	a := lua.AcquireArgs{Seq: int64(w.step), Epoch: w.conf.Epoch, Grants: w.grants, Version: w.conf.Version, HorizonUS: w.horizon}
	a.LeadUS = min(w.horizon, rapid.SampledFrom([]int64{0, 0, 0, 100_000}).Draw(w.T, "lead"))
	age := int64(rapid.SampledFrom([]int{0, 1000, 300_000, 4_000_000, 60_000_000}).Draw(w.T, "age"))
	for range rapid.IntRange(0, 4).Draw(w.T, "asks") {
		k := lua.Ask{
			Count:      rapid.SampledFrom([]int{1, 1, 1, 2, 7, 50, 300}).Draw(w.T, "count"),
			PatienceUS: rapid.SampledFrom([]int64{-1, -1, -1, 0, 100_000, 1_000_000}).Draw(w.T, "patience"),
			Urgent:     rapid.IntRange(0, 4).Draw(w.T, "urgent") == 0,
			AgeUS:      age,
		}
		age -= age / int64(rapid.SampledFrom([]int{2, 10, 1000}).Draw(w.T, "younger"))
		if rapid.IntRange(0, 3).Draw(w.T, "costs") == 0 {
			for _, l := range limits {
				k.Costs = append(k.Costs, min(l.Burst, max(0, rapid.Int64Range(-20, 50).Draw(w.T, "cost"))))
			}
			if slices.Max(k.Costs) == 0 {
				k.Costs[rapid.IntRange(0, len(limits)-1).Draw(w.T, "costly")] = 1
			}
		} else {
			k.Costs = []int64{min(least, rapid.SampledFrom([]int64{1, 1, 1, 2, 3, 1000}).Draw(w.T, "cost"))}
		}
		a.Asks = append(a.Asks, k)
	}
	if len(p.granted) > 0 && rapid.IntRange(0, 3).Draw(w.T, "return") == 0 {
		n := rapid.IntRange(1, len(p.granted)).Draw(w.T, "returned")
		for _, g := range p.granted[:n] {
			if fits(g.Costs, limits) {
				a.Backs = append(a.Backs, g)
			}
		}
		p.granted = p.granted[n:]
	}
	for range rapid.SampledFrom([]int{0, 0, 0, 1, 2}).Draw(w.T, "settled") {
		var s lua.Settled
		for _, l := range limits {
			s.Since = append(s.Since, max(0, w.own-rapid.SampledFrom([]int64{-100_000, 0, 1, 300_000, 4_000_000, 3_000_000_000}).Draw(w.T, "since")))
			s.Estimated = append(s.Estimated, rapid.Int64Range(0, l.Burst).Draw(w.T, "estimated"))
			s.Actual = append(s.Actual, max(0, rapid.Int64Range(-l.Burst, 2*l.Burst).Draw(w.T, "actual")))
		}
		a.Settled = append(a.Settled, s)
	}
	if rapid.IntRange(0, 19).Draw(w.T, "held") == 0 {
		a.HoldUS = rapid.SampledFrom([]int64{1, 30_000, 2_000_000, 30_000_000}).Draw(w.T, "hold")
		a.HoldLimit = rapid.IntRange(0, len(limits)-1).Draw(w.T, "of")
	}
	a.Taught = w.teach(limits, p)
	var got lua.AcquireReply
	err := p.path.Acquire(w.Context(), w.rdb, &a, &got)
	if errors.Is(err, lua.ErrUnknown) { // the collection of what replicas remember has ended, with no reports
		w.configure()
		a.Epoch, a.Version = w.conf.Epoch, w.conf.Version
		err = p.path.Acquire(w.Context(), w.rdb, &a, &got)
	}
	if err != nil {
		w.Fatal(err)
	}
	w.clock(got.NowUS)
	seen := a
	seen.Asks = slices.Clone(a.Asks) // compare changes the counts
	w.compare(p, id, limits, seen, got)
	if again := (lua.AcquireReply{}); rapid.IntRange(0, 9).Draw(w.T, "again") == 0 {
		if err := p.path.Acquire(w.Context(), w.rdb, &a, &again); err != nil || !again.Repeated ||
			again.NowUS != got.NowUS || !slices.Equal(again.Answers, got.Answers) {
			w.Fatalf("step %d: the repeated request got %+v, %v, want the first reply %+v", w.step, again, err, got)
		}
		a.Seq--
		if err := p.path.Acquire(w.Context(), w.rdb, &a, &again); !isStale(err) {
			w.Fatalf("step %d: an older request got %v, want a StaleError", w.step, err)
		}
	}
}

func isStale(err error) bool {
	_, stale := errors.AsType[*lua.StaleError](err)
	return stale
}

var lessons = map[lua.Lesson]bucket.Lesson{lua.QuotaSpent: bucket.QuotaSpent, lua.Overload: bucket.Overload, lua.QuotaLeft: bucket.QuotaLeft}

// teach draws the lessons of calls, often many of one kind.
func (w *walk) teach(limits []lua.Limit, p *walkLane) (taught []lua.Taught) {
	n := rapid.SampledFrom([]int{0, 0, 0, 1, 3, 40}).Draw(w.T, "taught")
	lesson := rapid.SampledFrom([]lua.Lesson{lua.QuotaSpent, lua.QuotaSpent, lua.Overload, lua.QuotaLeft}).Draw(w.T, "lesson")
	of := rapid.IntRange(0, len(limits)-1).Draw(w.T, "learns")
	for range n {
		t := lua.Taught{Lesson: lesson, Cost: rapid.Int64Range(0, 50).Draw(w.T, "took"), Limit: of, DueUS: max(0, w.own+rapid.Int64Range(-600_000, 300_000).Draw(w.T, "due"))}
		if lesson == lua.QuotaLeft {
			t.Quota = rapid.SampledFrom([]int64{1, 40, 2000}).Draw(w.T, "quota")
			t.Left = rapid.Int64Range(0, t.Quota).Draw(w.T, "left")
			t.PeriodUS = rapid.SampledFrom([]int64{0, 1_000_000, 60_000_000}).Draw(w.T, "period")
			t.SentUS = max(0, rapid.SampledFrom([]int64{0, t.DueUS - 10_000, t.DueUS - 2_000_000, t.DueUS + 5}).Draw(w.T, "sent"))
			t.Stand = rapid.SampledFrom([]int64{0, w.own - 1_000_000, w.own, w.own + 3_000_000}).Draw(w.T, "stand")
			if m := w.model[p.names[of]]; m != nil && limits[of].Field.Window {
				t.Stand = max(0, m.Stand()-rapid.Int64Range(-1, 20).Draw(w.T, "since"))
			}
		}
		taught = append(taught, t)
	}
	return taught
}

// fits reports whether a call of these costs can start by these limits.
func fits(costs []int64, limits []lua.Limit) bool {
	for i, l := range limits {
		if costs[min(i, len(costs)-1)] > l.Burst {
			return false
		}
	}
	return true
}

func (w *walk) compare(p *walkLane, id string, limits []lua.Limit, a lua.AcquireArgs, got lua.AcquireReply) {
	var r bucket.Route
	buckets := map[string]int{}
	for i, name := range p.names {
		l := limits[i]
		if w.model[name] == nil {
			w.model[name] = bucket.Lost(w.coreLimit(l), w.began, w.horizon)
		}
		w.model[name].Enter(w.own, w.coreLimit(l), l.OpensUS)
		if l.Own {
			w.model[name].Empty(w.began + w.horizon)
		}
		w.model[name].Enter(w.own, w.coreLimit(l), l.OpensUS)
		if l.Gently {
			w.model[name].OpenGently()
		}
		if _, ok := buckets[l.Field.Bucket]; !ok {
			buckets[l.Field.Bucket] = i
		}
		r.Limits, r.Of = append(r.Limits, w.model[name]), append(r.Of, buckets[l.Field.Bucket])
	}
	q := bucket.Request{Lane: id, Now: w.own, Horizon: w.horizon, Lead: a.LeadUS}
	for _, k := range a.Asks {
		q.Asks = append(q.Asks, bucket.Ask{N: k.Count, Cost: k.Costs, Age: k.AgeUS, Patience: k.PatienceUS, Urgent: k.Urgent})
	}
	spares := p.sharedSpares(w)
	for i, s := range append(spares, a.Backs...) {
		if s.DueUS-w.own <= w.horizon {
			q.Spares = append(q.Spares, bucket.Spare{Due: s.DueUS, Cost: s.Costs, Fresh: i >= len(spares)})
		}
	}
	slices.SortStableFunc(q.Spares, func(a, b bucket.Spare) int { return int(a.Due - b.Due) })
	for _, s := range a.Settled {
		q.Settled = append(q.Settled, bucket.Settled{Since: s.Since, Estimated: s.Estimated, Actual: s.Actual})
	}
	for _, k := range a.Taught {
		q.Taught = append(q.Taught, bucket.Taught{
			Limit: k.Limit, Lesson: lessons[k.Lesson], Due: k.DueUS, Cost: k.Cost, Quota: k.Quota, Left: k.Left, Period: k.PeriodUS, Level: k.Stand, Sent: k.SentUS,
		})
	}
	q.Hold = bucket.Hold{For: a.HoldUS, Limit: a.HoldLimit}
	var reply bucket.Reply
	bucket.Decide(r, &q, &reply)

	var want []lua.Grant
	at := 0
	for _, n := range reply.Answers {
		want = append(want, lua.Grant{Count: n.N, Kind: lua.Kind(n.Verdict), AtUS: n.At.At, Units: n.At.Frac, Bound: n.Bound, Price: n.Price})
		if n.Verdict == bucket.Reserved {
			w.grants += int64(n.N)
		}
		k := a.Asks[at]
		for rest := n.N; rest > 0; rest-- {
			if a.Asks[at].Count--; a.Asks[at].Count == 0 {
				at++
			}
		}
		if n.Verdict != bucket.Reserved {
			continue
		}
		cost := k.Costs[min(max(n.Bound, 0), len(k.Costs)-1)]
		var l bucket.Limit
		if n.Bound >= 0 {
			l = r.Limits[n.Bound].Limit
		}
		if last := n.Due(n.N-1, l, cost); last > w.horizon {
			w.Fatalf("step %d: a reservation is due in %d µs, beyond the horizon of %d", w.step, last, w.horizon)
		}
		if len(p.granted) < 5 {
			p.granted = append(p.granted, lua.Back{DueUS: w.own + n.Due(0, l, cost), Costs: k.Costs})
			if n.N > 1 {
				p.granted = append(p.granted, lua.Back{DueUS: w.own + n.Due(n.N-1, l, cost), Costs: k.Costs})
			}
		}
	}
	if !slices.Equal(got.Answers, want) {
		w.Fatalf("step %d, lane %v, asks %+v: the script answers %+v, the core %+v", w.step, id, q.Asks, got.Answers, want)
	}
	if reply.ComeBack >= 0 { // during a collection of what replicas remember, a lane asks again when it ends
		for _, l := range limits {
			if numbers, _, _ := w.record(l); numbers[19] > w.own {
				reply.ComeBack = min(reply.ComeBack, numbers[19]-w.own)
			}
		}
	}
	if got.ComeBackUS != reply.ComeBack {
		w.Fatalf("step %d, lane %v, asks %+v: the script lets the lane ask again in %d µs, the core in %d; answers %+v", w.step, id, q.Asks, got.ComeBackUS, reply.ComeBack, want)
	}
	if got.Grants != w.grants {
		w.Fatalf("step %d: the script counts %d grants, want %d", w.step, got.Grants, w.grants)
	}
	p.back = 0
	if reply.ComeBack >= 0 {
		p.back = w.own + reply.ComeBack
	}
	var left []lua.Back
	for _, s := range reply.Left {
		if s.Due > w.own {
			left = append(left, lua.Back{DueUS: s.Due, Costs: s.Cost})
		}
	}
	for _, other := range w.lanes {
		if slices.Equal(other.names, p.names) {
			other.spares = left
		}
	}
	for i, name := range p.names {
		w.stored(name, limits[i])
	}
}

// sharedSpares returns the spares of all lanes of a route.
func (p *walkLane) sharedSpares(w *walk) []lua.Back {
	for _, other := range w.lanes {
		if slices.Equal(other.names, p.names) && other.spares != nil {
			return slices.Clone(other.spares)
		}
	}
	return nil
}

// record returns the server's record of a limit.
func (w *walk) record(l lua.Limit) (numbers [20]int64, learnt, eras string) {
	text := w.rdb.HGet(w.Context(), w.keys.State(), l.Field.String()).Val()
	if l.Own {
		text = w.rdb.Get(w.Context(), w.keys.Own(l.Field)).Val()
	}
	for i, word := range strings.Fields(text) {
		switch i {
		case 16:
			learnt = word
			continue
		case 18:
			eras = word
			continue
		}
		numbers[i], _ = strconv.ParseInt(word, 10, 64)
	}
	return numbers, cmp.Or(learnt, "-"), cmp.Or(eras, "-")
}

// stored compares the server's record of a limit with the core.
func (w *walk) stored(name string, l lua.Limit) {
	if l.Own {
		if ttl := w.rdb.PTTL(w.Context(), w.keys.Own(l.Field)).Val(); ttl < 59*time.Second {
			w.Fatalf("step %d: the level of %s has a time to live of %v, want 59 s or more", w.step, name, ttl)
		}
	}
	stored, learnt, eras := w.record(l)
	s := w.model[name].State()
	if s.Urgent <= w.own {
		s.Urgent = 0
	}
	if s.Sought+1_000_000 < w.own {
		s.Sought = 0
	}
	want := [20]int64{
		lua.Version, s.Tokens, s.Per, s.Burst, s.Full.At, s.Full.Frac, s.Last,
		s.Urgent, s.Claimed, s.Whole, s.Young, s.Total, s.Base, s.Edge, s.Sought, stored[15], 0, s.Owes, 0, stored[19],
	}
	if stored != want || eras != s.Eras || learnt != s.Learnt {
		w.Fatalf("step %d, limit %s: the script stored %v, %s and %s, the core has %v, %s and %s", w.step, name, stored, learnt, eras, want, s.Learnt, s.Eras)
	}
	if n := w.rdb.ZCard(w.Context(), w.keys.Line(l.Field)).Val(); w.setTime == nil && n != int64(s.Lanes) {
		w.Fatalf("step %d, limit %s: %d lanes are in line, the core has %d", w.step, name, n, s.Lanes)
	}
}
