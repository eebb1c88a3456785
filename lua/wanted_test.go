package lua_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/lua"
)

// announcer announces replicas to a Redis.
type announcer struct {
	t   *testing.T
	m   *miniredis.Miniredis
	rdb *redis.Client
	now time.Time
}

func newAnnouncer(t *testing.T) *announcer {
	m := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{Addr: m.Addr(), DisableIdentity: true})
	t.Cleanup(func() { rdb.Close() })
	return &announcer{t: t, m: m, rdb: rdb}
}

// announce announces a replica with its limits, so many seconds after the start.
func (a *announcer) announce(second int64, replica string, wish ...lua.Limit) lua.ConfigureReply {
	a.t.Helper()
	a.now = time.Unix(1_800_000_000+second, 0)
	a.m.SetTime(a.now)
	args := lua.ConfigureArgs{Epoch: "e", Fresh: "e", HorizonUS: 250_000, Replica: replica, Session: replica, Wish: wish}
	r, err := lua.Configure(a.t.Context(), a.rdb, "n", args)
	if err != nil {
		a.t.Fatal(err)
	}
	return r
}

// names returns the replicas that the state names with each set of wanted limits, by the number of its limits.
func (a *announcer) names() map[int][]string {
	state := lua.ParseState(a.rdb.HGetAll(a.t.Context(), lua.Keys("n").State()).Val(),
		a.rdb.HGetAll(a.t.Context(), lua.Keys("n").Wishes()).Val(), a.now)
	out := map[int][]string{}
	for _, w := range state.Wishes {
		out[len(w.Limits)] = append(out[len(w.Limits)], w.Replicas...)
	}
	return out
}

// TestWishesAge: wanted limits age by the time between two announcements, ten seconds at most. They end half a minute after the last
// announcement of a replica that wants them. That replica then no longer counts as live.
func TestWishesAge(t *testing.T) {
	a := newAnnouncer(t)
	a.announce(0, "x", narrow)
	a.announce(0, "y", narrow, wide)
	if r := a.announce(3600, "x", narrow); len(r.Force) != 2 || r.Live != 2 {
		t.Errorf("after an hour without announcements: %+v, want both replicas and both limits", r)
	}
	for i := range int64(2) {
		if r := a.announce(3610+10*i, "x", narrow); len(r.Force) != 2 || r.Live != 2 {
			t.Errorf("%d s later: %+v, want both replicas and both limits", 10+10*i, r)
		}
	}
	if r := a.announce(3631, "x", narrow); len(r.Force) != 1 || r.Live != 1 {
		t.Errorf("after half a minute: %+v, want one replica and one limit", r)
	}
	k := lua.Keys("n")
	if n, entries := a.rdb.ZCard(t.Context(), k.Live()).Val(), a.rdb.HKeys(t.Context(), k.Wishes()).Val(); n != 1 || len(entries) != 2 {
		t.Errorf("Redis keeps %d replicas and the entries %v, want one replica, the clock and one entry", n, entries)
	}
}

// TestWishesAreNamed: wanted limits name the replicas that announced them within half a minute, each once. Of many replicas they name the
// last eight.
func TestWishesAreNamed(t *testing.T) {
	a := newAnnouncer(t)
	a.announce(0, "x", narrow)
	a.announce(0, "y", narrow)
	for i := range int64(5) {
		a.announce(10*i+10, "x", narrow)
		if got, want := fmt.Sprint(a.names()[1]), []string{"[x y]", "[x]"}[i/3]; got != want {
			t.Errorf("after %d s the named replicas are %v, want %v", 10*i+10, got, want)
		}
	}
	for i := range int64(20) {
		a.announce(50, fmt.Sprint("many-", i), narrow)
	}
	if got := a.names()[1]; len(got) != 8 || got[0] != "many-19" {
		t.Errorf("of many replicas %v are named, want the last eight", got)
	}
}

// TestClockOfWishes: if the clock of wanted limits is lost, it restarts at the time of the latest wanted limits. If it is ahead, nothing
// grows younger. A replica with a time in the future does not count as live.
func TestClockOfWishes(t *testing.T) {
	wanted, live := lua.Keys("n").Wishes(), lua.Keys("n").Live()
	clock := func(a *announcer) (own, aged int64) {
		t.Helper()
		if _, err := fmt.Sscanf(a.m.HGet(wanted, "clock"), "4 %d %d", &own, &aged); err != nil {
			t.Fatal(err)
		}
		return own, aged
	}
	for _, damaged := range []string{"", "x", "4 1 9007199254740993", "4 9007199254740993 1", "5 1 1"} {
		a := newAnnouncer(t)
		a.announce(0, "x", narrow)
		a.m.HSet(wanted, "clock", damaged)
		if r := a.announce(10, "x", narrow); len(r.Force) != 1 || r.Live != 1 {
			t.Errorf("with the clock %q: %+v, want one limit and one replica", damaged, r)
		}
		if own, aged := clock(a); own != 1_800_000_010_000_000 || aged != 1_800_000_000_000_000 {
			t.Errorf("after the damaged clock %q: %d, %d, want it restarted at the beginning", damaged, own, aged)
		}
	}
	idle := newAnnouncer(t)
	for _, who := range []string{"x", "y"} {
		idle.announce(0, who, narrow)
	}
	for _, who := range []string{"x", "y"} { // now the clock is nearly an hour behind own time
		idle.announce(3600, who, narrow)
	}
	idle.m.HSet(wanted, "clock", "x")
	if r := idle.announce(3601, "x", narrow); r.Live != 2 {
		t.Errorf("after an hour and with a lost clock: %d live replicas, want 2", r.Live)
	}
	ahead := newAnnouncer(t)
	ahead.announce(0, "x", narrow)
	ahead.m.HSet(wanted, "digest", "4 1900000000000000 1900000000000000:y\n"+wide.Field.String()+" 1 100000 9")
	for second := int64(10); second <= 40; second += 10 {
		ahead.announce(second, "x", narrow)
	}
	if r := ahead.announce(50, "x", narrow); len(r.Force) != 1 {
		t.Errorf("wanted limits with a time in the future are in force after 50 s: %+v", r.Force)
	}
	a := newAnnouncer(t)
	a.announce(0, "x", narrow)
	a.m.HSet(wanted, "clock", "4 1800000100000000 1800000000000000")
	a.announce(10, "x", narrow)
	if own, aged := clock(a); own != 1_800_000_010_000_000 || aged != 1_800_000_000_000_000 {
		t.Errorf("after a clock that was ahead: %d, %d, want own time and no aging", own, aged)
	}
	if _, err := a.m.ZAdd(live, 1_800_000_500_000_000, "ghost ghost"); err != nil {
		t.Fatal(err)
	}
	if r := a.announce(20, "x", narrow); r.Live != 1 {
		t.Errorf("%d live replicas, want 1: the other one has a time in the future", r.Live)
	}
}

// TestRepliesLiveAsLongAsTheirReplica: Redis keeps the replies of a replica until a minute after its last announcement.
func TestRepliesLiveAsLongAsTheirReplica(t *testing.T) {
	m, rdb := begin(t)
	replies := lua.Keys("n").Replies("s")
	m.HSet(lua.Keys("n").State(), narrow.Field.String(), "4 1 100000 2 0 0 0")
	lanes(t, rdb, narrow)("x", 1, 0)
	if ttl := m.TTL(replies); ttl <= 0 || ttl > time.Minute {
		t.Errorf("the replies are kept for %v, want a minute at most", ttl)
	}
	for range 3 {
		m.FastForward(40 * time.Second)
		heartbeat(t, rdb)
	}
	if !m.Exists(replies) {
		t.Error("the replies are gone although the replica has announced itself")
	}
	m.FastForward(61 * time.Second)
	if m.Exists(replies) {
		t.Error("the replies are kept a minute after the last announcement")
	}
}

// TestPausesOfTheFleet: a pause never shortens another pause, but a change may open the bucket.
func TestPausesOfTheFleet(t *testing.T) {
	_, rdb := begin(t)
	for i, c := range []struct{ us, want int64 }{{10_000_000, 10_000_000}, {5_000_000, 10_000_000}, {20_000_000, 20_000_000}, {0, 0}, {5_000_000, 5_000_000}} {
		a := lua.ConfigureArgs{Epoch: "e", HorizonUS: 250_000, Replica: "r", Session: "s", Change: lua.TellOpens("a", c.us, "")}
		r, err := lua.Configure(t.Context(), rdb, "n", a)
		if err != nil || len(r.Opens) != 1 || r.Opens[0].US != 1_800_000_000_000_000+c.want {
			t.Errorf("change %d: %+v, %v, want the bucket to open in %d µs", i, r.Opens, err, c.want)
		}
	}
}

// TestDamagedWords: configure removes unreadable lines from the changes for the fleet, and keeps the others.
func TestDamagedWords(t *testing.T) {
	m, rdb := begin(t)
	state := lua.Keys("n").State()
	sound := "limit a " + narrow.Field.String() + " 1 50000 2"
	m.HSet(state, "told", "4 at 5\n"+sound+"\nlimit b x\nlimit b "+wide.Field.String()+" 1 0 2\nopens a x\nopens b 9007199254740993\nclose a\nx")
	if r := heartbeat(t, rdb); r.Told != "4 at 5\n"+sound || len(r.Force) != 2 {
		t.Errorf("%+v, want only the readable change %q and two limits in force", r, sound)
	}
}

// TestDamagedWishes: an unreadable entry of wanted limits does not count, and configure removes it.
func TestDamagedWishes(t *testing.T) {
	wanted := lua.Keys("n").Wishes()
	line := "\n" + wide.Field.String() + " 1 100000 9"
	for _, damaged := range []string{"", "x", "2 1800000000000000" + line, "4 x" + line, "3 9007199254740993" + line, "4 1.5" + line} {
		a := newAnnouncer(t)
		a.announce(0, "x", narrow)
		a.m.HSet(wanted, "digest", damaged)
		if r := a.announce(10, "x", narrow); len(r.Force) != 1 {
			t.Errorf("with the entry %q: %+v, want one limit in force", damaged, r)
		}
		if a.rdb.HExists(t.Context(), wanted, "digest").Val() {
			t.Errorf("configure keeps the entry %q", damaged)
		}
	}
}

// TestLimitsThatNobodyWants: Redis keeps a limit that no replica wants until it is full, and a window until none of its starts counts.
func TestLimitsThatNobodyWants(t *testing.T) {
	a := newAnnouncer(t)
	state := lua.Keys("n").State()
	a.announce(0, "x", wide, pair)
	a.m.HSet(state, wide.Field.String(), "4 1 100000 9 1800000050000000 0 1800000049100000", pair.Field.String(), "4 1 500000 2 0 0 1800000050000000")
	for _, c := range []struct {
		second           int64
		wideIs, windowIs bool
	}{{20, true, true}, {30, true, true}, {40, true, true}, {49, true, true}, {50, false, true}, {51, false, false}} {
		a.announce(c.second, "y", narrow)
		if a.rdb.HExists(t.Context(), state, wide.Field.String()).Val() != c.wideIs || a.rdb.HExists(t.Context(), state, pair.Field.String()).Val() != c.windowIs {
			t.Errorf("after %d s the state is %v, want the bucket in it: %v, the window: %v", c.second, a.rdb.HGetAll(t.Context(), state).Val(), c.wideIs, c.windowIs)
		}
	}
}
