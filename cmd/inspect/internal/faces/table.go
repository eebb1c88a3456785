package faces

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
)

// Width is the width of tables in columns if nothing else is known.
const Width = 80

// Table writes a report for a person. Tables are at most width columns wide: names are cut first, then the last columns are left out. wide has more
// columns. Errors are those of out.
func Table(out io.Writer, r *report.Report, width int, wide bool) error {
	var b strings.Builder
	b.WriteString(wrapped(fmt.Sprintf("%s on %s at %s (Redis clock)", r.Namespace, r.Redis, r.At.Format("15:04:05.000 MST")), width))
	if r.Epoch == "" {
		fmt.Fprintf(&b, "Nobody has used namespace %s.\n", r.Namespace)
	}
	sections := []string{bucketTable(r, wide).text(width), replicaTable(r, wide).text(width), batchTable(r).text(width)}
	if wide {
		sections = slices.Insert(sections, 1, routeTable(r).text(width))
	}
	for _, s := range sections {
		if s != "" {
			b.WriteString("\n" + s)
		}
	}
	for i, w := range r.Warnings {
		if i == 0 {
			b.WriteString("\n")
		}
		b.WriteString(wrapped("! "+w, width))
	}
	if !wide {
		for _, c := range r.BySeverity() {
			if note := c.Note(); note != "" && !slices.Contains(r.Warnings, fmt.Sprintf("bucket %s: %s", c.Name, note)) {
				b.WriteString(wrapped("  bucket "+c.Name+": "+note, width))
			}
		}
	}
	b.WriteString("\n" + wrapped(fmt.Sprintf("%d reservations in epoch %s; read with %d commands, %s, %.1f ms", r.Grants, report.Short(r.Epoch), r.Cost.Commands, Bytes(r.Cost.Bytes), r.Cost.MS), width))
	_, err := io.WriteString(out, b.String())
	return err
}

func bucketTable(r *report.Report, wide bool) *grid {
	g := newGrid("BUCKET", "STATE", "RATE", "USED/s", "429/s", "WAITING", "OLDEST", "ETA")
	if wide {
		g = newGrid("BUCKET", "STATE", "RATE", "BURST", "USED/s", "429/s", "TOKENS", "DEBT", "IN LINE", "WAITING", "OLDEST", "ETA", "REPLICAS", "NOTE")
	}
	for _, b := range r.BySeverity() {
		row := []string{b.Name, string(b.State), b.Limit, float(b.UsedPerS), float(b.RefusedPerS), strconv.Itoa(b.Calls), report.MS(b.OldestMS), report.MS(b.EtaMS)}
		if wide {
			row = []string{
				b.Name, string(b.State), b.Limit, strconv.FormatInt(b.Burst, 10), float(b.UsedPerS), float(b.RefusedPerS), fmt.Sprintf("%.1f", b.Tokens),
				fmt.Sprintf("%.1f", b.Debt), fmt.Sprintf("%.1f", b.Waiting), strconv.Itoa(b.Calls), report.MS(b.OldestMS), report.MS(b.EtaMS), strconv.Itoa(len(b.Shares)), b.Note(),
			}
		}
		g.add(row...)
	}
	return g
}

func routeTable(r *report.Report) *grid {
	g := newGrid("ROUTE", "WAITING", "URGENT", "NORMAL", "BACKGR", "RESERVED", "IN FLIGHT", "OLDEST", "TURN", "ETA", "BUCKETS", "SHUT")
	for _, v := range r.Routes {
		g.add(v.Name, strconv.Itoa(v.Waiting), strconv.Itoa(v.Urgent), strconv.Itoa(v.Normal), strconv.Itoa(v.Background), strconv.Itoa(v.Reserved),
			strconv.Itoa(v.InFlight), report.MS(v.OldestMS), report.MS(v.TurnMS), report.MS(v.EtaMS), strings.Join(v.Buckets, ","), v.Shut)
	}
	return g
}

func replicaTable(r *report.Report, wide bool) *grid {
	g := newGrid("REPLICA", "STATE", "HOST", "WAITING", "OLDEST", "RUNNING", "DONE", "FAILED", "SEEN")
	if wide {
		g = newGrid("REPLICA", "STATE", "HOST:PID", "VERSION", "UP", "WAITING", "OLDEST", "RUNNING", "SLOTS", "DONE", "FAILED", "REDIS CALLS", "SEEN", "ADDRESS")
	}
	for _, v := range r.Replicas {
		seen := report.MS(&v.HeartbeatAgeMS) + " ago"
		row := []string{report.Short(v.ID), v.State, v.Host, number(v.Pending), report.MS(v.OldestMS), number(v.InFlight), number(v.Done), number(v.Failed), seen}
		if wide {
			host := v.Host
			if v.PID > 0 {
				host += ":" + strconv.Itoa(v.PID)
			}
			row = []string{
				v.ID, v.State, host, v.Version, report.MS(v.UpMS), number(v.Pending), report.MS(v.OldestMS), number(v.InFlight), number(v.Slots),
				number(v.Done), number(v.Failed), number(v.RedisCalls), seen, v.Addr,
			}
		}
		g.add(row...)
	}
	return g
}

func batchTable(r *report.Report) *grid {
	g := newGrid("BATCH", "REPLICA", "DONE", "TOTAL", "FAILED")
	for _, v := range r.Batches {
		g.add(v.ID, report.Short(v.Replica), strconv.Itoa(v.Done), strconv.Itoa(v.Total), strconv.Itoa(v.Failed))
	}
	return g
}

// grid is a table without lines. Texts are aligned left, numbers right.
type grid struct {
	rows   [][]string // the first row is the headers
	widths []int
}

func newGrid(headers ...string) *grid {
	g := &grid{widths: make([]int, len(headers))}
	g.add(headers...)
	return g
}

func (g *grid) add(row ...string) {
	for i, cell := range row {
		g.widths[i] = max(g.widths[i], ansi.StringWidth(cell))
	}
	g.rows = append(g.rows, row)
}

// text returns the table, "" if it has no rows. If it is wider than width, text first cuts a text in the last column, then the names. Then it leaves
// out columns, beginning with the last.
func (g *grid) text(width int) string {
	if len(g.rows) < 2 {
		return ""
	}
	const gap, shortName, shortText = "  ", 8, 20
	widths, columns := slices.Clone(g.widths), len(g.widths)
	over := func() int {
		total := len(gap) * (columns - 1)
		for _, w := range widths[:columns] {
			total += w
		}
		return total - width
	}
	cut := func(column, least int) {
		widths[column] = max(min(least, widths[column]), widths[column]-max(0, over()))
	}
	if last := columns - 1; !numeric(g.rows[1:], last) {
		cut(last, shortText)
	}
	cut(0, shortName)
	for over() > 0 && columns > 1 {
		columns--
	}
	widths[0] = min(g.widths[0], widths[0]+max(0, -over())) // the room that left-out columns have freed
	var b strings.Builder
	for _, row := range g.rows {
		line := make([]string, columns)
		for i, cell := range row[:columns] {
			line[i] = padded(ansi.Truncate(cell, widths[i], "…"), widths[i], i > 0 && numeric(g.rows[1:], i))
		}
		b.WriteString(strings.TrimRight(strings.Join(line, gap), " ") + "\n")
	}
	return b.String()
}

// numeric reports whether a column holds numbers: each cell is empty, or short and begins with a digit or a dash.
func numeric(rows [][]string, column int) bool {
	for _, row := range rows {
		if c := row[column]; len(c) > 16 || c != "" && c[0] != '-' && (c[0] < '0' || c[0] > '9') {
			return false
		}
	}
	return true
}

func padded(text string, width int, right bool) string {
	space := strings.Repeat(" ", max(0, width-ansi.StringWidth(text)))
	if right {
		return space + text
	}
	return text + space
}

// wrapped returns a text in lines of at most width columns. Lines after the first are indented.
func wrapped(text string, width int) string {
	return strings.ReplaceAll(ansi.Wrap(text, max(20, width-2), " "), "\n", "\n  ") + "\n"
}

func float(x *float64) string {
	if x == nil {
		return "-"
	}
	return strconv.FormatFloat(*x, 'f', 1, 64)
}

func number[T int | int64](n *T) string {
	if n == nil {
		return "-"
	}
	return strconv.FormatInt(int64(*n), 10)
}

// Bytes returns a number of bytes for a person to read, in B, KiB or MiB.
func Bytes(n int64) string {
	switch {
	case n < 10<<10:
		return fmt.Sprintf("%d B", n)
	case n < 10<<20:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d MiB", n>>20)
}

// Why writes why a call waits, and the line. Errors are those of out.
func Why(out io.Writer, w *report.Why, width int) error {
	var b strings.Builder
	for _, s := range w.Sentences() {
		b.WriteString(wrapped(s, width))
	}
	g := newGrid("IN LINE", "FIRST STARTS", "TOKENS", "ROUTE")
	for _, l := range w.Line {
		who, route := report.Short(l.Replica), l.Route
		if who == "" {
			who = "(gone)"
		}
		if l.Urgent {
			route += " (urgent)"
		}
		g.add(who, report.InWords(l.WaitMS), strconv.FormatInt(l.Tokens, 10), route)
	}
	b.WriteString(g.text(width))
	_, err := io.WriteString(out, b.String())
	return err
}

// Stale returns the banner over a report of that age.
func Stale(age time.Duration) string { return "STALE " + report.Span(age) }

// Events writes what operators have done. Errors are those of out.
func Events(out io.Writer, events []report.Event, width int) error {
	g := newGrid("WHEN", "WHO", "WHAT")
	for _, e := range events {
		g.add(e.At.Format(time.DateTime+" MST"), e.By, e.Of+": "+e.What)
	}
	text := g.text(width)
	if text == "" {
		text = "No operator has changed anything in the last week.\n"
	}
	_, err := io.WriteString(out, text)
	return err
}
