package tui

import (
	"fmt"
	"slices"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
)

// overview returns the fleet screen: the warnings, the buckets, and as many other tables as have room.
func overview(d *data, s *state, width, height int) []string {
	r := d.history.Last()
	lines := alerts(r, width, max(2, height/3))
	l := s.listing(d)
	room := height - len(lines)
	others := []listing{listed(replicaTable(d, s.unfiltered()), s, ""), listed(batchTable(d, s.unfiltered()), s, ""), listed(routeTable(r.Routes), s, "")}
	mine := room
	if tall := 30; height >= tall { // room for more than buckets
		mine = max(room/2, room-others[0].lines()-others[1].lines()-2)
	}
	lines = append(lines, l.titled(s, width, min(mine, max(3, l.lines())), &s.cursors[s.screen])...)
	for _, o := range others {
		if left := height - len(lines) - 1; left >= 4 && len(o.keys) > 0 {
			lines = append(append(lines, ""), o.titled(s, width, min(left, o.lines()), nil)...)
		}
	}
	return lines
}

// unfiltered returns the state without filters and without faults only. Tables without a cursor are not filtered.
func (s *state) unfiltered() *state {
	t := *s
	t.filters, t.faults = [screens]report.Filter{}, false
	return &t
}

// alerts returns the warnings, in at most height lines.
func alerts(r *report.Report, width, height int) (lines []string) {
	if r.Epoch == "" {
		lines = append(lines, cut("  Nobody has used namespace "+r.Namespace+".", width))
	}
	all := warnings(r)
	for i, w := range all {
		left := height - len(lines)
		text := wrap("! "+w, width, min(2, left))
		if left <= 0 || len(text) >= left && i < len(all)-1 {
			return append(lines, paint(bad, cut(fmt.Sprintf("! %d more warnings: see the other screens", len(all)-i), width)), "")
		}
		for _, line := range text {
			lines = append(lines, paint(bad, line))
		}
	}
	if len(lines) > 0 {
		lines = append(lines, "")
	}
	return lines
}

// buckets returns the bucket screen: all buckets, and the routes if there is room.
func buckets(d *data, s *state, width, height int) []string {
	l := s.listing(d)
	lines := l.titled(s, width, min(height, max(3, l.lines())), &s.cursors[s.screen])
	routes := slices.DeleteFunc(slices.Clone(d.history.Last().Routes), func(v report.Route) bool { return !s.filter().Match(v.Name) })
	if left := height - len(lines) - 1; left >= 3 && len(routes) > 0 {
		o := listed(routeTable(routes), s, "")
		lines = append(append(lines, ""), o.titled(s, width, min(left, o.lines()), nil)...)
	}
	return lines
}
