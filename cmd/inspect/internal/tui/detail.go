package tui

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
)

// detail returns the screen of one bucket: why calls wait, the line, who uses the bucket, and the last minute. It has two columns if there is room.
func detail(d *data, s *state, width, height int) []string {
	r := d.history.Last()
	b := r.Find(s.detail)
	if b == nil {
		return wrap("Bucket "+s.detail+" no longer exists. esc goes back.", width, 3)
	}
	lines := []string{joined([]part{{"BUCKET " + b.Name, strong, 0}, {word(b.State), bucketKind(b.State), 0}, {"esc goes back", faint, 1}}, "  ", width)}
	for i := range r.Buckets {
		if v := &r.Buckets[i]; v.Name == b.Name {
			lines = append(lines, cut(fmt.Sprintf("  %s, burst %d: tokens %s, debt %s, in line %s, used %s/s, 429 %s/s",
				v.Limit, v.Burst, short(v.Tokens), short(v.Debt), short(v.Waiting), rate(v.UsedPerS), rate(v.RefusedPerS)), width))
		}
	}
	if note := b.Note(); note != "" {
		for _, line := range wrap("  "+note, width, 3) {
			lines = append(lines, paint(bucketKind(b.State), line))
		}
	}
	if width < 120 {
		lines = append(lines, reasons(d, b, width)...)
		lines = append(lines, minute(d, b, width)...)
		lines = append(lines, classes(r, b, width, false)...)
		lines = append(lines, shares(b, width, 4)...)
		lines = append(lines, inLine(d, b, width)...)
		return append(lines, budget(d, b, width, 6)...)
	}
	half := width/2 - 1
	left := slices.Concat(reasons(d, b, half-2), inLine(d, b, half-2), classes(r, b, half-2, true))
	right := slices.Concat(minute(d, b, half), budget(d, b, half, max(6, min(12, height/4))), shares(b, half, max(4, height/2-8)))
	return append(lines, beside(left, right, half+1)...)
}

// reasons returns why and how long a call made now would wait.
func reasons(d *data, b *report.Bucket, width int) (lines []string) {
	lines = append(lines, "", paint(strong, "WHY"))
	switch {
	case d.whyOf != b.Name || d.why == nil && d.whyBroken == "":
		return append(lines, paint(faint, "  reading …"))
	case d.whyBroken != "":
		for _, line := range wrap("  "+d.whyBroken, width, 3) {
			lines = append(lines, paint(bad, line))
		}
		return lines
	}
	for i, text := range d.why.Sentences() {
		k := plain
		if i >= 2 {
			k = odd // the reasons, and the use of the bucket
		}
		for _, line := range wrap("  "+text, width, 3) {
			lines = append(lines, paint(k, line))
		}
	}
	return lines
}

// inLine returns the table of the line, first caller first.
func inLine(d *data, b *report.Bucket, width int) []string {
	if d.whyOf != b.Name || d.why == nil || len(d.why.Line) == 0 {
		return nil
	}
	type row = report.InLine
	t := table[row]{rows: slices.Clone(d.why.Line), key: func(v row) string { return v.Replica }}
	t.columns = []column[row]{
		{title: "ROUTE", left: true, cell: func(v row) string {
			if v.Urgent {
				return v.Route + " URGENT"
			}
			return v.Route
		}},
		{title: "REPLICA", left: true, cell: func(v row) string { return cmp.Or(report.Short(v.Replica), "(gone)") }},
		{title: "TOKENS", cell: func(v row) string { return strconv.FormatInt(v.Tokens, 10) }},
		{title: "FIRST STARTS", left: true, cell: func(v row) string { return report.InWords(v.WaitMS) }},
	}
	return append([]string{"", paint(strong, "IN LINE")}, t.draw(width, 10, -1, false, "")...)
}

// classes returns how many calls and tasks wait by class, over all routes through the bucket, and the table of these routes. bars takes three more
// lines.
func classes(r *report.Report, b *report.Bucket, width int, bars bool) []string {
	var routes []report.Route
	depth := [3]int{}
	for _, v := range r.Routes {
		if slices.Contains(v.Buckets, b.Name) {
			routes = append(routes, v)
			depth[0], depth[1], depth[2] = depth[0]+v.Urgent, depth[1]+v.Normal, depth[2]+v.Background
		}
	}
	var table []string
	if len(routes) > 0 {
		t := routeTable(routes)
		table = t.draw(width, 10, -1, false, "")
	}
	if !bars {
		line := paint(strong, "WAITING BY CLASS") + fmt.Sprintf("  urgent %d  normal %d  background %d", depth[0], depth[1], depth[2])
		return append([]string{"", cut(line, width)}, table...)
	}
	lines := []string{"", paint(strong, "WAITING BY CLASS")}
	deepest := max(1, depth[0], depth[1], depth[2])
	for i, name := range [...]string{"urgent", "normal", "background"} {
		lines = append(lines, "  "+pad(name, 12, false)+pad(strconv.Itoa(depth[i]), 7, true)+" "+paint(info, bar(float64(depth[i])/float64(deepest), max(5, min(40, width-24)))))
	}
	return append(lines, table...)
}

// shares returns the replicas that use the bucket, with their part of its use.
func shares(b *report.Bucket, width, rows int) []string {
	lines := []string{"", paint(strong, "SHARE OF EACH REPLICA")}
	if len(b.Shares) == 0 {
		return append(lines, "  No replica has used the bucket.")
	}
	total := 0.0
	for _, v := range b.Shares {
		total += v.UsedPerS
	}
	for i, v := range b.Shares {
		if i == rows-1 && len(b.Shares) > rows {
			return append(lines, paint(faint, fmt.Sprintf("  %d more replicas", len(b.Shares)-i)))
		}
		part := 0.0
		if total > 0 {
			part = v.UsedPerS / total
		}
		text := fmt.Sprintf("  %s%s%s/s ", pad(report.Short(v.Replica), 14, false), pad(strconv.Itoa(int(part*100+0.5))+"%", 5, true), pad(short(v.UsedPerS), 8, true))
		refused := ""
		if v.Refused > 0 {
			refused = fmt.Sprintf(" %d refused", v.Refused)
		}
		lines = append(lines, text+paint(info, bar(part, max(5, min(40, width-len(text)-14))))+paint(odd, refused))
	}
	return lines
}
