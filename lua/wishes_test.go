package lua_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/lua"
)

// announcer has replicas announce themselves.
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

// say is an announcement of a replica at a time, in seconds.
func (a *announcer) say(second int64, replica string, wish ...lua.Limit) lua.ConfigureReply {
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

// names are the replicas that are named with each wish.
func (a *announcer) names() map[int][]string {
	state := lua.ParseState(a.rdb.HGetAll(a.t.Context(), lua.Keys("n").State()).Val(),
		a.rdb.HGetAll(a.t.Context(), lua.Keys("n").Wishes()).Val(), a.now)
	out := map[int][]string{}
	for _, w := range state.Wishes {
		out[len(w.Limits)] = append(out[len(w.Limits)], w.Replicas...)
	}
	return out
}

// TestWishesAge by the time between two announcements, ten seconds at most, and are forgotten half a minute after the last of those who want
// the same, and with them that they are there.
func TestWishesAge(t *testing.T) {
	a := newAnnouncer(t)
	a.say(0, "x", narrow)
	a.say(0, "y", narrow, wide)
	if r := a.say(3600, "x", narrow); len(r.Force) != 2 || r.Live != 2 {
		t.Errorf("after an hour of silence: %+v, want both replicas and both limits", r)
	}
	for i := range int64(2) {
		if r := a.say(3610+10*i, "x", narrow); len(r.Force) != 2 || r.Live != 2 {
			t.Errorf("%d s later: %+v, want both", 10+10*i, r)
		}
	}
	if r := a.say(3631, "x", narrow); len(r.Force) != 1 || r.Live != 1 {
		t.Errorf("after half a minute: %+v, want one of each", r)
	}
	k := lua.Keys("n")
	if n, entries := a.rdb.ZCard(t.Context(), k.Live()).Val(), a.rdb.HKeys(t.Context(), k.Wishes()).Val(); n != 1 || len(entries) != 2 {
		t.Errorf("%d replicas and the entries %v are kept", n, entries)
	}
}

// TestWishesAreNamed by those who have said so within half a minute, each once, and not by all of many.
func TestWishesAreNamed(t *testing.T) {
	a := newAnnouncer(t)
	a.say(0, "x", narrow)
	a.say(0, "y", narrow)
	for i := range int64(5) {
		a.say(10*i+10, "x", narrow)
		if got, want := fmt.Sprint(a.names()[1]), []string{"[x y]", "[x]"}[i/3]; got != want {
			t.Errorf("after %d s named are %v, want %v", 10*i+10, got, want)
		}
	}
	for i := range int64(20) {
		a.say(50, fmt.Sprint("many-", i), narrow)
	}
	if got := a.names()[1]; len(got) != 8 || got[0] != "many-19" {
		t.Errorf("of many named are %v, want the last eight", got)
	}
}

// TestClockOfWishes: where it is lost it begins anew at what was wanted last, where it is ahead nothing grows younger; and nobody counts who was heard in the time to
// come.
func TestClockOfWishes(t *testing.T) {
	wishes, live := lua.Keys("n").Wishes(), lua.Keys("n").Live()
	aged := func(a *announcer) (heard, aged int64) {
		t.Helper()
		if _, err := fmt.Sscanf(a.m.HGet(wishes, "clock"), "4 %d %d", &heard, &aged); err != nil {
			t.Fatal(err)
		}
		return heard, aged
	}
	for _, damaged := range []string{"", "x", "4 1 9007199254740993", "4 9007199254740993 1", "5 1 1"} {
		a := newAnnouncer(t)
		a.say(0, "x", narrow)
		a.m.HSet(wishes, "clock", damaged)
		if r := a.say(10, "x", narrow); len(r.Force) != 1 || r.Live != 1 {
			t.Errorf("with the clock %q: %+v", damaged, r)
		}
		if heard, is := aged(a); heard != 1_800_000_010_000_000 || is != 1_800_000_000_000_000 {
			t.Errorf("after the clock %q it is %d, %d", damaged, heard, is)
		}
	}
	idle := newAnnouncer(t)
	for _, who := range []string{"x", "y"} {
		idle.say(0, who, narrow)
	}
	for _, who := range []string{"x", "y"} { // the clock lags behind own time by nearly an hour
		idle.say(3600, who, narrow)
	}
	idle.m.HSet(wishes, "clock", "x")
	if r := idle.say(3601, "x", narrow); r.Live != 2 {
		t.Errorf("after an hour and without a clock %d replicas are there, want two", r.Live)
	}
	ahead := newAnnouncer(t)
	ahead.say(0, "x", narrow)
	ahead.m.HSet(wishes, "digest", "4 1900000000000000 1900000000000000:y\n"+wide.Field.String()+" 1 100000 9")
	for second := int64(10); second <= 40; second += 10 {
		ahead.say(second, "x", narrow)
	}
	if r := ahead.say(50, "x", narrow); len(r.Force) != 1 {
		t.Errorf("a wish of the time to come is in force after 50 s: %+v", r.Force)
	}
	a := newAnnouncer(t)
	a.say(0, "x", narrow)
	a.m.HSet(wishes, "clock", "4 1800000100000000 1800000000000000")
	a.say(10, "x", narrow)
	if heard, is := aged(a); heard != 1_800_000_010_000_000 || is != 1_800_000_000_000_000 {
		t.Errorf("after a clock that was ahead it is %d, %d", heard, is)
	}
	if _, err := a.m.ZAdd(live, 1_800_000_500_000_000, "ghost ghost"); err != nil {
		t.Fatal(err)
	}
	if r := a.say(20, "x", narrow); r.Live != 1 {
		t.Errorf("%d replicas are there, want one: the other was heard in the time to come", r.Live)
	}
}

// TestRepliesLiveAsLongAsTheirReplica: a minute after its last announcement.
func TestRepliesLiveAsLongAsTheirReplica(t *testing.T) {
	m, rdb := begin(t)
	replies := lua.Keys("n").Replies("s")
	m.HSet(lua.Keys("n").State(), narrow.Field.String(), "4 1 100000 2 0 0 0")
	lanes(t, rdb, narrow)("x", 1, 0)
	if ttl := m.TTL(replies); ttl <= 0 || ttl > time.Minute {
		t.Errorf("replies are kept for %v", ttl)
	}
	for range 3 {
		m.FastForward(40 * time.Second)
		heartbeat(t, rdb)
	}
	if !m.Exists(replies) {
		t.Error("replies went although the replica has announced itself")
	}
	m.FastForward(61 * time.Second)
	if m.Exists(replies) {
		t.Error("replies of a replica that is silent are kept")
	}
}

// TestPausesOfTheFleet: one never shortens another, but the bucket may be opened.
func TestPausesOfTheFleet(t *testing.T) {
	_, rdb := begin(t)
	for i, c := range []struct{ us, want int64 }{{10_000_000, 10_000_000}, {5_000_000, 10_000_000}, {20_000_000, 20_000_000}, {0, 0}, {5_000_000, 5_000_000}} {
		a := lua.ConfigureArgs{Epoch: "e", HorizonUS: 250_000, Replica: "r", Session: "s", Change: lua.TellOpens("a", c.us, "")}
		r, err := lua.Configure(t.Context(), rdb, "n", a)
		if err != nil || len(r.Opens) != 1 || r.Opens[0].US != 1_800_000_000_000_000+c.want {
			t.Errorf("%d: %+v, %v, want it to open in %d us", i, r.Opens, err, c.want)
		}
	}
}

// TestDamagedWords: what the fleet was told and cannot be read is forgotten, the rest is not.
func TestDamagedWords(t *testing.T) {
	m, rdb := begin(t)
	state := lua.Keys("n").State()
	sound := "limit a " + narrow.Field.String() + " 1 50000 2"
	m.HSet(state, "told", "4 at 5\n"+sound+"\nlimit b x\nlimit b "+wide.Field.String()+" 1 0 2\nopens a x\nopens b 9007199254740993\nclose a\nx")
	if r := heartbeat(t, rdb); r.Told != "4 at 5\n"+sound || len(r.Force) != 2 {
		t.Errorf("%+v", r)
	}
}

// TestDamagedWishes: an entry that cannot be read is nobody's wish, and goes.
func TestDamagedWishes(t *testing.T) {
	wishes := lua.Keys("n").Wishes()
	line := "\n" + wide.Field.String() + " 1 100000 9"
	for _, damaged := range []string{"", "x", "2 1800000000000000" + line, "4 x" + line, "3 9007199254740993" + line, "4 1.5" + line} {
		a := newAnnouncer(t)
		a.say(0, "x", narrow)
		a.m.HSet(wishes, "digest", damaged)
		if r := a.say(10, "x", narrow); len(r.Force) != 1 {
			t.Errorf("with the entry %q: %+v", damaged, r)
		}
		if a.rdb.HExists(t.Context(), wishes, "digest").Val() {
			t.Errorf("the entry %q is kept", damaged)
		}
	}
}

// TestLimitsThatNobodyWants are kept until they are full, and windows until nothing of them counts.
func TestLimitsThatNobodyWants(t *testing.T) {
	a := newAnnouncer(t)
	state := lua.Keys("n").State()
	a.say(0, "x", wide, pair)
	a.m.HSet(state, wide.Field.String(), "4 1 100000 9 1800000050000000 0 1800000049100000", pair.Field.String(), "4 1 500000 2 0 0 1800000050000000")
	for _, c := range []struct {
		second           int64
		wideIs, windowIs bool
	}{{20, true, true}, {30, true, true}, {40, true, true}, {49, true, true}, {50, false, true}, {51, false, false}} {
		a.say(c.second, "y", narrow)
		if a.rdb.HExists(t.Context(), state, wide.Field.String()).Val() != c.wideIs || a.rdb.HExists(t.Context(), state, pair.Field.String()).Val() != c.windowIs {
			t.Errorf("after %d s there is %v", c.second, a.rdb.HGetAll(t.Context(), state).Val())
		}
	}
}
