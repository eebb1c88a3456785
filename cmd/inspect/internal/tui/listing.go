package tui

import (
	"fmt"
	"strings"
)

// listing is a table without the type of its rows, for keys and screens.
type listing struct {
	name   string
	keys   []string
	orders []string // titles of the columns by which rows can be sorted
	draw   func(width, height, chosen int) []string
}

// listed sorts a table by the column that the operator has chosen, and returns it as a listing.
func listed[T any](t table[T], s *state, order string) listing {
	t.sorted(order)
	return listing{t.name, t.keys(), t.orders(s.wide), func(width, height, chosen int) []string {
		return t.draw(width, height, chosen, s.wide, order)
	}}
}

// listing returns the table of the present screen in which the cursor moves.
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

// titled returns a listing below a title with the number of rows, the range of the visible rows, the order and the filter.
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

// lines returns the number of lines of a listing with its title.
func (l listing) lines() int { return 2 + max(0, len(l.keys)) }
