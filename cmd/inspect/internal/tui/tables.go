package tui

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
)

// fewer returns the rows that match. With faults only it returns only those with a fault.
func fewer[T any](rows []T, s *state, fault func(T) bool, match func(T) bool) []T {
	return slices.DeleteFunc(rows, func(r T) bool { return s.faults && !fault(r) || !match(r) })
}

// none returns the text of an empty table. all is the number of rows before filtering.
func none(what string, all int) string {
	if all > 0 {
		return "The filter, or faults only, hides all " + strconv.Itoa(all) + " " + what + "."
	}
	return "No " + what + "."
}

func bucketTable(d *data, s *state) table[report.Bucket] {
	type row = report.Bucket
	r := d.history.Last()
	t := table[row]{name: "buckets", key: func(b row) string { return bucketKey(&b) }}
	t.rows = r.BySeverity()
	t.empty = none(t.name, len(t.rows))
	t.rows = fewer(t.rows, s, func(b row) bool { return faulty(&b) }, func(b row) bool { return s.filters[bucketScreen].Match(b.Name) })
	t.columns = []column[row]{
		{title: "BUCKET", left: true, cell: func(b row) string { return b.Name }, compare: func(a, b row) int { return strings.Compare(a.Name, b.Name) }},
		{title: "STATE", left: true, cell: func(b row) string { return word(b.State) }, kind: func(b row) kind { return bucketKind(b.State) }},
		{title: "RATE", cell: func(b row) string { return b.Limit }, compare: func(a, b row) int { return cmp.Compare(b.Rate, a.Rate) }},
		{title: "USED/s", cell: func(b row) string { return rate(b.UsedPerS) }, compare: func(a, b row) int { return largest(a.UsedPerS, b.UsedPerS) }},
		{title: "429/s", cell: func(b row) string { return rate(b.RefusedPerS) }, kind: func(b row) kind {
			if b.RefusedPerS != nil && *b.RefusedPerS > 0 {
				return odd
			}
			return plain
		}, compare: func(a, b row) int { return largest(a.RefusedPerS, b.RefusedPerS) }},
		{title: "WAITING", cell: func(b row) string { return strconv.Itoa(b.Calls) }, compare: func(a, b row) int { return cmp.Compare(b.Calls, a.Calls) }},
		{title: "OLDEST", cell: func(b row) string { return report.MS(b.OldestMS) }, compare: func(a, b row) int { return largest(a.OldestMS, b.OldestMS) }},
		{title: "ETA", cell: func(b row) string { return report.MS(b.EtaMS) }, compare: func(a, b row) int { return largest(a.EtaMS, b.EtaMS) }},
		{title: "BURST", extra: true, cell: func(b row) string { return strconv.FormatInt(b.Burst, 10) }},
		{title: "TOKENS", extra: true, cell: func(b row) string { return short(b.Tokens) }, compare: func(a, b row) int { return cmp.Compare(b.Tokens, a.Tokens) }},
		{title: "DEBT", extra: true, cell: func(b row) string { return short(b.Debt) }, compare: func(a, b row) int { return cmp.Compare(b.Debt, a.Debt) }},
		{title: "IN LINE", extra: true, cell: func(b row) string { return short(b.Waiting) }},
		{title: "REPL", extra: true, cell: func(b row) string { return strconv.Itoa(len(b.Shares)) }},
		{title: "USED 60 s", left: true, extra: true, fixed: 20, cell: func(b row) string {
			return spark(used(d, b.Name, 20))
		}, kind: func(row) kind { return info }},
		{title: "NOTE", left: true, extra: true, flex: true, cell: func(b row) string { return b.Note() }},
	}
	return t
}

// used returns the use of a bucket in the last minute, in n parts, and the value at the top of the picture.
func used(d *data, bucket string, n int) (values []float64, top float64) {
	samples := d.history.Samples(bucket)
	points := make([]point, len(samples))
	for i, v := range samples {
		points[i] = point{v.At.Add(-v.Over), v.At, v.UsedPerS}
		top = max(top, v.Budget)
	}
	values = cells(points, n, d.history.Last().At)
	return values, max(top, most(values))
}

func routeTable(routes []report.Route) table[report.Route] {
	type row = report.Route
	t := table[row]{name: "routes", key: func(v row) string { return v.Name }, empty: "No replica has published a route.", rows: slices.Clone(routes)}
	number := func(title string, extra bool, of func(row) int) column[row] {
		return column[row]{title: title, extra: extra, cell: func(v row) string { return strconv.Itoa(of(v)) }}
	}
	t.columns = []column[row]{
		{title: "ROUTE", left: true, cell: func(v row) string { return v.Name }},
		number("WAITING", false, func(v row) int { return v.Waiting }),
		number("URGENT", false, func(v row) int { return v.Urgent }),
		number("NORMAL", false, func(v row) int { return v.Normal }),
		number("BACKGR", false, func(v row) int { return v.Background }),
		{title: "OLDEST", cell: func(v row) string { return report.MS(v.OldestMS) }},
		{title: "TURN", cell: func(v row) string { return report.MS(v.TurnMS) }},
		number("IN FLIGHT", false, func(v row) int { return v.InFlight }),
		number("RESERVED", true, func(v row) int { return v.Reserved }),
		{title: "ETA", extra: true, cell: func(v row) string { return report.MS(v.EtaMS) }},
		{title: "SHUT", left: true, extra: true, cell: func(v row) string { return v.Shut }, kind: func(row) kind { return odd }},
		{title: "BUCKETS", left: true, extra: true, flex: true, cell: func(v row) string { return strings.Join(v.Buckets, ", ") }},
	}
	return t
}

func batchTable(d *data, s *state) table[report.Batch] {
	type row = report.Batch
	t := table[row]{name: "batches", key: func(v row) string { return v.ID + "\x00" + v.Replica }, rows: slices.Clone(d.history.Last().Batches)}
	t.empty = none(t.name, len(t.rows))
	t.rows = fewer(t.rows, s, func(v row) bool { return v.Failed > 0 }, func(v row) bool { return s.filters[bucketScreen].Match(v.ID) })
	done := func(v row) float64 { return float64(v.Done) / float64(max(1, v.Total)) }
	t.columns = []column[row]{
		{title: "BATCH", left: true, cell: func(v row) string { return v.ID }, compare: func(a, b row) int { return strings.Compare(a.ID, b.ID) }},
		{title: "REPLICA", left: true, cell: func(v row) string { return report.Short(v.Replica) }, compare: func(a, b row) int { return strings.Compare(a.Replica, b.Replica) }},
		{title: "DONE", cell: func(v row) string { return strconv.Itoa(v.Done) }, compare: func(a, b row) int { return cmp.Compare(b.Done, a.Done) }},
		{title: "TOTAL", cell: func(v row) string { return strconv.Itoa(v.Total) }, compare: func(a, b row) int { return cmp.Compare(b.Total, a.Total) }},
		{title: "FAILED", cell: func(v row) string { return strconv.Itoa(v.Failed) }, kind: func(v row) kind {
			if v.Failed > 0 {
				return bad
			}
			return plain
		}, compare: func(a, b row) int { return cmp.Compare(b.Failed, a.Failed) }},
		{title: "PART", cell: func(v row) string { return strconv.Itoa(int(100*done(v))) + "%" }, compare: func(a, b row) int { return cmp.Compare(done(b), done(a)) }},
		{title: "PROGRESS", left: true, fixed: 20, cell: func(v row) string { return bar(min(1, done(v)), 20) }, kind: func(row) kind { return good }},
	}
	return t
}

// eventLines returns the event screen: the events, and the selected event in full, because its line may be cut.
func eventLines(d *data, s *state, width, height int) []string {
	t := eventTable(d, s)
	l := listed(t, s, s.sorts[s.screen])
	c := &s.cursors[s.screen]
	if len(t.rows) == 0 || height < 8 {
		return l.titled(s, width, height, c)
	}
	chosen := t.rows[c.in(l.keys)] // listed has sorted the same rows
	full := wrap("  "+chosen.who+": "+chosen.what, width, 4)
	lines := l.titled(s, width, height-1-len(full), c)
	return append(append(lines, ""), full...)
}

func eventTable(d *data, s *state) table[event] {
	t := table[event]{name: "events", key: func(e event) string { return strconv.FormatInt(e.at.UnixNano(), 36) + e.who + e.what }, rows: slices.Clone(d.events)}
	slices.Reverse(t.rows)
	t.empty = none(t.name, len(t.rows))
	t.rows = fewer(t.rows, s, func(e event) bool { return e.kind == bad || e.kind == odd }, func(e event) bool {
		return s.filters[eventScreen].Match(e.who, e.what)
	})
	t.columns = []column[event]{
		{title: "TIME UTC", left: true, cell: func(e event) string { return e.at.UTC().Format("15:04:05") }},
		{title: "WHO", left: true, cell: func(e event) string { return e.who }, compare: func(a, b event) int { return strings.Compare(a.who, b.who) }},
		{title: "WHAT", left: true, flex: true, cell: func(e event) string { return e.what }, kind: func(e event) kind { return e.kind }},
	}
	return t
}
