package lua_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/lua"
)

var (
	narrow = lua.Limit{Field: lua.Field{Bucket: "a", PerUS: 1_000_000}, Tokens: 1, PerUS: 100_000, Burst: 2}
	wide   = lua.Limit{Field: lua.Field{Bucket: "b", PerUS: 1_000_000}, Tokens: 1, PerUS: 100_000, Burst: 9}
)

// begin starts a Redis with a namespace of two limits.
func begin(t *testing.T) (*miniredis.Miniredis, *redis.Client) {
	t.Helper()
	m := miniredis.RunT(t)
	m.SetTime(time.Unix(1_800_000_000, 0))
	rdb := redis.NewClient(&redis.Options{Addr: m.Addr(), DisableIdentity: true})
	t.Cleanup(func() { rdb.Close() })
	heartbeat(t, rdb)
	return m, rdb
}

// heartbeat announces a replica with the two limits. The first call begins the epoch "e".
func heartbeat(t *testing.T, rdb *redis.Client) lua.ConfigureReply {
	t.Helper()
	a := lua.ConfigureArgs{Epoch: "d", Fresh: "e", HorizonUS: 250_000, Replica: "r", Session: "s", Wish: []lua.Limit{narrow, wide}}
	if rdb.Exists(t.Context(), lua.Keys("n").State()).Val() > 0 {
		a.Epoch = "e"
	}
	r, err := lua.Configure(t.Context(), rdb, "n", a)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestArgumentsAreChecked: the full script replies the number of an invalid argument, and writes nothing.
func TestArgumentsAreChecked(t *testing.T) {
	m, rdb := begin(t)
	keys := []string{lua.Keys("n").State(), lua.Keys("n").Replies("s"), lua.Keys("n").Spares([]lua.Limit{narrow, wide})}
	for _, l := range []lua.Limit{narrow, wide} {
		keys = append(keys, lua.Keys("n").Own(l.Field), lua.Keys("n").Log(l.Field), lua.Keys("n").Line(l.Field))
	}
	valid := []any{
		"s:lane", "1 0 250000 0 2 1 0", "4 e 1 ", narrow.Field.String(), "4 1 100000 2 ", wide.Field.String(), "4 1 100000 9 ",
		"r 5 1", "1 1 -1 0 0",
	}
	state := m.Dump()
	for _, c := range []struct {
		number int // of the argument
		value  string
		want   string
	}{
		{2, "1 0 250000 250001 2 1 0", "3 2"},
		{2, "0 0 250000 0 2 1 0", "3 2"},
		{2, "1 0 250000 0 2 7 0", "3 2"},
		{2, "1 0 250000 0 101 1 0", "3 2"},
		{2, "1 0 250000 0 0 1 0", "3 2"},
		{2, "1 0 3600000001 0 2 1 0", "3 2"},
		{2, "text", "3 2"},
		{3, "4 f 1 ", "4"},
		{5, "4 1 1125899906842624 2 ", "3 5"},
		{5, "4 1 0 2 ", "3 5"},
		{5, "4 1 100000 2 @x", "3 5"},
		{8, "r 5 3", "3 8"},
		{8, "r 5 0,0", "3 8"},
		{8, "r 5 1,1,1", "3 8"},
		{8, "r x 1", "3 8"},
		{8, "5 1", "3 8"},
		{8, "x 5 1", "3 8"},
		{8, "s 5:1:0", "3 8"},
		{8, "s 5:1:0,5:1", "3 8"},
		{8, "s 5:1:0,5:1:-1", "3 8"},
		{8, "s 9007199254740993:1:0,5:1:0", "3 8"},
		{9, "1 3 -1 0 0", "3 9"},
		{9, "1 0 -1 0 0", "3 9"},
		{9, "1 3,1 -1 0 0", "3 9"},
		{9, "1 0,0 -1 0 0", "3 9"},
		{9, "1 1,1,1 -1 0 0", "3 9"},
		{9, "0 1 -1 0 0", "3 9"},
		{9, "100001 1 -1 0 0", "3 9"},
		{9, "1 1 -2 0 0", "3 9"},
		{9, "1 1 -1 2 0", "3 9"},
	} {
		argv := slices.Clone(valid)
		argv[c.number-1] = c.value
		got, err := rdb.Eval(t.Context(), lua.Sources()["full"], keys, argv...).Text()
		if err != nil || got != c.want {
			t.Errorf("argument %d is %q: the reply is %q, %v, want %q", c.number, c.value, got, err, c.want)
		}
	}
	if m.Dump() != state {
		t.Errorf("the refused calls changed the data: before\n%s\nafter\n%s", state, m.Dump())
	}
	if got, err := rdb.Eval(t.Context(), lua.Sources()["full"], keys, valid...).Text(); err != nil || !strings.HasPrefix(got, "0 ") {
		t.Errorf("all arguments are valid: the reply is %q, %v, want it to begin with 0", got, err)
	}
}

// TestConfigurationIsChecked: the same for the arguments of configure, including the limits of the replica and its changes for
// the fleet.
func TestConfigurationIsChecked(t *testing.T) {
	m, rdb := begin(t)
	k := lua.Keys("n")
	names := []string{k.State(), k.Live(), k.Wishes(), k.Replies("s")}
	valid := []any{"e", "0", "f", "1", "", "250000", "r", "s", "0", "digest", narrow.Field.String() + " 1 100000 2", "", "known", "", "", "opens a 5"}
	state := m.Dump()
	for _, c := range []struct {
		number int
		value  string
		want   int64
	}{
		{2, "1.5", 2},
		{2, "-1", 2},
		{4, "x", 4},
		{6, "3600000001", 6},
		{11, "limit:1000000:a 1 100000", 11},
		{11, "a 1 100000 2", 11},
		{16, "opens a x", 16},
		{16, "opens a 5 b c", 16},
		{16, "limit a limit:1000000:b 1 100000 2", 16},
		{16, "limit a limit:1000000:a 1 100000", 16},
		{16, "close a", 16},
	} {
		argv := slices.Clone(valid)
		argv[c.number-1] = c.value
		got, err := rdb.Eval(t.Context(), lua.Sources()["configure"], names, argv...).Int64()
		if err != nil || got != c.want {
			t.Errorf("argument %d is %q: the reply is %v, %v, want %d", c.number, c.value, got, err, c.want)
		}
	}
	if m.Dump() != state {
		t.Errorf("the refused calls changed the data: before\n%s\nafter\n%s", state, m.Dump())
	}
}

// TestRecordsAreChecked: the scripts do not touch records of a newer version. An impossible level counts as lost: the bucket is
// then empty and in debt.
func TestRecordsAreChecked(t *testing.T) {
	m, rdb := begin(t)
	key := lua.Keys("n").State()
	call := func() (lua.AcquireReply, error) {
		var r lua.AcquireReply
		a := lua.AcquireArgs{Seq: 1, Epoch: "e", Version: 1, HorizonUS: 250_000, Asks: []lua.Ask{{Count: 1, Costs: []int64{1}, PatienceUS: 0}}}
		err := lua.NewPath("n", "s", "lane", []lua.Limit{narrow}).Acquire(t.Context(), rdb, &a, &r)
		return r, err
	}
	for _, text := range []string{"4 1 100000 2 0 1 0", "4 1 100000 2 9007199254740993 0 0", "4 1 100000 2 0 0 9007199254740993", "4 1 100000 2 "} {
		m.HDel(lua.Keys("n").Replies("s"), "s:lane")
		m.HSet(key, narrow.Field.String(), text)
		if _, err := call(); !errors.Is(err, lua.ErrUnknown) {
			t.Errorf("with the level %q: %v, want ErrUnknown", text, err)
		}
		a := lua.ConfigureArgs{Epoch: "e", Version: 1, Fresh: "f", HorizonUS: 250_000, Replica: "r", Session: "s", Wish: []lua.Limit{narrow, wide}}
		if _, err := lua.Configure(t.Context(), rdb, "n", a); err != nil {
			t.Fatal(err)
		}
		if r, err := call(); err != nil || len(r.Answers) != 1 || r.Answers[0].Kind != lua.Refused || r.Answers[0].AtUS != 350_000 {
			t.Errorf("with the level %q, after configure: %+v, %v, want a call refused for 350 ms", text, r, err)
		}
	}
	m.HSet(key, "epoch", "5 e 1 0 ")
	state := m.Dump()
	if _, err := call(); err == nil || !strings.Contains(err.Error(), "version 5") {
		t.Errorf("a call on a newer record: %v, want an error that names version 5", err)
	}
	a := lua.ConfigureArgs{Fresh: "f", HorizonUS: 250_000, Replica: "r", Session: "s", Wish: []lua.Limit{narrow}}
	if _, err := lua.Configure(t.Context(), rdb, "n", a); err == nil || !strings.Contains(err.Error(), "version 5") {
		t.Errorf("configure on a newer record: %v, want an error that names version 5", err)
	}
	if m.Dump() != state {
		t.Errorf("the refused calls changed the data: before\n%s\nafter\n%s", state, m.Dump())
	}
}

// TestWordsOfOperatorsAreChecked: configure refuses an operator's change with an invalid number of tokens, with too many words or
// of an unknown kind. The error has the number of the argument.
func TestWordsOfOperatorsAreChecked(t *testing.T) {
	m, rdb := begin(t)
	state := m.Dump()
	for _, word := range []string{"level b", "level b -1", "level b 1.5", "level b 9007199254740993", "level b 3 4", "level b x", "unlearn b 1", "unlearn", "level", "unlearnt b"} {
		_, err := lua.Configure(t.Context(), rdb, "n", lua.ConfigureArgs{Fresh: "f", HorizonUS: 250_000, Replica: "o", Session: "o", Leaving: true, Change: []string{word}})
		var wrong *lua.ArgumentError
		if !errors.As(err, &wrong) || wrong.Number != 16 {
			t.Errorf("the change %q: %v, want an error for argument 16", word, err)
		}
	}
	if after := m.Dump(); after != state {
		t.Errorf("the refused changes changed the data: before\n%s\nafter\n%s", state, after)
	}
	for _, words := range [][]string{lua.TellLevel("b", 0), lua.TellLevel("b", 3), lua.TellUnlearn("b")} {
		r, err := lua.Configure(t.Context(), rdb, "n", lua.ConfigureArgs{Fresh: "f", HorizonUS: 250_000, Replica: "o", Session: "o", Leaving: true, Change: words})
		if err != nil || r.Told != "" || r.Live != 1 {
			t.Errorf("the changes %v: record of changes %q, %d live replicas, %v, want none and one", words, r.Told, r.Live, err)
		}
	}
}
