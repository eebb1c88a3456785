package tui

import (
	"fmt"
	"strings"
)

// listing is a table of any rows, as keys and screens use it.
type listing struct {
	name   string
	keys   []string
	orders []string // titles of columns by which it can be sorted
	draw   func(width, height, chosen int) []string
}

// listed sorts a table as the operator has chosen, and hides the type of its rows.
func listed[T any](t table[T], s *state, order string) listing {
	t.sorted(order)
	return listing{t.name, t.keys(), t.orders(s.wide), func(width, height, chosen int) []string {
		return t.draw(width, height, chosen, s.wide, order)
	}}
}

// listing is the table in which the cursor of the present screen moves.
func (s *state) listing(d *data) listing {
	order := s.sorts[s.screen]
	if d.history.Last() == nil && s.screen != eventScreen {
		return listing{}
	}
	switch s.screen {
	case fleetScreen, bucketScreen:
		return listed(bucketTable(d, s), s, order)
	case replicaScreen:
		return listed(replicaTable(d, s), s, order)
	case batchScreen:
		return listed(batchTable(d, s), s, order)
	case eventScreen:
		return listed(eventTable(d, s), s, order)
	}
	return listing{}
}

// titled is a listing under a title that says how many rows there are, which of them are seen, and why others are not.
func (l listing) titled(s *state, width, height int, cursor *cursor) []string {
	if height < 2 {
		return nil
	}
	chosen := -1
	title := []part{{strings.ToUpper(l.name), strong, 0}, {fmt.Sprint(len(l.keys)), strong, 0}}
	if cursor != nil {
		chosen = cursor.in(l.keys)
		if order := s.sorts[s.screen]; order != "" {
			title = append(title, part{"by " + order, faint, 3})
		}
		if f := s.filter().String(); f != "" {
			title = append(title, part{"filter " + f, odd, 1})
		}
		if s.faults {
			title = append(title, part{"FAULTS ONLY", odd, 1})
		}
	}
	if rows := height - 2; rows < len(l.keys) {
		from, to := window(max(0, chosen), len(l.keys), rows)
		title = append(title, part{fmt.Sprintf("%d-%d", from+1, to), faint, 2})
	}
	return append([]string{joined(title, " ", width)}, l.draw(width, height-1, chosen)...)
}

// lines is how many lines a listing has with its title.
func (l listing) lines() int { return 2 + max(0, len(l.keys)) }
