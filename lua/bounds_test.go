package lua_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/lua"
)

var pair = lua.Limit{Field: lua.Field{Bucket: "p", PerUS: 1_000_000, Window: true}, Tokens: 1, PerUS: 500_000, Burst: 2}

// beginWindow starts a Redis with a namespace of two limits and a window.
func beginWindow(t *testing.T) (*miniredis.Miniredis, *redis.Client) {
	t.Helper()
	m, rdb := begin(t)
	a := lua.ConfigureArgs{Epoch: "e", Fresh: "f", HorizonUS: 250_000, Replica: "r", Session: "s", Wish: []lua.Limit{narrow, wide, pair}}
	if _, err := lua.Configure(t.Context(), rdb, "n", a); err != nil {
		t.Fatal(err)
	}
	return m, rdb
}

// attempt makes one call that does not wait. It takes one token, or cost tokens.
func attempt(t *testing.T, rdb *redis.Client, l lua.Limit, version int64, cost ...int64) (lua.AcquireReply, error) {
	t.Helper()
	var r lua.AcquireReply
	a := lua.AcquireArgs{Seq: 1, Epoch: "e", Version: version, HorizonUS: 250_000, Asks: []lua.Ask{{Count: 1, Costs: append(cost, 1)[:1]}}}
	err := lua.NewPath("n", "s", "lane", []lua.Limit{l}).Acquire(t.Context(), rdb, &a, &r)
	return r, err
}

// TestDamagedLevelsAreBounded: each row is a damaged record, and when the next token is due for a caller that asks, in ms (0 for at
// once).
func TestDamagedLevelsAreBounded(t *testing.T) {
	const now, far = "1800000000000000", "9007199254740990"
	for name, c := range map[string]struct {
		limit  lua.Limit
		record string
		want   int64
		stored string // the record afterwards; * is any word
	}{
		"the last in years":            {narrow, "4 1 100000 2 0 0 " + far, 0, "4 1 100000 2 1800000000100000 0 1800000030000000"},
		"full in years":                {narrow, "4 1 100000 2 " + far + " 0 0", 100, ""},
		"both in years":                {narrow, "4 1 100000 2 " + far + " 0 " + far, 30_100, ""},
		"half a tail":                  {narrow, "4 1 100000 2 0 0 0 5 5", 0, "4 1 100000 2 1800000000100000 0 1800000000000000"},
		"a tail of text":               {narrow, "4 1 100000 2 0 0 0 x", 0, "4 1 100000 2 1800000000100000 0 1800000000000000"},
		"a long number in the tail":    {narrow, "4 1 100000 2 0 0 0 12345678901234567 0 0 0 0 0 0 0 0 - 0 - 0", 0, "4 1 100000 2 1800000000100000 0 1800000000000000"},
		"sought in years":              {narrow, "4 1 100000 2 0 0 0 0 0 0 0 0 0 0 " + far + " 0 - 0 - 0", 0, "4 1 100000 2 1800000000100000 0 1800000000000000 0 0 0 0 0 0 0 " + now + " 0 - 0 - 0"},
		"returned for years":           {narrow, "4 1 100000 2 0 0 0 0 0 0 0 0 0 0 0 " + far + " - 0 - 0", 0, "4 1 100000 2 1800000000100000 0 1800000000000000 0 0 0 0 0 0 0 0 1800000030000000 - 0 - 0"},
		"a window, the last in years":  {pair, "4 1 500000 2 0 0 " + far, 30_000, ""},
		"a window, half a tail":        {pair, "4 1 500000 2 0 0 0 5 5", 1_250, ""},
		"a window, a tail of text":     {pair, "4 1 500000 2 0 0 0 x", 1_250, ""},
		"a window, a long number":      {pair, "4 1 500000 2 0 0 0 0 0 0 0 0 0 12345678901234567 0 0 - 0 - 0", 1_250, ""},
		"a window, shut for years":     {pair, "4 1 500000 2 0 0 0 0 0 0 0 0 0 " + far + " 0 0 - 0 - 0", 31_000, ""},
		"a window, more than started":  {pair, "4 1 500000 2 0 0 0 0 0 0 0 2 9 0 0 0 - 0 - 0", 0, "4 1 500000 2 * * * 0 0 0 0 3 2 0 0 0 - 0 - 0"},
		"a window that has no starts":  {pair, "4 1 500000 2 0 0 0 0 0 0 0 9 0 0 0 0 - 0 - 0", 0, ""},
		"a window without a last time": {pair, "4 1 500000 2 0 0 0 0 0 0 0 0 0 0 0 0 - 0 - 0", 0, ""},
	} {
		for _, configured := range []bool{false, true} { // whether configure reads the record first
			t.Run(fmt.Sprint(name, ", configured ", configured), func(t *testing.T) {
				m, rdb := beginWindow(t)
				state, field := lua.Keys("n").State(), c.limit.Field.String()
				m.HSet(state, field, c.record)
				if configured {
					a := lua.ConfigureArgs{Epoch: "e", Version: 2, HorizonUS: 250_000, Replica: "r", Session: "s", Wish: []lua.Limit{narrow, wide, pair}}
					if _, err := lua.Configure(t.Context(), rdb, "n", a); err != nil {
						t.Fatal(err)
					}
					for _, word := range strings.Fields(m.HGet(state, field))[4:7] {
						if word > "1800000031" {
							t.Errorf("after configure the record is %q, want no time later than 31 s from now", m.HGet(state, field))
						}
					}
				}
				r, err := attempt(t, rdb, c.limit, 2)
				if err != nil || r.Answers[0].AtUS != c.want*1000 || (r.Answers[0].Kind == lua.Reserved) != (c.want == 0) {
					t.Errorf("the answers are %+v, %v, want a token in %d ms", r.Answers, err, c.want)
				}
				got := strings.Fields(m.HGet(state, field))
				for i, want := range strings.Fields(c.stored) {
					if i >= len(got) || want != "*" && got[i] != want {
						t.Errorf("the record is %q, want %q", got, c.stored)
						break
					}
				}
				if c.stored != "" && len(got) != len(strings.Fields(c.stored)) {
					t.Errorf("the record is %q, want %q", got, c.stored)
				}
				for _, word := range got[4:] {
					if len(word) == 16 && word > "1800000032" {
						t.Errorf("the record is %q, want no time later than 32 s from now", got)
					}
				}
			})
		}
	}
}

// TestDamagedLevelsThatAreNotExact: a level whose numbers are too large to be exact counts as lost, whichever script reads it.
func TestDamagedLevelsThatAreNotExact(t *testing.T) {
	m, rdb := beginWindow(t)
	other := narrow
	other.Burst, other.Own = 3, true
	m.SetTime(time.Unix(1_800_000_020, 0))
	must(t, m.Set(lua.Keys("n").Own(other.Field), "4 1 1125899906842624 9 0 0 0"))
	if r, err := attempt(t, rdb, other, 2); err != nil || r.Answers[0].AtUS != 350_000 {
		t.Errorf("a limit created at run time: %+v, %v, want a token in 350 ms", r.Answers, err)
	}
	m.HSet(lua.Keys("n").State(), narrow.Field.String(), "4 1 1125899906842624 9 0 0 0")
	heartbeat(t, rdb)
	if got, want := m.HGet(lua.Keys("n").State(), narrow.Field.String()), "4 1 100000 2 1800000020450000 0 1800000020250000"; got != want {
		t.Errorf("a configured limit: the record is %q, want %q", got, want)
	}
}

// TestOwnLevelsThatAreDamaged: a damaged level with a key of its own counts as lost now. A missing one counts as lost when the epoch
// began. If the record has a later beginning than now, now counts.
func TestOwnLevelsThatAreDamaged(t *testing.T) {
	own := narrow
	own.Own = true
	for record, want := range map[string]int64{"x": 350_000, "4 1 100000 2 0 0": 350_000, "": 0} {
		m, rdb := begin(t)
		m.SetTime(time.Unix(1_800_000_020, 0))
		if record != "" {
			must(t, m.Set(lua.Keys("n").Own(own.Field), record))
		}
		if r, err := attempt(t, rdb, own, 1); err != nil || r.Answers[0].AtUS != want {
			t.Errorf("with the record %q: %+v, %v, want a token in %d µs", record, r.Answers, err, want)
		}
	}
	m, rdb := begin(t)
	m.HSet(lua.Keys("n").State(), "epoch", "4 e 1 1800000009000000 d")
	if r, err := attempt(t, rdb, own, 1); err != nil || r.Answers[0].AtUS != 350_000 {
		t.Errorf("an epoch that begins in the future: %+v, %v, want a token in 350 ms", r.Answers, err)
	}
}

// TestDamagedLogIsBounded: each row damages the due time or the number of a start in the log of a window. The next start is never too
// early, and never late by more than a width.
func TestDamagedLogIsBounded(t *testing.T) {
	const now = 1_800_000_000_000_000
	for name, c := range map[string]struct {
		first, second string // due times
		one, two      float64
		cost          int64
		want          int64 // us
	}{
		"sound":                     {fmt.Sprint(now - 400_000), fmt.Sprint(now - 100_000), 1, 2, 1, 600_000},
		"the first in years":        {"9007199254740990", fmt.Sprint(now - 100_000), 1, 2, 1, 900_000},
		"the first is text":         {"text", fmt.Sprint(now - 100_000), 1, 2, 1, 900_000},
		"the first a long time ago": {"5", fmt.Sprint(now - 100_000), 1, 2, 1, 0},
		"a number of years":         {fmt.Sprint(now - 400_000), fmt.Sprint(now - 100_000), 1, 9e15, 1, 600_000},
		"part of a number":          {fmt.Sprint(now - 400_000), fmt.Sprint(now - 100_000), 1.5, 2, 1, 600_000},
		"all numbers of years":      {fmt.Sprint(now - 400_000), fmt.Sprint(now - 100_000), 8e15, 9e15, 1, 600_000},
		"a long time ago and years": {"5", fmt.Sprint(now - 100_000), 9e15, 9.001e15, 1, 0},
		"the second in years":       {fmt.Sprint(now - 400_000), "9007199254740990", 1, 2, 2, 900_000},
	} {
		t.Run(name, func(t *testing.T) {
			m, rdb := beginWindow(t)
			m.HSet(lua.Keys("n").State(), pair.Field.String(), fmt.Sprintf("4 1 500000 2 0 0 %d 0 0 0 0 2 0 0 0 0 - 0 - 0", now-100_000))
			log := lua.Keys("n").Log(pair.Field)
			for member, score := range map[string]float64{c.first: c.one, c.second: c.two} {
				if _, err := m.ZAdd(log, score, member); err != nil {
					t.Fatal(err)
				}
			}
			r, err := attempt(t, rdb, pair, 2, c.cost)
			if err != nil || r.Answers[0].AtUS != c.want {
				t.Errorf("%+v, %v, want a token in %d µs; the log is %v", r.Answers, err, c.want, rdb.ZRangeWithScores(t.Context(), log, 0, -1).Val())
			}
			words := strings.Fields(m.HGet(lua.Keys("n").State(), pair.Field.String()))
			if len(words) > 12 && (len(words[11]) > 1 || len(words[12]) > 1) {
				t.Errorf("the record is %v, want small numbers of starts", words)
			}
		})
	}
}

// TestWindowThatCountsLessThanItForgot: the record of a window has more starts that no longer count than starts. It admits at most its
// count.
func TestWindowThatCountsLessThanItForgot(t *testing.T) {
	m, rdb := beginWindow(t)
	m.HSet(lua.Keys("n").State(), pair.Field.String(), "4 1 500000 2 0 0 0 0 0 0 0 2 9 0 0 0 - 0 - 0")
	if _, err := m.ZAdd(lua.Keys("n").Log(pair.Field), 2, "1799999999900000"); err != nil {
		t.Fatal(err)
	}
	started := 0
	for range 5 {
		if r, err := attempt(t, rdb, pair, 2); err != nil {
			t.Fatal(err)
		} else if r.Answers[0].Kind == lua.Reserved {
			started++
		}
		m.HDel(lua.Keys("n").Replies("s"), "s:lane")
	}
	if started > 2 {
		t.Errorf("the window admitted %d calls, want at most 2", started)
	}
}

// TestDamagedTimeIsRefused: with a damaged record of the time a call gets ErrUnknown. Then configure begins another epoch, because memory
// was lost.
func TestDamagedTimeIsRefused(t *testing.T) {
	for _, record := range []string{
		"", "x", "4 0 1800000000000000 0 0", "4 0 9007199254740990 0 0 0", "4 9007199254740990 1800000000000000 0 0 0",
		"4 0 1800000000000000 9007199254740990 0 0", "4 0 1800000000000000 5 1000001 0", "4 0 1800000000000000 5 5 10000001",
		"4 0 99999999999999999999 0 0 0",
	} {
		m, rdb := begin(t)
		m.HSet(lua.Keys("n").State(), "time", record)
		if r, err := attempt(t, rdb, narrow, 1); !errors.Is(err, lua.ErrUnknown) {
			t.Errorf("with the time %q: %+v, %v, want ErrUnknown", record, r, err)
		}
		a := lua.ConfigureArgs{Epoch: "e", Fresh: "f", HorizonUS: 250_000, Replica: "r", Session: "s", Wish: []lua.Limit{narrow}}
		if r, err := lua.Configure(t.Context(), rdb, "n", a); err != nil || r.Epoch != "f" || r.Began != lua.BeganEpoch {
			t.Errorf("configure with the time %q: %+v, %v, want the new epoch f", record, r, err)
		}
	}
	m, rdb := begin(t)
	for _, epoch := range []string{"x", "4 e x 0 ", "4 e 1 9007199254740993 "} { // for a replica that remembers nothing
		m.HSet(lua.Keys("n").State(), "epoch", epoch)
		a := lua.ConfigureArgs{Fresh: "f", HorizonUS: 250_000, Replica: "r", Session: "s", Wish: []lua.Limit{narrow}}
		if r, err := lua.Configure(t.Context(), rdb, "n", a); err != nil || r.Epoch != "f" || r.Began != lua.BeganEpoch {
			t.Errorf("with the epoch %q: %+v, %v, want the new epoch f", epoch, r, err)
		}
		if text := m.HGet(lua.Keys("n").State(), "epoch"); strings.HasSuffix(text, " ") {
			t.Errorf("after the epoch %q the record is %q, want it to name a former epoch", epoch, text)
		}
	}
}

// TestDamagedReplies: a request that is sent again gets its stored reply. An impossible stored reply is an error and starts nothing. A
// stored reply with an impossible number is ignored.
func TestDamagedReplies(t *testing.T) {
	const head = "5 1800000000000000 -1 0"
	for reply, want := range map[string]bool{
		head + " 1 1 0 0 0":                    true,
		head + " 1 1 250000 0 1":               true,
		head:                                   false, // no answer
		head + " 2 1 0 0 0":                    false, // more than asked
		head + " 1 1 0 0 0 1 1 0 0 0":          false,
		head + " 0 1 0 0 0 1 1 0 0 0":          false,
		head + " 1 1 0 0 2":                    false, // a limit that the route does not have
		head + " 1 1 0 0 -1":                   false,
		head + " 1 1 250001 0 1":               false, // beyond the horizon
		head + " 1 1 -1 0 1":                   false,
		head + " 1 1 0 -1 1":                   false,
		head + " 1 4 0 0 0":                    false, // an unknown verdict
		head + " 1 0 0 0 0":                    false,
		"-5 1800000000000000 -1 0 1 1 0 0 0":   false,
		"5 -1800000000000000 -1 0 1 1 0 0 0":   false,
		head + " 1 1 0 0":                      false,
		head + " 1 1 text 0 0":                 false,
		"99999999999999999999 18 -1 0 1 1 0 0": false,
	} {
		m, rdb := begin(t)
		m.HSet(lua.Keys("n").Replies("s"), "s:lane", "4 1 -\n"+reply)
		r, err := attempt(t, rdb, narrow, 1)
		if _, stale := errors.AsType[*lua.StaleError](err); (err == nil) != want || stale || want && !r.Repeated {
			t.Errorf("with the stored reply %q: %+v, %v, want it accepted: %v", reply, r, err, want)
		}
	}
	for _, number := range []string{"9007199254740993", "99999999999999999999", "x", "0"} {
		m, rdb := begin(t)
		m.HSet(lua.Keys("n").Replies("s"), "s:lane", "3 "+number+" -\n"+head)
		if r, err := attempt(t, rdb, narrow, 1); err != nil || r.Repeated {
			t.Errorf("with a stored reply of number %s: %+v, %v, want a new reply", number, r, err)
		}
	}
	m, rdb := begin(t)
	m.HSet(lua.Keys("n").Replies("s"), "s:lane", "4 7 -\n"+head)
	_, err := attempt(t, rdb, narrow, 1)
	if stale, ok := errors.AsType[*lua.StaleError](err); !ok || stale.Answered != 7 {
		t.Errorf("a call older than the stored reply: %v, want a StaleError with 7", err)
	}
}

// TestDamagedLinesAreBounded: each row has the entries of a line, the sums in the record of its limit, and both after a younger caller
// has asked.
func TestDamagedLinesAreBounded(t *testing.T) {
	const now = 1_800_000_000_000_000
	entry := func(lane string, ago int, rest string) string {
		return fmt.Sprintf("4 %d %s %s", now-ago*1000, lane, rest)
	}
	var many []string
	for i := range 100 {
		many = append(many, entry(fmt.Sprintf("s:%03d", i), 900-i, "1 1 0"))
	}
	for name, c := range map[string]struct {
		line           []string
		full           int64 // ms from now
		claimed, whole int64
		young          string
		lanes          int
		claims, wholes int64 // afterwards
	}{
		"sound":                         {[]string{entry("s:x", 9, "2 1 3")}, 500, 2, 5, fmt.Sprint(now - 9000), 2, 3, 6},
		"who came in years":             {[]string{entry("s:x", 9, "2 1 3")}, 500, 2, 5, "9007199254740990", 2, 3, 6},
		"more claimed than can be":      {[]string{entry("s:x", 9, "2 1 3")}, 500, 9e15, 5, "0", 2, 3, 6},
		"more lined than can be":        {[]string{entry("s:x", 9, "2 1 3")}, 500, 2, 9e15, "0", 2, 3, 6},
		"many lanes":                    {many, 500, 100, 100, "0", 101, 101, 101},
		"many, more than can be":        {many, 500, 9e15, 5, "0", 101, 64 + 5*36 + 1, 64 + 5*36 + 1},
		"nothing but sums":              {nil, 500, 9e15, 5, "0", 1, 1, 1},
		"an entry of text":              {[]string{"text"}, 500, 2, 5, "0", 1, 1, 1},
		"of more tokens than there are": {[]string{entry("s:x", 9, "9007199254740990 1 3")}, 500, 2, 5, "0", 1, 1, 1},
		"a cost of another burst":       {[]string{entry("s:x", 9, "2 9 3")}, -100, 2, 5, "0", 0, 0, 0},
		"a cost of this burst":          {[]string{entry("s:x", 9, "2 2 3")}, -10, 2, 5, "0", 2, 3, 6},
	} {
		t.Run(name, func(t *testing.T) {
			m, rdb := begin(t)
			state, line := lua.Keys("n").State(), lua.Keys("n").Line(narrow.Field)
			for _, member := range c.line {
				score := 0.0
				if words := strings.Fields(member); len(words) > 1 {
					_, _ = fmt.Sscan(words[1], &score)
				}
				if _, err := m.ZAdd(line, score, member); err != nil {
					t.Fatal(err)
				}
			}
			m.HSet(state, narrow.Field.String(), fmt.Sprintf("4 1 100000 2 %d 0 %d 0 %d %d %s 0 0 0 0 0 - 0 - 0", now+c.full*1000, now+(c.full-200)*1000, c.claimed, c.whole, c.young))
			r := lanes(t, rdb, narrow)("young", 1, 0)
			if n := rdb.ZCard(t.Context(), line).Val(); n != int64(c.lanes) {
				t.Errorf("%d lanes are in line, want %d; the answers are %+v", n, c.lanes, r.Answers)
			}
			words := append(strings.Fields(m.HGet(state, narrow.Field.String())), make([]string, 12)...)
			got, want := strings.Join(words[8:10], " "), fmt.Sprint(c.claims, c.wholes)
			if c.claims == 0 {
				want = " "
			}
			if got != want {
				t.Errorf("the sums in the record are %q, want %q", got, want)
			}
			if words[10] > fmt.Sprint(now) {
				t.Errorf("the record has the youngest caller at %s, in the future", words[10])
			}
		})
	}
}
