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

// Config is the fleet of a row. The zero value of each field is what the comment says.
type Config struct {
	Replicas int           // at the beginning; 4
	Joining  int           // further replicas that Play starts, so that so many live at once
	Tasks    int           // of each replica at the same time; 32
	Rate     int64         // calls in each Per; 34
	Per      time.Duration // a second
	Burst    int64         // 4
	Deadline time.Duration // of each task; none
	Flags    []string      // further flags of each replica
	Options  []string      // further options of redis-server
	Proxy    bool          // between the replicas and Redis
	Clock    bool          // of redis-server can be moved
	Wall     time.Duration // by which the wall clocks of every other replica step forward, and of the rest back, stepAfter after their start
	Password string        // that the replicas log in with; Redis takes any until it asks for one
	Version  age           // of the replicas with which the row begins; today's
	Docker   bool          // Redis is a container, or several; else processes
	Topology Topology      // Single
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
	Name   string // one word, for a test
	Fault  string // what happens, in a sentence without its full stop
	Config Config
	CI     bool // the row is short enough for each change
	// Play plays the fault. The burst is spent and calls arrive at the rate when Play begins.
	Play func(context.Context, *World) error
	// Marks are what must hold, beside the marks of every row.
	Marks []Mark
	// Test is the command of a test that shows the row where no fleet is needed. Play is nil then.
	Test []string
}

// Mark is one condition on what was measured.
type Mark struct {
	Bound string // in words, for a table
	Holds func(*Played) bool
}

// Line is the line that each row prints. Figures that a row does not measure are null.
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

// Played is what a row measured.
type Played struct {
	Row     Row
	Line    Line
	Reports []outcome.Report // the last of each replica that was not killed
	Extra   []Extra          // what only this row measures
	Took    time.Duration
	Output  string   // of a test that failed
	Failed  []string // the bounds that do not hold
}

// Extra is a figure that only some rows measure.
type Extra struct {
	Name  string
	Value float64
}

// Value is the figure of a name, and whether it was measured.
func (p *Played) Value(name string) (float64, bool) {
	for _, e := range p.Extra {
		if e.Name == name {
			return e.Value, true
		}
	}
	return 0, false
}

// JSON is the line of the row.
func (p *Played) JSON() string {
	b, err := json.Marshal(p.Line)
	if err != nil { // a figure that is no number
		return fmt.Sprintf(`{"row":%d,"error":%q}`, p.Line.Row, err)
	}
	return string(b)
}

// Measured is the line and the further figures in words.
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

// all are the marks that every row with a fleet has, and then the row's own.
func (r Row) all() []Mark {
	if r.Play == nil {
		return []Mark{{"the test passes", func(p *Played) bool { return p.Output == "" }}}
	}
	return append([]Mark{
		{"lost 0", func(p *Played) bool { return *p.Line.Lost == 0 }},
		{"twice 0", func(p *Played) bool { return *p.Line.Twice == 0 }},
	}, r.Marks...)
}

// Bound is the marks of the row in words.
func (r Row) Bound() string {
	var words []string
	for _, m := range r.all() {
		words = append(words, m.Bound)
	}
	return strings.Join(words, ", ")
}

// slack is how late a reservation may be used: the limiter's default. The law of the fleet is burst + rate·(T + slack).
const slack = 50 * time.Millisecond

// law is the limiter's promise: the excess is at most the calls of one slack.
func law() Mark { return lawOf(34) }

func lawOf(rate float64) Mark { return excessAtMost(rate * slack.Seconds()) }

func excessAtMost(most float64) Mark {
	return Mark{fmt.Sprintf("excess ≤ %.1f", most), func(p *Played) bool { return *p.Line.Excess <= most+1e-9 }}
}

// fortyInASecond is what a rate of 34 with a burst of 4 is chosen for: burst + 1.05·rate is below 40.
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

// Figures that several rows have.
const (
	firstAfter = "ms to the first call after the fault"
	during     = "calls during the fault"
	usedThen   = "used in the seconds after the fault"
)

// failed is the tasks that ended with an error that is neither a deadline nor the end of the replica.
const failed = "tasks failed"

func noneFailed() Mark {
	return Mark{"no task failed", func(p *Played) bool {
		n, measured := p.Value(failed)
		return measured && n == 0
	}}
}
