package lua_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/weir-go/weir/lua"
)

// TestSpares: reservations that one lane returned serve other lanes, the earliest first and each once. This includes lanes that
// have not needed the full script before.
func TestSpares(t *testing.T) {
	m, rdb := begin(t)
	state := lua.Keys("n").State()
	m.HSet(state, narrow.Field.String(), "4 1 100000 2 0 0 0")
	paths, seq := map[string]*lua.Path{}, int64(0)
	call := func(lane string, backs []lua.Back, asks ...lua.Ask) (r lua.AcquireReply) {
		t.Helper()
		if paths[lane] == nil {
			paths[lane] = lua.NewPath("n", "s", lane, []lua.Limit{narrow})
		}
		seq++
		a := lua.AcquireArgs{Seq: seq, Epoch: "e", Version: 1, HorizonUS: 250_000, Backs: backs, Asks: asks}
		if err := paths[lane].Acquire(t.Context(), rdb, &a, &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	one := lua.Ask{Count: 1, Costs: []int64{1}, PatienceUS: -1}
	r := call("x", nil, lua.Ask{Count: 4, Costs: []int64{1}, PatienceUS: -1})
	if len(r.Answers) != 2 || r.Answers[1] != (lua.Grant{Count: 2, Kind: lua.Reserved, AtUS: 100_000, Bound: 0}) {
		t.Fatalf("four calls on a burst of two: %+v, want two at once and two reserved in 100 ms", r)
	}
	now := r.NowUS
	var backs []lua.Back
	for _, ms := range []int64{140, 10_000, -5, 100} { // no reservation is due beyond the horizon, and one of the past is useless
		backs = append(backs, lua.Back{DueUS: now + ms*1000, Costs: []int64{1}})
	}
	call("x", backs)
	key := lua.Keys("n").Spares([]lua.Limit{narrow})
	kept, err := m.Get(key)
	if err != nil || strings.Count(kept, " ") != 6 {
		t.Errorf("the kept reservations are %q, %v, want two", kept, err)
	}
	if ttl := m.TTL(key); ttl <= 0 || ttl > time.Second {
		t.Errorf("the reservations are kept for %v, want until they are due", ttl)
	}
	soon := lua.Ask{Count: 1, Costs: []int64{1}, PatienceUS: 150_000}
	for _, former := range []string{"4 d 1", "4 e 2"} { // another epoch, another configuration
		must(t, m.Set(key, former+strings.TrimPrefix(kept, "4 e 1")))
		if r = call("w", nil, soon); len(r.Answers) != 1 || r.Answers[0].Kind != lua.Refused {
			t.Errorf("reservations returned under %q: %+v, want them to serve nobody", former, r.Answers)
		}
	}
	must(t, m.Set(key, kept))
	if r = call("y", nil, soon); len(r.Answers) != 1 || r.Answers[0] != (lua.Grant{Count: 1, Kind: lua.Reserved, AtUS: 100_000, Units: 1, Bound: -1}) {
		t.Errorf("the first other lane: %+v, want the earliest reservation", r.Answers)
	}
	if r = call("z", nil, one); len(r.Answers) != 1 || r.Answers[0].AtUS != 140_000 || r.Answers[0].Kind != lua.Reserved {
		t.Errorf("the next lane: %+v, want the second reservation", r.Answers)
	}
	if r = call("v", nil, one); len(r.Answers) != 1 || r.Answers[0].Kind != lua.Waiting {
		t.Errorf("one more lane: %+v, want it to wait", r.Answers)
	}
	if m.Exists(key) {
		t.Error("no returned reservation is left, but the key still exists")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestReturned: a returned reservation goes back into the bucket, less the tokens that later reservations may count on. Otherwise
// it is kept and serves calls of its cost or less.
func TestReturned(t *testing.T) {
	m, rdb := begin(t)
	wide := narrow
	wide.Burst = 5
	state := lua.Keys("n").State()
	path, seq := lua.NewPath("n", "s", "x", []lua.Limit{wide}), int64(0)
	const now = 1_800_000_000_000_000
	call := func(level string, back lua.Back, asks ...lua.Ask) (answers []lua.Grant, left string) {
		t.Helper()
		m.HSet(state, wide.Field.String(), "4 1 100000 5 "+level)
		seq++
		a := lua.AcquireArgs{Seq: seq, Epoch: "e", Version: 1, HorizonUS: 250_000, Backs: []lua.Back{back}, Asks: asks}
		var r lua.AcquireReply
		if err := path.Acquire(t.Context(), rdb, &a, &r); err != nil {
			t.Fatal(err)
		}
		key := lua.Keys("n").Spares([]lua.Limit{wide})
		if text, err := m.Get(key); err == nil {
			_, left, _ = strings.Cut(text, " e 1 ")
			m.Del(key)
		}
		return r.Answers, left
	}
	ms := func(n int64) int64 { return now + n*1000 }
	levels := func(full, last int64) string { return fmt.Sprint(ms(full), 0, ms(last)) }
	for name, c := range map[string]struct {
		full, last int64 // ms from now
		back       lua.Back
		cost       int64
		want       lua.Grant
		left       string
	}{
		"the last one":         {700, 200, lua.Back{DueUS: ms(200), Costs: []int64{2}}, 1, lua.Grant{Count: 1, Kind: lua.Reserved, AtUS: 100_000}, ""},
		"one behind":           {700, 200, lua.Back{DueUS: ms(100), Costs: []int64{2}}, 1, lua.Grant{Count: 1, Kind: lua.Reserved, AtUS: 200_000}, ""},
		"too much behind":      {700, 200, lua.Back{DueUS: ms(90), Costs: []int64{2}}, 1, lua.Grant{Count: 1, Kind: lua.Reserved, AtUS: 90_000, Units: 1, Bound: -1}, fmt.Sprint(ms(90), " 1")},
		"serves only its cost": {700, 200, lua.Back{DueUS: ms(90), Costs: []int64{2}}, 3, lua.Grant{Count: 1, Kind: lua.Waiting, AtUS: 500_000}, fmt.Sprint(ms(90), " 2")},
		"beyond the last":      {700, 200, lua.Back{DueUS: ms(210), Costs: []int64{2}}, 1, lua.Grant{Count: 1, Kind: lua.Reserved, AtUS: 210_000, Units: 1, Bound: -1}, fmt.Sprint(ms(210), " 1")},
	} {
		answers, left := call(levels(c.full, c.last), c.back, lua.Ask{Count: 1, Costs: []int64{c.cost}, PatienceUS: -1})
		if len(answers) != 1 || answers[0] != c.want || left != c.left {
			t.Errorf("%s: %+v, kept %q; want %+v, kept %q", name, answers, left, c.want, c.left)
		}
		if c.want.Kind == lua.Waiting {
			m.Del(lua.Keys("n").Line(wide.Field))
		}
	}
}

// TestDamagedSpares: an impossible returned reservation serves nobody, and the script removes it. If the level says that nothing
// was returned, the script does not read the key.
func TestDamagedSpares(t *testing.T) {
	const now = 1_800_000_000_000_000
	for name, c := range map[string]struct {
		kept   string
		spared int64
		want   lua.Kind
		left   bool
	}{
		"sound":                     {fmt.Sprint(now+100_000, " 1"), now + 200_000, lua.Reserved, false},
		"more than a burst":         {fmt.Sprint(now+100_000, " 3"), now + 200_000, lua.Refused, false},
		"nothing":                   {fmt.Sprint(now+100_000, " 0"), now + 200_000, lua.Refused, false},
		"costs of two limits":       {fmt.Sprint(now+100_000, " 1,1"), now + 200_000, lua.Refused, false},
		"due in years":              {"9007199254740990 1", now + 200_000, lua.Refused, false},
		"text":                      {"text", now + 200_000, lua.Refused, false},
		"nothing was returned":      {fmt.Sprint(now+100_000, " 1"), 0, lua.Refused, true},
		"what was returned is past": {fmt.Sprint(now-100_000, " 1"), now + 200_000, lua.Refused, false},
	} {
		t.Run(name, func(t *testing.T) {
			m, rdb := begin(t)
			key := lua.Keys("n").Spares([]lua.Limit{narrow})
			must(t, m.Set(key, "4 e 1 "+c.kept))
			m.HSet(lua.Keys("n").State(), narrow.Field.String(),
				fmt.Sprintf("4 1 100000 2 %d 0 %d 0 0 0 1 0 0 0 0 %d - 0 - 0", now+500_000, now+300_000, c.spared))
			var r lua.AcquireReply
			a := lua.AcquireArgs{Seq: 1, Epoch: "e", Version: 1, HorizonUS: 250_000, Asks: []lua.Ask{{Count: 1, Costs: []int64{1}, PatienceUS: 240_000}}}
			if err := lua.NewPath("n", "s", "lane", []lua.Limit{narrow}).Acquire(t.Context(), rdb, &a, &r); err != nil || r.Answers[0].Kind != c.want {
				t.Errorf("the answers are %+v, %v, want the verdict %d", r.Answers, err, c.want)
			}
			if m.Exists(key) != c.left {
				text, _ := m.Get(key)
				t.Errorf("the kept reservations are %q, want some: %v", text, c.left)
			}
		})
	}
}

// TestManySpares: if a lane returns very many reservations, the script keeps the 64 earliest.
func TestManySpares(t *testing.T) {
	m, rdb := begin(t)
	m.HSet(lua.Keys("n").State(), narrow.Field.String(), "4 1 100000 2 0 0 0")
	a := lua.AcquireArgs{Seq: 1, Epoch: "e", Version: 1, HorizonUS: 250_000}
	for i := range int64(100) {
		a.Backs = append(a.Backs, lua.Back{DueUS: 1_800_000_000_000_000 + (100-i)*1000, Costs: []int64{1}})
	}
	var r lua.AcquireReply
	if err := lua.NewPath("n", "s", "lane", []lua.Limit{narrow}).Acquire(t.Context(), rdb, &a, &r); err != nil {
		t.Fatal(err)
	}
	text, err := m.Get(lua.Keys("n").Spares([]lua.Limit{narrow}))
	words := strings.Fields(text)
	if err != nil || len(words) != 3+2*64 || words[3] != "1800000000001000" || words[3+2*63] != "1800000000064000" {
		t.Errorf("the kept reservations are %q, %v, want those due in 1 to 64 ms", text, err)
	}
}
