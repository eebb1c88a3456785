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

var (
	minute = lua.Limit{Field: lua.Field{Bucket: "a", PerUS: 60_000_000}, Tokens: 1, PerUS: 1_000_000, Burst: 60}
	starts = lua.Limit{Field: lua.Field{Bucket: "b", PerUS: 60_000_000, Window: true}, Tokens: 1, PerUS: 6_000_000, Burst: 10}
)

const began = 1_800_000_000_000_000 // own time of the loss, us

// collecting is a namespace that lost its slow limits at 0 s.
type collecting struct {
	t   *testing.T
	m   *miniredis.Miniredis
	rdb *redis.Client
	at  time.Duration
	seq int64
}

func newCollecting(t *testing.T) *collecting {
	m := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{Addr: m.Addr(), DisableIdentity: true})
	t.Cleanup(func() { rdb.Close() })
	return &collecting{t: t, m: m, rdb: rdb}
}

// step sets the clock, to so long after the loss.
func (c *collecting) step(at time.Duration) {
	c.at = at
	c.m.SetTime(time.UnixMicro(began).Add(at))
}

// announce announces a replica that knows an epoch, with its reports.
func (c *collecting) announce(epoch string, at time.Duration, reports ...lua.Report) lua.ConfigureReply {
	c.t.Helper()
	c.step(at)
	r, err := lua.Configure(c.t.Context(), c.rdb, "n", lua.ConfigureArgs{
		Epoch: epoch, Fresh: "e", HorizonUS: 250_000, Replica: "r", Session: "s", Wish: []lua.Limit{minute, starts}, Reports: reports,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

// take asks for n tokens without waiting, and returns the reply.
func (c *collecting) take(l lua.Limit, n int64) (lua.AcquireReply, error) {
	c.seq++
	var r lua.AcquireReply
	a := lua.AcquireArgs{Seq: c.seq, Epoch: "e", Version: 1, HorizonUS: 250_000, Asks: []lua.Ask{{Count: 1, Costs: []int64{n}, PatienceUS: 0}}}
	err := lua.NewPath("n", "s", "lane", []lua.Limit{l}).Acquire(c.t.Context(), c.rdb, &a, &r)
	return r, err
}

// level returns the record of a limit, and its numbers.
func (c *collecting) level(l lua.Limit) (text string, numbers [20]int64) {
	text = c.m.HGet(lua.Keys("n").State(), l.Field.String())
	for i, word := range strings.Fields(text) {
		_, _ = fmt.Sscan(word, &numbers[i])
	}
	return text, numbers
}

// full checks that the bucket is full so long after the loss.
func (c *collecting) full(want time.Duration) {
	c.t.Helper()
	text, n := c.level(minute)
	if got := time.Duration(n[4]-began) * time.Microsecond; got != want || n[5] != 0 {
		c.t.Errorf("%v after the loss, the bucket is full at %v, want %v; the record is %s", c.at, got, want, text)
	}
}

// of returns a report, sent at the time at, of a bucket that is full at the time full. Both count from the loss.
func (c *collecting) of(at time.Duration, epoch string, grants int64, full time.Duration) lua.Report {
	return lua.Report{Limit: minute, Epoch: epoch, Grants: grants, FullUS: (full - at).Microseconds()}
}

// TestCollection: each row has the reports of replicas about a lost limit (when its bucket is full), and when the bucket is full after the
// collection has ended, 11 s after the loss. Without reports it is full a minute and the horizon after the loss.
func TestCollection(t *testing.T) {
	const lost = 60*time.Second + 250*time.Millisecond
	type row struct {
		at     time.Duration
		epoch  string
		grants int64
		full   time.Duration
	}
	for name, c := range map[string]struct {
		rows []row
		want time.Duration
	}{
		"nothing":                            {nil, lost},
		"one":                                {[]row{{0, "d", 5, 20 * time.Second}}, 20 * time.Second},
		"the newer comes later":              {[]row{{0, "d", 5, 30 * time.Second}, {time.Second, "d", 7, 20 * time.Second}}, 20 * time.Second},
		"the newer comes first":              {[]row{{0, "d", 7, 20 * time.Second}, {time.Second, "d", 5, 30 * time.Second}}, 20 * time.Second},
		"two epochs":                         {[]row{{0, "d", 5, 20 * time.Second}, {time.Second, "c", 9, 30 * time.Second}}, 30 * time.Second},
		"two epochs, the other way":          {[]row{{0, "c", 9, 30 * time.Second}, {time.Second, "d", 5, 20 * time.Second}}, 30 * time.Second},
		"it was full":                        {[]row{{0, "d", 5, -time.Hour}}, 11*time.Second + 250*time.Millisecond},
		"it was full before there were time": {[]row{{0, "d", 5, -2_200_000_000 * time.Second}}, 11*time.Second + 250*time.Millisecond},
		"it owes more than it can":           {[]row{{0, "d", 5, 70 * time.Second}}, lost},
	} {
		t.Run(name, func(t *testing.T) {
			w := newCollecting(t)
			r := w.announce("d", 0)
			if r.CollectsUS != 11_000_000 || r.Began != lua.BeganEpoch || len(r.Slow) > 0 {
				t.Errorf("at the loss: %+v, want a new epoch and a collection of 11 s", r)
			}
			for _, report := range c.rows {
				r = w.announce("e", report.at, w.of(report.at, report.epoch, report.grants, report.full))
				w.full(lost)
			}
			r = w.announce("e", 10*time.Second)
			w.full(lost)
			if r.CollectsUS != 1_000_000 || len(r.Slow) > 0 || len(r.Recovered) > 0 {
				t.Errorf("during the collection: %+v, want 1 s left and nothing recovered", r)
			}
			r = w.announce("e", 11*time.Second)
			w.full(c.want)
			if len(r.Slow) == 0 || r.Slow[0].Level != (c.want-11*time.Second).Microseconds() || r.CollectsUS != 0 {
				t.Errorf("at the end of the collection: %+v, want the level of a bucket that is full after %v", r, c.want)
			}
			if n := len(r.Recovered); c.rows == nil && n != 1 || c.rows != nil && n != 2 { // the collection of the window has ended, too
				t.Errorf("the recovered limits are %+v, want the window, and the bucket if it had reports", r.Recovered)
			}
			w.announce("e", 12*time.Second)
			w.full(c.want)
		})
	}
}

// TestCollectionIsAppliedOnce: the bucket keeps the tokens taken during the collection and after it. A later report with more grants than
// any before adds its debt. A report of the new epoch adds nothing.
func TestCollectionIsAppliedOnce(t *testing.T) {
	w := newCollecting(t)
	w.announce("d", 0, w.of(0, "d", 5, 20*time.Second))
	w.step(5 * time.Second)
	if r, err := w.take(minute, 2); err != nil || r.Answers[0].Kind != lua.Reserved || r.Levels[0] != -1 {
		t.Fatalf("take 2 of the tokens refilled since the loss: %+v, %v, want them at once", r, err)
	}
	w.step(11 * time.Second)
	if r, err := w.take(minute, 1); !errors.Is(err, lua.ErrUnknown) {
		t.Errorf("a call at the end of the collection: %+v, %v, want ErrUnknown", r, err)
	}
	w.announce("e", 11*time.Second)
	w.full(22 * time.Second)
	w.step(12 * time.Second)
	if r, err := w.take(minute, 5); err != nil || r.Answers[0].Kind != lua.Reserved || r.Levels[0] != 15_000_000 {
		t.Fatalf("take 5 tokens after the collection: %+v, %v, want them at once", r, err)
	}
	w.announce("e", 13*time.Second)
	w.full(27 * time.Second)
	w.announce("e", 13*time.Second, w.of(13*time.Second, "e", 99, 50*time.Second))
	w.full(27 * time.Second)
	w.announce("e", 13*time.Second, w.of(13*time.Second, "d", 4, 50*time.Second))
	w.full(27 * time.Second)
	w.announce("e", 14*time.Second, w.of(14*time.Second, "d", 8, 26*time.Second))
	w.full(33 * time.Second)
	w.announce("e", 14*time.Second, w.of(14*time.Second, "d", 8, 26*time.Second))
	w.full(33 * time.Second)
	record := "lost:" + minute.Field.String()
	w.announce("e", 25*time.Second)
	if w.m.HGet(lua.Keys("n").State(), record) == "" {
		t.Error("configure removed the reports of the limit too early")
	}
	w.announce("e", 27*time.Second)
	w.full(33 * time.Second)
	if text := w.m.HGet(lua.Keys("n").State(), record); text != "" {
		t.Errorf("configure keeps the reports of the limit: %q", text)
	}
}

// TestCollectionOfAnotherLimit: a report of another limit does not count, nor does a stored report if the limit has changed since, nor a
// damaged stored report. In each case the limit stays empty and in debt, as after the loss.
func TestCollectionOfAnotherLimit(t *testing.T) {
	const lost = 60*time.Second + 250*time.Millisecond
	state, record := lua.Keys("n").State(), "lost:"+minute.Field.String()
	w := newCollecting(t)
	other := w.of(0, "d", 5, 20*time.Second)
	other.Burst = 50
	w.announce("d", 0, other)
	w.announce("e", 11*time.Second)
	w.full(lost)

	w = newCollecting(t)
	w.announce("d", 0, w.of(0, "d", 5, 20*time.Second))
	text := w.m.HGet(state, record)
	w.m.HSet(state, record, strings.Replace(text, " 1 1000000 60 ", " 1 1000000 50 ", 1))
	r := w.announce("e", 11*time.Second)
	w.full(lost)
	if w.m.HGet(state, record) != "" || len(r.Recovered) > 1 {
		t.Errorf("a stored report of another limit: %+v, want it removed and nothing recovered but the window", r)
	}

	words := strings.Fields(text)
	for i, number := range map[int]string{1: fmt.Sprint(began + 3_600_000_000), 2: "9007199254740993", 7: "9007199254740993"} {
		w = newCollecting(t)
		w.announce("d", 0, w.of(0, "d", 5, 20*time.Second))
		damaged := append([]string{}, words...)
		damaged[i] = number
		w.m.HSet(state, record, strings.Join(damaged, " "))
		r := w.announce("e", time.Second)
		w.full(lost)
		if _, n := w.level(minute); n[18] != 0 || w.m.HGet(state, record) != "" || r.CollectsUS > 10_000_000 {
			t.Errorf("number %d of the stored report is damaged: %v, %+v, want no collection of the limit", i, n, r)
		}
	}

	w = newCollecting(t)
	w.announce("d", 0)
	w.m.HDel(state, record)
	w.m.HSet(state, "lost:limit:1:nobody", text)
	w.announce("e", time.Second)
	if _, n := w.level(minute); n[18] != 0 {
		t.Errorf("without a stored report the limit waits until %d", n[18])
	}
	if w.m.HGet(state, "lost:limit:1:nobody") != "" {
		t.Error("configure keeps the report of a limit that is not in force")
	}
}

// TestCollectionOfStarts: configure merges the starts of a window that replicas report. For each number it keeps the earliest time at which
// that many or more starts were due.
func TestCollectionOfStarts(t *testing.T) {
	type pair struct{ number, seconds int64 }
	many, half := []pair{}, []pair{}
	for i := range int64(100) {
		many = append(many, pair{i + 1, i - 120})
		if i%2 == 1 {
			half = append(half, pair{i + 1, i - 120})
		}
	}
	for name, c := range map[string]struct {
		reports [][]pair
		want    []pair
		base    int64 // starts up to this number do not count
		last    int64 // s
	}{
		"one":             {[][]pair{{{3, -50}, {5, -20}}}, []pair{{3, -50}, {5, -20}}, 0, 0},
		"two":             {[][]pair{{{3, -50}, {5, -20}}, {{5, -30}, {7, -10}}}, []pair{{3, -50}, {5, -30}, {7, -10}}, 0, 0},
		"the other way":   {[][]pair{{{5, -30}, {7, -10}}, {{3, -50}, {5, -20}}}, []pair{{3, -50}, {5, -30}, {7, -10}}, 0, 0},
		"later and fewer": {[][]pair{{{3, -10}}, {{5, -20}}}, []pair{{5, -20}}, 0, 0},
		"more than count": {[][]pair{{{15, -30}, {25, -1}}}, []pair{{15, -30}, {25, -1}}, 5, 0},
		"due since":       {[][]pair{{{3, -50}, {5, 2}}}, []pair{{3, -50}, {5, 2}}, 0, 2},
		"very many":       {[][]pair{many}, half, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newCollecting(t)
			log := lua.Keys("n").Log(starts.Field)
			if _, err := w.m.ZAdd(log, 1, "5"); err != nil {
				t.Fatal(err)
			}
			w.announce("d", 0)
			for _, pairs := range c.reports {
				report := lua.Report{Limit: starts, Epoch: "d", Grants: 5}
				for _, p := range pairs {
					report.Starts = append(report.Starts, lua.Starts{Number: p.number, DueUS: p.seconds * 1_000_000})
				}
				w.announce("e", 0, report)
			}
			r := w.announce("e", 11*time.Second)
			var got []pair
			for _, z := range w.rdb.ZRangeWithScores(t.Context(), log, 0, -1).Val() {
				var due int64
				_, _ = fmt.Sscan(fmt.Sprint(z.Member), &due)
				got = append(got, pair{int64(z.Score), (due - began) / 1_000_000})
			}
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("the log is %v, want %v", got, c.want)
			}
			total := c.want[len(c.want)-1].number
			text, n := w.level(starts)
			last := max(began+250_000, began+c.last*1_000_000)
			if n[6] != last || n[11] != total || n[12] != c.base || n[13] != 0 || n[18] != 0 {
				t.Errorf("the record is %q, want %d starts, of which %d do not count, the last at %d", text, total, c.base, last)
			}
			if ttl := w.m.TTL(log); ttl < time.Minute || ttl > 3*time.Minute {
				t.Errorf("the log is kept for %v, want 1 to 3 minutes", ttl)
			}
			if h := r.Slow[len(r.Slow)-1]; h.Field != starts.Field || h.Level != total {
				t.Errorf("the reply has the levels %+v, want %d starts of the window at the end", r.Slow, total)
			}
		})
	}
}

// TestWindowOfWhichNobodyKnows: a lost window without reports admits no start for its length. Until then replies do not contain its number
// of starts.
func TestWindowOfWhichNobodyKnows(t *testing.T) {
	w := newCollecting(t)
	w.announce("d", 0)
	if r := w.announce("e", 11*time.Second); len(r.Slow) != 1 {
		t.Errorf("while the window is shut: the reply has the levels %+v, want only the bucket", r.Slow)
	}
	w.step(12 * time.Second)
	if r, err := w.take(starts, 1); err != nil || r.Answers[0].Kind != lua.Refused || r.Answers[0].AtUS != 48_250_000 || r.Levels[0] != -1 {
		t.Errorf("a call while the window is shut: %+v, %v, want it refused until 60.25 s after the loss", r, err)
	}
	if r := w.announce("e", 61*time.Second); len(r.Slow) != 2 || r.Slow[1].Level != 0 {
		t.Errorf("when the window opens: the reply has the levels %+v, want the bucket, and the window with 0 starts", r.Slow)
	}
}

// TestWitness: Redis has older data in place of the lost data. configure uses its levels of the same limits, converted from its own time.
func TestWitness(t *testing.T) {
	const shift = 4_000_000
	state, log := lua.Keys("n").State(), lua.Keys("n").Log(starts.Field)
	for burst, want := range map[int]time.Duration{60: 30 * time.Second, 50: 60*time.Second + 250*time.Millisecond} {
		w := newCollecting(t)
		w.m.HSet(state, "epoch", fmt.Sprintf("4 c 1 %d ", began-100), "time", fmt.Sprintf("4 9 %d 5000000 1000000 0", began+shift))
		w.m.HSet(state, minute.Field.String(), fmt.Sprintf("4 1 1000000 %d %d 0 %d", burst, began+shift+30_000_000, began))
		w.m.HSet(state, starts.Field.String(), fmt.Sprintf("4 1 6000000 10 0 0 %d 0 0 0 0 3 0 0 0 0 - 0 - 0", began))
		for number, due := range map[float64]int64{2: -20_000_000, 3: -10_000_000} {
			if _, err := w.m.ZAdd(log, number, fmt.Sprint(began+shift+due)); err != nil {
				t.Fatal(err)
			}
		}
		w.announce("d", 0)
		w.announce("e", 11*time.Second)
		w.full(want)
		z := w.rdb.ZRangeWithScores(t.Context(), log, 0, -1).Val()
		if got := fmt.Sprint(z); got != fmt.Sprintf("[{2 %d} {3 %d}]", began-20_000_000, began-10_000_000) {
			t.Errorf("the log is %s, want both starts on the new own time", got)
		}
	}
}
