// Package check evaluates a condition on a report, for scripts and probes.
package check

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
)

// facts are the names that a condition may use. Times are seconds.
type facts struct {
	Oldest        float64 `expr:"oldest"`        // how long the oldest waiting call or task has waited
	Waiting       float64 `expr:"waiting"`       // calls and tasks that wait, in all replicas
	Used          float64 `expr:"used"`          // the largest use of a bucket, as a part of its rate
	Refused       float64 `expr:"refused"`       // calls a second that providers refuse
	Held          float64 `expr:"held"`          // how much longer buckets are held, the longest of them
	Paused        float64 `expr:"paused"`        // buckets that somebody has paused
	Followed      float64 `expr:"followed"`      // buckets that follow their provider, below their rate
	Disagreements float64 `expr:"disagreements"` // buckets about which replicas disagree
	Up            float64 `expr:"up"`            // replicas, by state
	Draining      float64 `expr:"draining"`
	Lost          float64 `expr:"lost"`
	Unknown       float64 `expr:"unknown"`
	Failed        float64 `expr:"failed"`  // tasks that ended without a result since the replicas started
	Age           float64 `expr:"age"`     // of the oldest record of a replica that is up
	Evicted       float64 `expr:"evicted"` // keys that Redis has evicted
	Memory        float64 `expr:"memory"`  // used by Redis, as a part of maxmemory; 0 if that is not set
	Took          float64 `expr:"took"`    // to read the report
}

// Names are the names that a condition may use.
const Names = "oldest, waiting, used, refused, held, paused, followed, disagreements, up, draining, lost, unknown, failed, age, evicted, memory, took"

// Condition is a condition on a report.
type Condition struct {
	text    string
	program *vm.Program
}

// span is a duration in a condition: a number and a unit.
var span = regexp.MustCompile(`\b(\d+(?:\.\d+)?)(ms|s|m|h|d)\b`)

var units = map[string]time.Duration{"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour} //nolint:gochecknoglobals // fixed

// Parse parses a condition such as "oldest > 30s || lost > 0". Durations become seconds. The error is one line and lists the names.
func Parse(text string) (*Condition, error) {
	inSeconds := span.ReplaceAllStringFunc(text, func(s string) string {
		m := span.FindStringSubmatch(s)
		n, _ := strconv.ParseFloat(m[1], 64)
		return strconv.FormatFloat(n*units[m[2]].Seconds(), 'f', -1, 64)
	})
	program, err := expr.Compile(inSeconds, expr.Env(facts{}), expr.AsBool())
	if err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return nil, fmt.Errorf("condition %q: %s; names are %s", text, first, Names)
	}
	return &Condition{text, program}, nil
}

// True reports whether the condition is true, and the values of the names in it, such as "lost 0, oldest 1.5". It returns an error
// if the condition cannot be evaluated.
func (c *Condition) True(r *report.Report) (holds bool, because string, err error) {
	f := factsOf(r)
	out, err := expr.Run(c.program, f)
	if err != nil {
		return false, "", fmt.Errorf("condition %q: %w", c.text, err)
	}
	holds, ok := out.(bool)
	if !ok {
		return false, "", errors.New("the condition is neither true nor false")
	}
	return holds, f.named(c.text), nil
}

func factsOf(r *report.Report) (f facts) {
	slowed := map[string]bool{}
	seen := map[string]bool{} // a bucket has a row for each of its limits
	for _, b := range r.Buckets {
		again := seen[b.Name]
		seen[b.Name] = true
		f.Oldest = max(f.Oldest, seconds(b.OldestMS))
		if b.UsedPerS != nil && b.Rate > 0 {
			f.Used = max(f.Used, *b.UsedPerS/b.Rate)
			if !again {
				f.Refused += *b.RefusedPerS
			}
		}
		if b.HeldBy != nil {
			f.Held = max(f.Held, seconds(b.PausedMS))
		}
		f.Paused += one(b.Paused && b.HeldBy == nil && !again)
		f.Disagreements += one(len(b.Wishes) > 0 && !again)
		if b.Served < 1 && !slowed[b.Name] {
			slowed[b.Name] = true
			f.Followed++
		}
	}
	for _, v := range r.Replicas {
		switch v.State {
		case "up":
			f.Up++
			f.Age = max(f.Age, float64(v.HeartbeatAgeMS)/1000)
		case "draining":
			f.Draining++
		case "lost":
			f.Lost++
		default:
			f.Unknown++
		}
		if v.Pending != nil && v.State != "lost" { // Pending counts the routes that a record left out, too
			f.Waiting += float64(*v.Pending)
			f.Oldest = max(f.Oldest, seconds(v.OldestMS))
		}
		if v.Failed != nil {
			f.Failed += float64(*v.Failed)
		}
	}
	s := r.Server
	if s.EvictedKeys != nil {
		f.Evicted = float64(*s.EvictedKeys)
	}
	if s.UsedMemory != nil && s.MaxMemory != nil && *s.MaxMemory > 0 {
		f.Memory = float64(*s.UsedMemory) / float64(*s.MaxMemory)
	}
	f.Took = r.Cost.MS / 1000
	return f
}

// named returns the values of the names in a text.
func (f facts) named(text string) string {
	values := map[string]float64{
		"oldest": f.Oldest, "waiting": f.Waiting, "used": f.Used, "refused": f.Refused, "held": f.Held, "paused": f.Paused, "followed": f.Followed,
		"disagreements": f.Disagreements, "up": f.Up, "draining": f.Draining, "lost": f.Lost, "unknown": f.Unknown, "failed": f.Failed, "age": f.Age,
		"evicted": f.Evicted, "memory": f.Memory, "took": f.Took,
	}
	var out []string
	for _, name := range regexp.MustCompile(`[a-z]+`).FindAllString(text, -1) {
		if v, ok := values[name]; ok {
			if s := fmt.Sprintf("%s %.4g", name, v); !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	return strings.Join(out, ", ")
}

func seconds(ms *int64) float64 {
	if ms == nil {
		return 0
	}
	return float64(*ms) / 1000
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
