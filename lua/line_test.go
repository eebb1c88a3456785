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

// TestLongLine: one request counts and removes a bounded number of entries, as the core does.
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
	// The 16 oldest claim 16 tokens, the other 84 claim 94. Of those 24 are older than the caller: 94·24/84 = 26.
	r := call("between", 1, 6_050_000)
	if got, want := r.Answers[0].AtUS, int64(300_000+(16+26)*100_000); got != want {
		t.Errorf("a caller behind 40 of 100 lanes is told %d µs, want %d", got, want)
	}
	m.SetTime(time.Unix(1_800_000_000, 400_000_000))
	call("last", 1, 0)
	if got := rdb.ZCard(t.Context(), line).Val(); got != 101-64+1 {
		t.Errorf("%d lanes are left, want 101, less the 64 that one request removes, and its own", got)
	}
	call("old", 9, 90_000_000_000)
	if first := rdb.ZRangeWithScores(t.Context(), line, 0, 0).Val(); len(first) != 1 || first[0].Score != 1_800_000_000_400_000-86_400_000_000 {
		t.Errorf("the oldest lane is %v, want one of a day ago", first)
	}
	if ttl := m.TTL(line); ttl <= 0 || ttl > time.Minute {
		t.Errorf("the line is kept for %v, want up to a minute", ttl)
	}
}

// TestManyLanesOfOneMoment: of a hundred lanes whose callers came in one microsecond nobody gets what is not there.
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

// lanes makes calls of lanes of one route, each call with a path of its own.
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

// TestPlaceInLine: what a former entry claims keeps its place, the calls behind do not; and a lane whose turn is near asks after a
// quarter of the rest.
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
		t.Errorf("of three calls, two with a place: %+v, want %+v", r.Answers, want)
	}
	m.SetTime(time.Unix(1_800_000_000, 505_000_000))
	if r := call("z", 1, 0); r.Answers[0].AtUS != 195_000 || r.ComeBackUS != 95_000 {
		t.Errorf("behind two: %+v", r)
	}
	if r := call("v", 1, 300_000); r.Answers[0].AtUS != 95_000 || r.ComeBackUS != 23_750 {
		t.Errorf("behind one: %+v, want to come back after a quarter of 95 ms", r)
	}
}

// TestLinesAndLogsThatWereLost: what is left of a line or a log of which nothing else is known does not count, nor do sums of a
// line that is gone; and an entry that its lane has forgotten counts once.
func TestLinesAndLogsThatWereLost(t *testing.T) {
	m, rdb := begin(t)
	state := lua.Keys("n").State()
	call := lanes(t, rdb, narrow)
	line := lua.Keys("n").Line(narrow.Field)

	m.HSet(state, narrow.Field.String(), "4 1 100000 2 0 0 0 0 5 5 0 0 0 0 0")
	if r := call("x", 1, 0); r.Answers[0] != (lua.Grant{Count: 1, Kind: lua.Reserved, Bound: -1}) {
		t.Errorf("a line that is gone: %+v, want a call at once", r.Answers)
	}
	if text := m.HGet(state, narrow.Field.String()); strings.Count(text, " ") != 6 {
		t.Errorf("a line that is gone: %q, want a level without sums", text)
	}

	m.HSet(state, narrow.Field.String(), "4 1 100000 2 0 0 0")
	if _, err := m.ZAdd(line, 5, "4 9 1 1 0 s:gone"); err != nil {
		t.Fatal(err)
	}
	call("x", 5, 0)
	if got := rdb.ZCard(t.Context(), line).Val(); got != 1 {
		t.Errorf("%d lanes are in line, want one", got)
	}
	before := m.HGet(state, narrow.Field.String())
	m.HDel(lua.Keys("n").Replies("s"), "s:x")
	call("x", 1, 0)
	if after := m.HGet(state, narrow.Field.String()); after != before {
		t.Errorf("an entry that was forgotten: %q, before %q", after, before)
	}

	w := lua.Limit{Field: lua.Field{Bucket: "o", PerUS: 1_000_000, Window: true}, Tokens: 1, PerUS: 500_000, Burst: 2, Own: true}
	log := lua.Keys("n").Log(w.Field)
	if _, err := m.ZAdd(log, 1, "5"); err != nil {
		t.Fatal(err)
	}
	m.SetTime(time.Unix(1_800_000_002, 0))
	lanes(t, rdb, w)("y", 1, 0)
	if got := rdb.ZCard(t.Context(), log).Val(); got != 1 {
		t.Errorf("%d starts are in the log, want one", got)
	}
	if ttl := m.TTL(log); ttl <= 0 {
		t.Error("the log is kept without end")
	}
}

// TestOwnLevelIsKeptUntilItIsFull, in a key of its own alone.
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

// TestFarTimesAreBounded: what would start in years is told a time that counts exactly.
func TestFarTimesAreBounded(t *testing.T) {
	m, rdb := begin(t)
	const day = 86_400_000_000
	l := lua.Limit{Field: lua.Field{Bucket: "a", PerUS: 1_000_000}, Tokens: 1, PerUS: day, Burst: 1}
	m.HSet(lua.Keys("n").State(), l.Field.String(), fmt.Sprintf("4 1 %d 1 0 0 0", int64(day)))
	call := lanes(t, rdb, l)
	call("x", 100_000, 0)
	if got, want := call("y", 1, 0).Answers[0].AtUS, int64(day+(1<<51)/day*day); got != want {
		t.Errorf("behind 100000 days: %d µs, want %d", got, want)
	}
}

// TestConfigureForgets: what was wanted and is no more, and a pause when the level says so itself.
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
		t.Errorf("what is in force: %+v", r)
	}
	if text := m.HGet(state, wide.Field.String()); text == "" {
		t.Error("a limit that owes tokens was forgotten")
	}
	for second := int64(10); second < 70; second += 10 { // wishes age by 10 s between two announcements
		m.SetTime(time.Unix(1_800_000_000+second, 0))
		configure(narrow)
	}
	m.SetTime(time.Unix(1_800_000_071, 0))
	if r := configure(narrow); len(r.Opens) != 0 {
		t.Errorf("a minute after the bucket has opened: %+v", r.Opens)
	}
	if text := m.HGet(state, wide.Field.String()); text != "" {
		t.Errorf("a limit that is full and that nobody wants: %q", text)
	}
	if got, want := m.HGet(state, narrow.Field.String()), "4 1 100000 2 1800000010200000 0 1800000000250000"; got != want {
		t.Errorf("the level of a bucket that has opened: %q, want %q", got, want)
	}
}

// TestFormerVersion: records without a version are of the time before versions.
func TestFormerVersion(t *testing.T) {
	m, rdb := begin(t)
	m.HSet(lua.Keys("n").State(), "epoch", "e 1 0")
	got, err := lua.Configure(t.Context(), rdb, "n", lua.ConfigureArgs{Fresh: "f", Replica: "r", Session: "s"})
	if err != nil || got.Former != 1 || got.Epoch != "f" {
		t.Errorf("%+v, %v, want another epoch, for records of version 1 were found", got, err)
	}
}

// TestWindowOfALostMemoryIsShut: a window made at run time outlives the memory of the namespace. Its log is not complete.
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
		t.Errorf("%+v, want a call refused until a horizon and a width after the loss", r.Answers)
	}
}

// TestDamagedLevelIsLost: a level that cannot be read was used, so that it does not begin anew for a process that remembers nothing.
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
			t.Errorf("after the level %q: %q, want %q", level, got, want)
		}
	}
}
