package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/weir-go/weir/bench/measure"
)

// column is one number of each row. The number is NaN if a row does not have it.
type column struct {
	name   string
	digits int                     // after the point
	of     func([]float64) float64 // makes one number from the numbers of all rounds
}

func median(name string, digits int) column { return column{name, digits, measure.Median} }

// most and least return columns that show the worst round instead of the median.
func most(name string, digits int) column  { return column{name, digits, extreme(slices.Max)} }
func least(name string, digits int) column { return column{name, digits, extreme(slices.Min)} }

func extreme(of func([]float64) float64) func([]float64) float64 {
	return func(values []float64) float64 {
		values = slices.DeleteFunc(slices.Clone(values), math.IsNaN)
		if len(values) == 0 {
			return math.NaN()
		}
		return of(values)
	}
}

// values has the numbers of one run, by column.
type values map[string]float64

type row struct {
	labels []string
	rounds []values
}

type table struct {
	letter, title string
	labels        []string // headings of the labels of a row
	columns       []column
	rows          []*row
}

// add adds the numbers of one round to the row with the labels.
func (t *table) add(v values, labels ...string) {
	r := t.row(labels...)
	if r == nil {
		r = &row{labels: labels}
		t.rows = append(t.rows, r)
	}
	r.rounds = append(r.rounds, v)
}

func (t *table) row(labels ...string) *row {
	i := slices.IndexFunc(t.rows, func(r *row) bool { return slices.Equal(r.labels, labels) })
	if i < 0 {
		return nil
	}
	return t.rows[i]
}

// value returns the number of a cell. It is NaN if nothing was measured.
func (t *table) value(name string, labels ...string) float64 {
	if t == nil {
		return math.NaN()
	}
	r := t.row(labels...)
	i := slices.IndexFunc(t.columns, func(c column) bool { return c.name == name })
	if r == nil || i < 0 {
		return math.NaN()
	}
	return t.columns[i].of(r.all(name))
}

// ratio returns the ratio of one row to another in a column: the median of the ratios of each round. Drift between rounds cancels out.
func (t *table) ratio(name string, of, to []string) float64 {
	if t == nil || t.row(of...) == nil || t.row(to...) == nil {
		return math.NaN()
	}
	over, under := t.row(of...).all(name), t.row(to...).all(name)
	ratios := make([]float64, min(len(over), len(under)))
	for i := range ratios {
		ratios[i] = over[i] / under[i]
	}
	return measure.Median(ratios)
}

// all returns the numbers of a column in each round. A missing number is NaN.
func (r *row) all(name string) []float64 {
	out := make([]float64, 0, len(r.rounds))
	for _, v := range r.rounds {
		x, ok := v[name]
		if !ok {
			x = math.NaN()
		}
		out = append(out, x)
	}
	return out
}

// print writes the table as Markdown. Its columns are aligned, so that the source is readable, too.
func (t *table) print(w io.Writer) {
	lines := [][]string{slices.Clone(t.labels)}
	for _, c := range t.columns {
		lines[0] = append(lines[0], c.name)
	}
	for _, r := range t.rows {
		line := slices.Clone(r.labels)
		for _, c := range t.columns {
			line = append(line, number(c.of(r.all(c.name)), c.digits))
		}
		lines = append(lines, line)
	}
	_, _ = fmt.Fprintf(w, "\n%s. %s\n\n", t.letter, t.title) // no error is checked: the user notices missing output
	align(w, lines, len(t.labels))
}

// align writes lines of cells. The first line has the headings. The first columns, as many as texts says, are text, and the others are
// numbers.
func align(w io.Writer, lines [][]string, texts int) {
	widths := make([]int, len(lines[0]))
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for n, line := range lines {
		var b strings.Builder
		for i, cell := range line {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i < texts {
				cell += pad
			} else {
				cell = pad + cell
			}
			b.WriteString("| " + cell + " ")
		}
		_, _ = fmt.Fprintln(w, b.String()+"|")
		if n > 0 {
			continue
		}
		b.Reset()
		for i := range line {
			rule := strings.Repeat("-", widths[i]+2)
			if i >= texts {
				rule = rule[1:] + ":"
			}
			b.WriteString("|" + rule)
		}
		_, _ = fmt.Fprintln(w, b.String()+"|")
	}
}

// number returns a number with commas between thousands, and a dash for NaN.
func number(x float64, digits int) string {
	if math.IsNaN(x) {
		return "–"
	}
	text := strconv.FormatFloat(math.Abs(x), 'f', digits, 64)
	whole, rest, _ := strings.Cut(text, ".")
	var b strings.Builder
	for i, d := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	if digits > 0 {
		b.WriteString("." + rest)
	}
	if x < 0 && strings.Trim(text, "0.") != "" {
		return "-" + b.String()
	}
	return b.String()
}

// MarshalJSON returns the rows as objects. Each has the labels and, for each column, the number of the table and the numbers of each round.
func (t *table) MarshalJSON() ([]byte, error) {
	rows := make([]map[string]any, 0, len(t.rows))
	for _, r := range t.rows {
		out := map[string]any{}
		for i, l := range t.labels {
			out[l] = r.labels[i]
		}
		for _, c := range t.columns {
			all := slices.DeleteFunc(r.all(c.name), math.IsNaN)
			if len(all) > 0 {
				out[c.name] = map[string]any{"value": c.of(all), "rounds": all}
			}
		}
		rows = append(rows, out)
	}
	return json.Marshal(map[string]any{"workload": t.letter, "title": t.title, "rows": rows})
}
