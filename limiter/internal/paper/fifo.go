package paper

import "slices"

// fifo is a queue. To drop its first items takes amortized constant time.
type fifo[T any] struct {
	items []T
	gone  int
}

func (f *fifo[T]) len() int { return len(f.items) - f.gone }

func (f *fifo[T]) all() []T { return f.items[f.gone:] }

// insert inserts an item at an index of all.
func (f *fifo[T]) insert(i int, x T) { f.items = slices.Insert(f.items, f.gone+i, x) }

// drop removes the first n items.
func (f *fifo[T]) drop(n int) {
	if f.gone += n; f.gone > len(f.items)/2 {
		f.items = f.items[:copy(f.items, f.all())]
		f.gone = 0
	}
}
