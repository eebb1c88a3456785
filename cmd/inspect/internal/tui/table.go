package tui

import (
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// column is a column of a table of T.
type column[T any] struct {
	title string
	left  bool // aligned left; numbers are aligned right
	extra bool // shown first if "wide" is on
	fixed int  // width of a picture, which is drawn only for visible rows; 0 for the width of the cells
	flex  bool // takes the remaining room

	cell    func(T) string
	kind    func(T) kind     // nil for plain
	compare func(a, b T) int // nil if rows cannot be sorted by the column
}

// table is rows of T. The first two columns are always shown.
type table[T any] struct {
	name    string
	empty   string // the text of a table without rows
	columns []column[T]
	rows    []T
	key     func(T) string
}

// sorted sorts the rows by a column. Equal rows keep their order.
func (t *table[T]) sorted(title string) {
	for _, c := range t.columns {
		if c.title == title && c.compare != nil {
			slices.SortStableFunc(t.rows, c.compare)
		}
	}
}

func (t *table[T]) keys() []string {
	out := make([]string, len(t.rows))
	for i, r := range t.rows {
		out[i] = t.key(r)
	}
	return out
}

// orders returns the titles of the columns by which rows can be sorted.
func (t *table[T]) orders(wide bool) (out []string) {
	for _, c := range t.columns {
		if c.compare != nil && (wide || !c.extra) {
			out = append(out, c.title)
		}
	}
	return out
}

// narrowest is the width to which a first column may be cut. longest is the width up to which other columns grow.
const (
	narrowest, longest, gap = 12, 30, "  "
	mark                    = "> "
)

// widths returns the widths of the columns, 0 for a column that has no room. The normal columns get room first, or the extra columns if wide is set.
func (t *table[T]) widths(cells [][]string, width int, wide bool) []int {
	needs, out := make([]int, len(t.columns)), make([]int, len(t.columns))
	for i, c := range t.columns {
		needs[i] = max(ansi.StringWidth(c.title), c.fixed)
		for _, row := range cells {
			needs[i] = max(needs[i], ansi.StringWidth(row[i]))
		}
		switch {
		case c.flex:
			needs[i] = narrowest
		case i > 0:
			needs[i] = min(needs[i], max(longest, c.fixed))
		}
	}
	first := needs[0]
	needs[0] = min(first, narrowest)
	room := width - len(mark) + len(gap)
	place := func(i int) {
		if need := needs[i] + len(gap); out[i] == 0 && (i < 2 || need <= room) {
			out[i], room = needs[i], room-need
		}
	}
	for i := range min(2, len(out)) {
		place(i)
	}
	for _, extra := range []bool{wide, !wide} {
		all := true
		for i, c := range t.columns {
			if c.extra == extra {
				place(i)
				all = all && out[i] > 0
			}
		}
		if !all { // else a narrow column of the other kind would take the room of a name
			break
		}
	}
	more := min(max(0, room), first-out[0])
	out[0], room = out[0]+more, room-more
	if i := len(out) - 1; t.columns[i].flex && out[i] > 0 {
		out[i] += max(0, room)
	}
	return out
}

// window returns the range of at most height rows around the chosen row.
func window(chosen, rows, height int) (from, to int) {
	from = max(0, min(chosen-height/2, rows-height))
	return from, min(rows, from+max(0, height))
}

// draw returns the table with its headers, at most height lines. chosen is the row of the cursor, -1 for none.
func (t *table[T]) draw(width, height, chosen int, wide bool, order string) []string {
	if height <= 0 {
		return nil
	}
	if len(t.rows) == 0 {
		return []string{cut("  "+t.empty, width)}
	}
	cells := make([][]string, len(t.rows))
	for i, r := range t.rows {
		cells[i] = make([]string, len(t.columns))
		for j, c := range t.columns {
			if c.fixed == 0 && (!c.flex) {
				cells[i][j] = c.cell(r)
			}
		}
	}
	widths := t.widths(cells, width, wide)
	out := []string{t.header(widths, order)}
	from, to := window(max(0, chosen), len(t.rows), height-1)
	for i := from; i < to; i++ {
		out = append(out, t.row(t.rows[i], cells[i], widths, i == chosen))
	}
	return out
}

func (t *table[T]) header(widths []int, order string) string {
	var texts []string
	for i, c := range t.columns {
		if widths[i] == 0 {
			continue
		}
		text := pad(c.title, widths[i], !c.left)
		if c.title == order { // bold, because a terminal may have no colours
			text = paint(strong, text)
		} else {
			text = paint(faint, text)
		}
		texts = append(texts, text)
	}
	return strings.Repeat(" ", len(mark)) + strings.Join(texts, gap)
}

func (t *table[T]) row(r T, cells []string, widths []int, is bool) string {
	var texts []string
	for i, c := range t.columns {
		if widths[i] == 0 {
			continue
		}
		text := cells[i]
		if c.fixed > 0 || c.flex {
			text = c.cell(r)
		}
		text = pad(text, widths[i], !c.left)
		if c.kind != nil && !is {
			text = paint(c.kind(r), text)
		}
		texts = append(texts, text)
	}
	if line := strings.Join(texts, gap); is {
		return paint(chosen, mark+line)
	} else {
		return strings.Repeat(" ", len(mark)) + strings.TrimRight(line, " ")
	}
}
