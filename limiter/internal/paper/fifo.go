package paper

import "slices"

// fifo is a queue whose first items go at no cost.
type fifo[T any] struct {
	items []T
	gone  int
}

func (f *fifo[T]) len() int { return len(f.items) - f.gone }

func (f *fifo[T]) all() []T { return f.items[f.gone:] }

// insert puts an item at a place among all.
func (f *fifo[T]) insert(i int, x T) { f.items = slices.Insert(f.items, f.gone+i, x) }

// drop removes the first n.
func (f *fifo[T]) drop(n int) {
	if f.gone += n; f.gone > len(f.items)/2 {
		f.items = f.items[:copy(f.items, f.all())]
		f.gone = 0
	}
}
