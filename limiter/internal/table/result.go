package table

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Mark is one demand and the value that was reached.
type Mark struct {
	Name      string
	Got, Want float64
	// Most means that Got must not exceed Want. Without it Got must reach Want.
	Most bool
}

// OK reports whether the mark is reached. A billionth is allowed for the rounding of sums.
func (m Mark) OK() bool {
	if m.Most {
		return m.Got <= m.Want+1e-9
	}
	return m.Got >= m.Want-1e-9
}

// String returns the mark in short form, such as used 0.63 < 0.99.
func (m Mark) String() string {
	sign := map[[2]bool]string{{true, true}: "≤", {true, false}: ">", {false, true}: "≥", {false, false}: "<"}[[2]bool{m.Most, m.OK()}]
	return fmt.Sprintf("%s %.4g %s %.4g", m.Name, m.Got, sign, m.Want)
}

// Result is the verdict on a run.
type Result struct {
	Row   Row
	Marks []Mark
	// Tokens is the number of tokens started.
	Tokens int64
	// Calls is the number of calls to the store for each token.
	Calls float64
	// Used is the smallest share of a limit that was used in any phase.
	Used float64
	// Mean and Ideal are the mean waits, in the run and in the ideal queue.
	Mean, Ideal time.Duration
	// Spread is the longest wait ÷ the median, which counts as a microsecond at least.
	Spread float64
	// Jain is Jain's index of fairness over the tokens of the callers that stay. It is 1 when all have the same.
	Jain float64
}

func (r *Result) mark(m Mark) { r.Marks = append(r.Marks, m) }

// Failed returns the marks that were not reached.
func (r Result) Failed() []Mark {
	return slices.DeleteFunc(slices.Clone(r.Marks), Mark.OK)
}

// String returns the result as one line.
func (r Result) String() string {
	verdict := "green"
	if failed := r.Failed(); len(failed) > 0 {
		var names []string
		for _, m := range failed {
			names = append(names, m.String())
		}
		verdict = "RED: " + strings.Join(names, ", ")
	}
	ratio := 1.0
	if r.Ideal > 0 {
		ratio = float64(r.Mean) / float64(r.Ideal)
	}
	return fmt.Sprintf("%-60s %6d tokens, %.2f calls a token, used %.3f, mean %v = %.3f × ideal, longest/median %.2f, Jain %.3f: %s",
		r.Row, r.Tokens, r.Calls, r.Used, short(r.Mean), ratio, r.Spread, r.Jain, verdict)
}

// short rounds a duration to about three digits.
func short(d time.Duration) time.Duration {
	unit := time.Duration(1)
	for d/unit >= 1000 {
		unit *= 10
	}
	return d.Round(unit)
}

// describe fills in the figures that have no mark.
func (r *Result) describe(tasks []Task, log Log, row Row) {
	var waits []time.Duration
	tokens := map[int]float64{}
	for _, t := range tasks {
		if !row.Leaves(t.Lane) {
			tokens[t.Caller] += 0
		}
		if t.Started == Never {
			continue
		}
		r.Tokens += t.Cost
		waits = append(waits, t.Started-t.Arrived)
		if !row.Leaves(t.Lane) {
			tokens[t.Caller] += float64(t.Cost)
		}
	}
	if len(waits) > 0 {
		slices.Sort(waits)
		r.Spread = float64(waits[len(waits)-1]) / float64(max(time.Microsecond, waits[len(waits)/2]))
	}
	sum, squares := 0.0, 0.0
	for _, n := range tokens {
		sum, squares = sum+n, squares+n*n
	}
	if squares > 0 {
		r.Jain = sum * sum / (float64(len(tokens)) * squares)
	}
	if r.Tokens > 0 {
		r.Calls = float64(log.Calls) / float64(r.Tokens)
	}
}
