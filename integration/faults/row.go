package faults

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/weir-go/weir/integration/faults/outcome"
)

// Config describes the fleet and the Redis of a row. "Zero is" says what the zero value of a field means.
type Config struct {
	Replicas int           // replicas at the beginning; zero is 4
	Joining  int           // how many more replicas than Replicas may live at once, because Play starts some
	Tasks    int           // tasks of each replica at the same time; zero is 32
	Rate     int64         // calls in each Per; zero is 34
	Per      time.Duration // period of the rate; zero is a second
	Burst    int64         // zero is 4
	Deadline time.Duration // deadline of each task; zero is none
	Flags    []string      // further flags of each replica
	Options  []string      // further options of redis-server
	Proxy    bool          // a proxy is between the replicas and Redis
	Clock    bool          // the row can move the clock of redis-server
	Wall     time.Duration // step of the replicas' wall clocks, stepAfter after their start: forward for every other replica, back for the rest
	Password string        // password of the replicas; Redis accepts any password until the row sets one
	Version  age           // version of the replicas at the beginning; zero is this version
	Docker   bool          // each server is a container; otherwise a process
	Topology Topology      // zero is Single
	Watch    []string      // further lines of the Sentinels' configuration, without their first word
}

func (c Config) filled() Config {
	fill(&c.Replicas, 4)
	fill(&c.Tasks, 32)
	fill(&c.Rate, 34)
	fill(&c.Burst, 4)
	fill(&c.Per, time.Second)
	return c
}

func fill[N int | int64 | time.Duration](n *N, otherwise N) {
	if *n == 0 {
		*n = otherwise
	}
}

// Row is one fault and the marks that the fleet must reach.
type Row struct {
	Number int
	Name   string // a few words, the name of a subtest
	Fault  string // what happens: a sentence without a full stop
	Config Config
	CI     bool // the row is short enough to be played for each change
	// Play plays the fault. When it begins, the burst is spent and calls arrive at the rate.
	Play func(context.Context, *World) error
	// Marks must hold, and so must the marks that all rows share.
	Marks []Mark
	// Test is the command of a test, for a row that needs no fleet. Play is nil then.
	Test []string
}

// Mark is one condition on the figures of a row.
type Mark struct {
	Bound string // in words, for a table
	Holds func(*Played) bool
}

// Line is the line of JSON that each row prints. A figure that a row does not measure is null.
type Line struct {
	Row          int      `json:"row"`
	Fault        string   `json:"fault"`
	Excess       *float64 `json:"excess"`
	Max1s        *int     `json:"max_1s"`
	Used         *float64 `json:"used"`
	SilenceMS    *int64   `json:"silence_ms"`
	Lost         *int64   `json:"lost"`
	Twice        *int     `json:"twice"`
	CallsPerTask *float64 `json:"calls_per_task"`
}

// Played is the result of a row.
type Played struct {
	Row     Row
	Line    Line
	Reports []outcome.Report // the last report of each replica that was not killed
	Extra   []Extra          // the figures that are not in Line
	Took    time.Duration
	Output  string   // of a test that failed, or the error of the first task that failed
	Failed  []string // the bounds of the marks that do not hold
}

// Extra is a figure that only some rows measure.
type Extra struct {
	Name  string
	Value float64
}

// Value returns the figure with a name, and whether it was measured.
func (p *Played) Value(name string) (float64, bool) {
	for _, e := range p.Extra {
		if e.Name == name {
			return e.Value, true
		}
	}
	return 0, false
}

// JSON returns the line of the row as JSON.
func (p *Played) JSON() string {
	b, err := json.Marshal(p.Line)
	if err != nil { // a figure is infinite or NaN
		return fmt.Sprintf(`{"row":%d,"error":%q}`, p.Line.Row, err)
	}
	return string(b)
}

// Measured returns the line and the further figures in words.
func (p *Played) Measured() string {
	if p.Line.Excess == nil {
		if len(p.Failed) > 0 {
			return "the test fails"
		}
		return fmt.Sprintf("the test passes, in %.1f s", p.Took.Seconds())
	}
	l := p.Line
	words := []string{
		fmt.Sprintf("excess %.1f, at most %d in a second, used %.1f %%, silence %d ms, lost %d, twice %d, %.2f requests to Redis a call",
			*l.Excess, *l.Max1s, 100**l.Used, *l.SilenceMS, *l.Lost, *l.Twice, *l.CallsPerTask),
	}
	for _, e := range p.Extra {
		words = append(words, e.Name+" "+strconv.FormatFloat(math.Round(e.Value*1000)/1000, 'f', -1, 64))
	}
	return strings.Join(words, "; ")
}

// all returns the marks of every row with a fleet and then the marks of this row. For a row with a test it returns one mark: the test passes.
func (r Row) all() []Mark {
	if r.Play == nil {
		return []Mark{{"the test passes", func(p *Played) bool { return p.Output == "" }}}
	}
	return append([]Mark{
		{"lost 0", func(p *Played) bool { return *p.Line.Lost == 0 }},
		{"twice 0", func(p *Played) bool { return *p.Line.Twice == 0 }},
	}, r.Marks...)
}

// Bound returns the marks of the row in words.
func (r Row) Bound() string {
	var words []string
	for _, m := range r.all() {
		words = append(words, m.Bound)
	}
	return strings.Join(words, ", ")
}

// slack is how late a reservation may be used, which is the limiter's default. In any time T the fleet makes at most burst + rate·(T + slack)
// calls.
const slack = 50 * time.Millisecond

// law is the limiter's promise: the excess is at most rate·slack calls.
func law() Mark { return lawOf(34) }

func lawOf(rate float64) Mark { return excessAtMost(rate * slack.Seconds()) }

func excessAtMost(most float64) Mark {
	return Mark{fmt.Sprintf("excess ≤ %.1f", most), func(p *Played) bool { return *p.Line.Excess <= most+1e-9 }}
}

// fortyInASecond is the mark of a provider that allows 40 calls in any second. A rate of 34 with a burst of 4 keeps it: burst + 1.05·rate is
// below 40.
func fortyInASecond() Mark {
	return Mark{"at most 40 in a second", func(p *Played) bool { return *p.Line.Max1s <= 40 }}
}

func usedAtLeast(share float64) Mark {
	return Mark{fmt.Sprintf("used ≥ %.0f %%", 100*share), func(p *Played) bool { return *p.Line.Used >= share }}
}

func silenceAtMost(d time.Duration) Mark {
	return Mark{fmt.Sprintf("silence ≤ %d ms", d.Milliseconds()), func(p *Played) bool { return *p.Line.SilenceMS <= d.Milliseconds() }}
}

func atLeast(name string, least float64) Mark {
	return Mark{fmt.Sprintf("%s ≥ %g", name, least), func(p *Played) bool {
		v, measured := p.Value(name)
		return measured && v >= least
	}}
}

func atMost(name string, most float64) Mark {
	return Mark{fmt.Sprintf("%s ≤ %g", name, most), func(p *Played) bool {
		v, measured := p.Value(name)
		return measured && v <= most
	}}
}

// Names of figures that several rows measure.
const (
	firstAfter = "ms to the first call after the fault"
	during     = "calls during the fault"
	usedThen   = "used in the seconds after the fault"
)

// failed is the name of the figure that counts outcome.Report.Failed of all replicas.
const failed = "tasks failed"

func noneFailed() Mark {
	return Mark{"no task failed", func(p *Played) bool {
		n, measured := p.Value(failed)
		return measured && n == 0
	}}
}
