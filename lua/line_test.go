package lua_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/lua"
)

// TestLongLine: one request counts and removes a bounded number of entries of the line, as the core does.
func TestLongLine(t *testing.T) {
	m, rdb := begin(t)
	state, line := lua.Keys("n").State(), lua.Keys("n").Line(narrow.Field)
	m.HSet(state, narrow.Field.String(), "4 1 100000 2 0 0 0")
	call := lanes(t, rdb, narrow)
	call("first", 4, 0)
	for i := range 100 {
		n := 1
		if i >= 20 && i < 30 {
			n = 2
		}
		call(fmt.Sprint("lane-", i), n, int64(10_000-100*i)*1000)
	}
	// The 16 oldest lanes claim 16 tokens, the other 84 claim 94. 24 of the 84 are older than the caller: 94·24/84 = 26.
	r := call("between", 1, 6_050_000)
	if got, want := r.Answers[0].AtUS, int64(300_000+(16+26)*100_000); got != want {
		t.Errorf("a caller behind 40 of 100 lanes: its turn is in %d µs, want %d", got, want)
	}
	m.SetTime(time.Unix(1_800_000_000, 400_000_000))
	call("last", 1, 0)
	if got := rdb.ZCard(t.Context(), line).Val(); got != 101-64+1 {
		t.Errorf("%d lanes are in line, want 38: 101, less the 64 that one request removes, and its own", got)
	}
	call("old", 9, 90_000_000_000)
	if first := rdb.ZRangeWithScores(t.Context(), line, 0, 0).Val(); len(first) != 1 || first[0].Score != 1_800_000_000_400_000-86_400_000_000 {
		t.Errorf("the oldest entry is %v, want one of a day ago", first)
	}
	if ttl := m.TTL(line); ttl <= 0 || ttl > time.Minute {
		t.Errorf("the line is kept for %v, want a minute at most", ttl)
	}
}

// TestManyLanesOfOneMoment: the callers of a hundred lanes ask in the same microsecond. The bucket is in debt, so all of them
// wait.
func TestManyLanesOfOneMoment(t *testing.T) {
	m, rdb := begin(t)
	m.HSet(lua.Keys("n").State(), narrow.Field.String(), "4 1 100000 2 1800000000450000 0 1800000000250000")
	call := lanes(t, rdb, narrow)
	for i := range 100 {
		lane := (37 * i) % 100
		if r := call(fmt.Sprintf("lane-%02d", lane), 1+min(1, lane/16), 0); len(r.Answers) != 1 || r.Answers[0].Kind != lua.Waiting {
			t.Fatalf("lane %d: %+v, want to wait: the first token comes in 350 ms", lane, r.Answers)
		}
	}
}

// lanes returns a function that makes a request for a lane of one route. Each request has a new path, which knows nothing of
// earlier ones.
func lanes(t *testing.T, rdb *redis.Client, l lua.Limit) func(lane string, count int, ageUS int64) lua.AcquireReply {
	seq := int64(0)
	return func(lane string, count int, ageUS int64) (r lua.AcquireReply) {
		t.Helper()
		seq++
		a := lua.AcquireArgs{Seq: seq, Epoch: "e", Version: 1, HorizonUS: 250_000}
		a.Asks = []lua.Ask{{Count: count, Costs: []int64{1}, PatienceUS: -1, AgeUS: ageUS}}
		if err := lua.NewPath("n", "s", lane, []lua.Limit{l}).Acquire(t.Context(), rdb, &a, &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
}

// TestPlaceInLine: the calls that a lane's entry claims keep their place, later calls of the lane do not. A lane whose turn is
// near asks again after a quarter of the remaining time.
func TestPlaceInLine(t *testing.T) {
	m, rdb := begin(t)
	one := narrow
	one.Burst = 1
	m.HSet(lua.Keys("n").State(), one.Field.String(), "4 1 100000 1 0 0 0")
	call := lanes(t, rdb, one)
	call("x", 5, 0)
	m.SetTime(time.Unix(1_800_000_000, 10_000_000))
	call("y", 1, 0)
	m.SetTime(time.Unix(1_800_000_000, 290_000_000))
	want := []lua.Grant{{Count: 2, Kind: lua.Reserved, AtUS: 10_000}, {Count: 1, Kind: lua.Waiting, AtUS: 310_000}}
	if r := call("x", 3, 0); !slices.Equal(r.Answers, want) {
		t.Errorf("three calls, of which two have a place: %+v, want %+v", r.Answers, want)
	}
	m.SetTime(time.Unix(1_800_000_000, 505_000_000))
	if r := call("z", 1, 0); r.Answers[0].AtUS != 195_000 || r.ComeBackUS != 95_000 {
		t.Errorf("a lane behind two others: %+v, want its turn in 195 ms and the next request in 95 ms", r)
	}
	if r := call("v", 1, 300_000); r.Answers[0].AtUS != 95_000 || r.ComeBackUS != 23_750 {
		t.Errorf("a lane behind one other: %+v, want its turn in 95 ms and the next request after a quarter of that", r)
	}
}

// TestLinesAndLogsThatWereLost: a line or a log does not count if the record of its limit does not know it. The sums of a lost
// line do not count either. If a lane has forgotten its entry, the entry counts once.
func TestLinesAndLogsThatWereLost(t *testing.T) {
	m, rdb := begin(t)
	state := lua.Keys("n").State()
	call := lanes(t, rdb, narrow)
	line := lua.Keys("n").Line(narrow.Field)

	m.HSet(state, narrow.Field.String(), "4 1 100000 2 0 0 0 0 5 5 0 0 0 0 0")
	if r := call("x", 1, 0); r.Answers[0] != (lua.Grant{Count: 1, Kind: lua.Reserved, Bound: -1}) {
		t.Errorf("sums without a line: %+v, want a call at once", r.Answers)
	}
	if text := m.HGet(state, narrow.Field.String()); strings.Count(text, " ") != 6 {
		t.Errorf("sums without a line: the record is %q, want one without sums", text)
	}

	m.HSet(state, narrow.Field.String(), "4 1 100000 2 0 0 0")
	if _, err := m.ZAdd(line, 5, "4 9 1 1 0 s:gone"); err != nil {
		t.Fatal(err)
	}
	call("x", 5, 0)
	if got := rdb.ZCard(t.Context(), line).Val(); got != 1 {
		t.Errorf("%d lanes are in line, want 1", got)
	}
	before := m.HGet(state, narrow.Field.String())
	m.HDel(lua.Keys("n").Replies("s"), "s:x")
	call("x", 1, 0)
	if after := m.HGet(state, narrow.Field.String()); after != before {
		t.Errorf("a lane that forgot its entry asks again: the record is %q, want %q as before", after, before)
	}

	w := lua.Limit{Field: lua.Field{Bucket: "o", PerUS: 1_000_000, Window: true}, Tokens: 1, PerUS: 500_000, Burst: 2, Own: true}
	log := lua.Keys("n").Log(w.Field)
	if _, err := m.ZAdd(log, 1, "5"); err != nil {
		t.Fatal(err)
	}
	m.SetTime(time.Unix(1_800_000_002, 0))
	lanes(t, rdb, w)("y", 1, 0)
	if got := rdb.ZCard(t.Context(), log).Val(); got != 1 {
		t.Errorf("%d starts are in the log, want 1", got)
	}
	if ttl := m.TTL(log); ttl <= 0 {
		t.Error("the log has no time to live")
	}
}

// TestOwnLevelIsKeptUntilItIsFull: a level made at run time has its own key, which lives until the bucket is full, and no field in
// the state.
func TestOwnLevelIsKeptUntilItIsFull(t *testing.T) {
	m, rdb := begin(t)
	l := lua.Limit{Field: lua.Field{Bucket: "o", PerUS: 100_000_000}, Tokens: 1, PerUS: 100_000_000, Burst: 3, Own: true}
	lanes(t, rdb, l)("x", 1, 0)
	if ttl := m.TTL(lua.Keys("n").Own(l.Field)); ttl < 300*time.Second {
		t.Errorf("a level that is full in 300 s is kept for %v", ttl)
	}
	for _, field := range rdb.HKeys(t.Context(), lua.Keys("n").State()).Val() {
		if strings.HasPrefix(field, "own:") {
			t.Errorf("the state has a field %q", field)
		}
	}
}

// TestFarTimesAreBounded: a caller whose turn is in years gets a time small enough to be exact.
func TestFarTimesAreBounded(t *testing.T) {
	m, rdb := begin(t)
	const day = 86_400_000_000
	l := lua.Limit{Field: lua.Field{Bucket: "a", PerUS: 1_000_000}, Tokens: 1, PerUS: day, Burst: 1}
	m.HSet(lua.Keys("n").State(), l.Field.String(), fmt.Sprintf("4 1 %d 1 0 0 0", int64(day)))
	call := lanes(t, rdb, l)
	call("x", 100_000, 0)
	if got, want := call("y", 1, 0).Answers[0].AtUS, int64(day+(1<<51)/day*day); got != want {
		t.Errorf("a caller behind 100,000 days of calls: its turn is in %d µs, want %d", got, want)
	}
}

// TestConfigureForgets: configure removes a limit that no replica wants any more, and a pause once the level itself contains it.
func TestConfigureForgets(t *testing.T) {
	m, rdb := begin(t)
	state := lua.Keys("n").State()
	configure := func(wish ...lua.Limit) lua.ConfigureReply {
		t.Helper()
		a := lua.ConfigureArgs{Epoch: "e", Version: 1, Fresh: "f", HorizonUS: 250_000, Replica: "r", Session: "s", Wish: wish}
		if m.HGet(state, "told") == "" {
			a.Change = lua.TellOpens("a", 10_000_000, "")
		}
		r, err := lua.Configure(t.Context(), rdb, "n", a)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := configure(narrow); len(r.Opens) != 1 || r.Opens[0].US != 1_800_000_010_000_000 {
		t.Errorf("after the pause: %+v, want a bucket that opens in 10 s", r)
	}
	if text := m.HGet(state, wide.Field.String()); text == "" {
		t.Error("configure removed a limit that is in debt")
	}
	for second := int64(10); second < 70; second += 10 { // wanted limits age by at most 10 s between two announcements
		m.SetTime(time.Unix(1_800_000_000+second, 0))
		configure(narrow)
	}
	m.SetTime(time.Unix(1_800_000_071, 0))
	if r := configure(narrow); len(r.Opens) != 0 {
		t.Errorf("a minute after the bucket has opened: the pauses are %+v, want none", r.Opens)
	}
	if text := m.HGet(state, wide.Field.String()); text != "" {
		t.Errorf("a full limit that no replica wants: the record is %q, want none", text)
	}
	if got, want := m.HGet(state, narrow.Field.String()), "4 1 100000 2 1800000010200000 0 1800000000250000"; got != want {
		t.Errorf("the level of the bucket after the pause is %q, want %q", got, want)
	}
}

// TestFormerVersion: a record without a version has version 1, and configure begins a new epoch.
func TestFormerVersion(t *testing.T) {
	m, rdb := begin(t)
	m.HSet(lua.Keys("n").State(), "epoch", "e 1 0")
	got, err := lua.Configure(t.Context(), rdb, "n", lua.ConfigureArgs{Fresh: "f", Replica: "r", Session: "s"})
	if err != nil || got.Former != 1 || got.Epoch != "f" {
		t.Errorf("%+v, %v, want the new epoch f after records of version 1", got, err)
	}
}

// TestWindowOfALostMemoryIsShut: the key of a window made at run time may outlive the other data of the namespace. Its log may
// then be incomplete, so the window admits no start until a horizon and a width after the loss.
func TestWindowOfALostMemoryIsShut(t *testing.T) {
	m, rdb := begin(t)
	l := lua.Limit{Field: lua.Field{Bucket: "o", PerUS: 1_000_000, Window: true}, Tokens: 1, PerUS: 500_000, Burst: 2, Own: true}
	if err := m.Set(lua.Keys("n").Own(l.Field), "4 1 500000 2 0 0 0"); err != nil {
		t.Fatal(err)
	}
	var r lua.AcquireReply
	a := lua.AcquireArgs{Seq: 1, Epoch: "e", Version: 1, HorizonUS: 250_000, Asks: []lua.Ask{{Count: 1, Costs: []int64{1}, PatienceUS: 0}}}
	if err := lua.NewPath("n", "s", "lane", []lua.Limit{l}).Acquire(t.Context(), rdb, &a, &r); err != nil {
		t.Fatal(err)
	}
	if r.Answers[0].Kind != lua.Refused || r.Answers[0].AtUS != 1_250_000 {
		t.Errorf("the answers are %+v, want a call refused until a horizon and a width after the loss", r.Answers)
	}
}

// TestDamagedLevelIsLost: an unreadable level counts as lost, so the bucket is empty and in debt, also for a process that
// remembers nothing. It does not begin full, because it may have been used.
func TestDamagedLevelIsLost(t *testing.T) {
	m, rdb := begin(t)
	state := lua.Keys("n").State()
	for _, level := range []string{"", "x", "4 1 100000 2 0 0", "4 1 100000 2 99999999999999999999 0 0"} {
		m.HSet(state, narrow.Field.String(), level)
		a := lua.ConfigureArgs{Fresh: "f", HorizonUS: 250_000, Replica: "new", Session: "new", Wish: []lua.Limit{narrow}}
		if _, err := lua.Configure(t.Context(), rdb, "n", a); err != nil {
			t.Fatal(err)
		}
		if got, want := m.HGet(state, narrow.Field.String()), "4 1 100000 2 1800000000450000 0 1800000000250000"; got != want {
			t.Errorf("with the level %q: the new record is %q, want %q", level, got, want)
		}
	}
}
